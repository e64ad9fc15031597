"""Orders, executions and the book that keeps them: plain records without rules. Imports moments only."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from brokers.local_alpaca.moments import at_new_york, new_york

OPEN = frozenset({"new", "partially_filled", "accepted", "pending_new", "pending_cancel", "pending_replace", "held",
                  "done_for_day", "stopped", "suspended", "calculated"})
WORKING = frozenset({"new", "partially_filled", "pending_cancel", "pending_replace"})  # can be filled
NANO_SHARE = Decimal("0.000000001")


@dataclass(eq=False)
class Order:
    """One order; times are UTC nanoseconds, prices USD, quantities shares. `stamps` maps "filled_at" … to a time."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    created_at: int
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    mark: Decimal | None = None
    order_class: str = "simple"
    extended_hours: bool = False
    status: str = "pending_new"
    position_intent: str = ""
    outside: bool = False
    leg: str = ""  # "take_profit" or "stop_loss" inside a group
    filled_qty: Decimal = Decimal(0)
    filled_cost: Decimal = Decimal(0)
    updated_at: int = 0
    live_from: int = 0
    triggered: bool = False
    stuck: bool = False  # never routed, by a fault
    stamps: dict[str, int] = field(default_factory=dict)
    replaces: str | None = None
    replaced_by: str | None = None
    parent: "Order | None" = None
    legs: list["Order"] = field(default_factory=list)
    claim_of: str | None = None

    @property
    def claim(self) -> str:
        """Whose shares and buying power it holds: a group, or an order and its replacement, hold them once."""
        return self.claim_of or (self.parent or self).id

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def is_open(self) -> bool:
        """Whether it may still change."""
        return self.status in OPEN

    @property
    def expires_at(self) -> int | None:
        """When an aged gtc order is cancelled: 90 days on ("Orders at Alpaca", Aged order policy)."""
        if self.time_in_force != "gtc":
            return None
        return at_new_york(new_york(self.created_at).date() + dt.timedelta(days=90), 16, 15)

    @property
    def filled_avg_price(self) -> Decimal | None:
        """Average price of its executions."""
        return self.filled_cost / self.filled_qty if self.filled_qty else None

    def remaining(self, price: Decimal) -> Decimal:
        """Shares still to be filled; a notional order buys what its money pays at `price`."""
        if self.qty is not None:
            return self.qty - self.filled_qty
        assert self.notional is not None
        return ((self.notional - self.filled_cost) / price).quantize(NANO_SHARE, ROUND_DOWN)

    @property
    def stop_at(self) -> Decimal | None:
        """The stop price; of a trailing stop, the one its mark implies (page "Orders at Alpaca", Trailing Stop)."""
        if self.type != "trailing_stop":
            return self.stop_price
        if self.mark is None:
            return None
        trail = self.trail_price if self.trail_price is not None else self.mark * (self.trail_percent or 0) / 100
        return (self.mark + self.sign * trail).quantize(Decimal("0.0001"))

    def group(self) -> list["Order"]:
        """The other orders of its bracket, OCO or OTO."""
        top = self.parent or self
        return [order for order in (top, *top.legs) if order is not self]


@dataclass(frozen=True)
class Execution:
    """Shares that changed hands; `time` is UTC nanoseconds."""

    id: str
    order_id: str
    client_order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    time: int
    leaves_qty: Decimal
    cum_qty: Decimal
    order_status: str

    @property
    def signed(self) -> Decimal:
        """Quantity, negative for a sale."""
        return self.qty if self.side == "buy" else -self.qty


class Book:
    """Every order ever accepted, by id and by client order id."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._by_client: dict[str, Order] = {}
        self._open: dict[str, list[Order]] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(list(self._orders.values()))

    def add(self, order: Order) -> None:
        """Keep an order; its client order id is spent for ever."""
        self._orders[order.id] = order
        self._by_client[order.client_order_id] = order
        self._open.setdefault(order.symbol, []).append(order)

    def get(self, order_id: str) -> Order | None:
        """By the venue's id."""
        return self._orders.get(order_id)

    def by_client(self, client_order_id: str) -> Order | None:
        """By the client's id."""
        return self._by_client.get(client_order_id)

    def open(self, symbol: str | None = None) -> list[Order]:
        """Orders that may still change, oldest first; held legs too."""
        if symbol is None:
            return sorted((order for name in self._open for order in self.open(name)), key=lambda o: o.created_at)
        live = [order for order in self._open.get(symbol, ()) if order.is_open]
        self._open[symbol] = live  # what is closed stays closed
        return list(live)
