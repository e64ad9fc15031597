"""The account: cash, positions, what is held by open orders and what can still be bought. No orders are placed here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from brokers.local_alpaca.orders import Execution, Order

ZERO = Decimal(0)


@dataclass(frozen=True)
class AccountRules:
    """What this account and its assets may do.

    Attributes:
        multiplier: buying power per dollar of equity; 1 is a cash account.
        shorting: whether short sales are allowed at all.
        plan: market data subscription, "basic" (no SIP of the last 15 minutes) or "plus".
        spread: ask minus bid, USD.
        not_shortable, not_fractionable, inactive: symbols with that restriction.
        pattern_day_trader: apply the rule that FINRA retired in June 2026.
        done_for_day: resting gtc orders report `done_for_day` at the close and `new` at the next open.
        rate_limit: requests per minute of the venue's clock, then 429; None counts without refusing.
        live: keys are live ones (no paper account number).
    """

    multiplier: int = 2
    shorting: bool = True
    plan: str = "basic"
    spread: Decimal = Decimal("0.02")
    not_shortable: frozenset[str] = frozenset()
    not_fractionable: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()
    pattern_day_trader: bool = False
    done_for_day: bool = False
    rate_limit: int | None = None
    live: bool = False


@dataclass
class Position:
    """Shares held (negative when short) and what they cost on average, USD per share."""

    qty: Decimal = ZERO
    average: Decimal = ZERO

    def trade(self, signed: Decimal, price: Decimal) -> None:
        """Add or take shares; the average changes only when the position grows or turns."""
        after = self.qty + signed
        if after == 0 or self.qty * after < 0:
            self.average = price if after else ZERO
        elif self.qty * signed >= 0:
            self.average = (self.qty * self.average + signed * price) / after
        self.qty = after


@dataclass
class Account:
    """Cash and positions, valued with `price_of(symbol)`."""

    cash: Decimal
    rules: AccountRules
    price_of: Callable[[str], Decimal]
    positions: dict[str, Position] = field(default_factory=dict)
    blocked: bool = False
    suspended_by_user: bool = False
    last_equity: Decimal = ZERO

    def position(self, symbol: str) -> Decimal:
        """Signed shares; 0 where nothing is held."""
        return self.positions[symbol].qty if symbol in self.positions else ZERO

    def book(self, execution: Execution) -> None:
        """Settle an execution in cash and shares at once."""
        self.cash -= execution.signed * execution.price
        self.positions.setdefault(execution.symbol, Position()).trade(execution.signed, execution.price)
        if not self.positions[execution.symbol].qty:
            del self.positions[execution.symbol]

    def market_values(self) -> tuple[Decimal, Decimal]:
        """Long and short market value; the short one is negative."""
        values = [held.qty * self.price_of(symbol) for symbol, held in self.positions.items()]
        return sum((v for v in values if v > 0), ZERO), sum((v for v in values if v < 0), ZERO)

    @property
    def equity(self) -> Decimal:
        """Cash plus market value."""
        return self.cash + sum(self.market_values(), ZERO)

    def buying_power(self, orders: Iterable[Order]) -> Decimal:
        """What opening orders may still cost: equity times the multiplier, less exposure and open opening orders.

        Sells do not replenish it before they are executed (page "Orders at Alpaca", Buying Power).
        """
        long, short = self.market_values()
        held: dict[str, Decimal] = {}
        for order in orders:
            held[order.claim] = max(held.get(order.claim, ZERO), self.cost(order))
        return max(self.equity * self.rules.multiplier - long + short - sum(held.values(), ZERO), ZERO)

    def cost(self, order: Order) -> Decimal:
        """What an order holds of the buying power: its value if it opens or adds, else nothing; legs never do."""
        if order.parent is not None or order.leg or not self.opens(order):
            return ZERO
        if order.notional is not None:
            return order.notional - order.filled_cost
        price = self.valued_at(order)
        return order.remaining(price) * price

    def opens(self, order: Order) -> bool:
        """Whether it adds to a long or short position, or starts one."""
        return self.position(order.symbol) * order.sign >= 0

    def valued_at(self, order: Order) -> Decimal:
        """The price at which an opening order is checked against the buying power.

        A buy: its limit, or the ask (the stop, if later) plus a collar of 4%, 2.5% from 50 USD on. A short sale:
        the larger of its limit and 3% above the ask (page "Orders at Alpaca", Buying Power).
        """
        ask = self.price_of(order.symbol) + self.rules.spread / 2
        if order.side == "sell":
            return max(order.limit_price or ZERO, ask * Decimal("1.03"))
        if order.limit_price is not None:
            return order.limit_price
        base = max(ask, order.stop_at or ZERO)
        return base * (Decimal("1.025") if base >= 50 else Decimal("1.04"))

    def held_shares(self, symbol: str, orders: Iterable[Order]) -> Decimal:
        """Shares of the position promised to open closing orders; a group of exits promises them once."""
        position = self.position(symbol)
        promised: dict[str, Decimal] = {}
        for order in orders:
            if order.symbol == symbol and order.sign * position < 0 and not _dormant(order):
                left = order.remaining(self.price_of(symbol))
                promised[order.claim] = max(promised.get(order.claim, ZERO), left)
        return min(sum(promised.values(), ZERO), abs(position))

    def available(self, symbol: str, orders: Iterable[Order]) -> Decimal:
        """Shares of the position that no open order holds (`qty_available`), without sign."""
        return abs(self.position(symbol)) - self.held_shares(symbol, orders)


def _dormant(order: Order) -> bool:
    """An exit whose entry is not completely filled yet."""
    return order.parent is not None and order.parent.order_class != "oco" and order.parent.status != "filled"
