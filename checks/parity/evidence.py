"""What the venue itself knows of a run: its ledger, the faults that happened, its terms. It is the judge, no broker is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brokers.local_alpaca import BarFault, LocalAlpaca, OrderFault, Strike
from core.costs import Slippage, parse_slippage
from core.options import Exits, read_group
from core.spec import RunSpec


@dataclass(frozen=True)
class Execution:
    """Shares (negative: sold) at a price, USD, in an order of this client order id; UTC ns."""

    client_order_id: str
    time_ns: int
    size: float
    price: float


@dataclass(frozen=True)
class Evidence:
    """The venue's side.

    Attributes:
        slippage: part of the price that orders without a limit lost there. assumed: what the simulation takes.
        liquidity: symbol -> shares that one trade or bar could take; absent = all.
        strikes: faults that happened. executions: by client order id. cash, positions: of the account, from the ledger alone.
        ended: client order id -> status of an order without all its shares.
        multiplier: buying power per dollar of equity. trail: distance of the run's trailing stops, part of the price.
    """

    slippage: float
    assumed: Slippage
    liquidity: Mapping[str, float]
    strikes: tuple[Strike, ...]
    executions: Mapping[str, tuple[Execution, ...]]
    cash: float
    positions: Mapping[str, float]
    ended: Mapping[str, str]
    multiplier: int
    trail: float = 0.0

    @classmethod
    def of(cls, venue: LocalAlpaca, spec: RunSpec) -> "Evidence":
        """What a venue knows now."""
        executions: dict[str, tuple[Execution, ...]] = {}
        for each in venue.ledger.executions:
            done = Execution(each.client_order_id, each.time, float(each.signed), float(each.price))
            executions[each.client_order_id] = (*executions.get(each.client_order_id, ()), done)
        ended = {order.client_order_id: order.status for order in venue.ledger.orders}
        return cls(float(venue.slippage), parse_slippage(spec.slippage), {name: float(most) for name, most in venue.liquidity.items()},
                   tuple(venue.faults.strikes), executions, float(venue.ledger.cash),
                   {symbol: float(qty) for symbol, qty in venue.ledger.positions.items()}, ended, venue.account.rules.multiplier,
                   read_group(Exits, spec.exits).trail)

    def filled(self, client_order_id: str) -> float:
        """Shares executed for an order, negative for a sale."""
        return sum(each.size for each in self.executions.get(client_order_id, ()))

    def late(self) -> Iterator[tuple[int, str, float]]:
        """(moment, symbol, seconds) of each bar that the venue told late, or never (infinite)."""
        for strike in self.strikes:
            if isinstance(strike.fault, BarFault) and strike.fault.do in ("late", "missing"):
                yield strike.time, str(strike.about[0]), strike.fault.seconds if strike.fault.do == "late" else float("inf")

    def rejection(self, client_order_id: str) -> str:
        """The fault that made the venue reject an order; "" for none."""
        for strike in self.strikes:
            if isinstance(strike.fault, OrderFault) and strike.fault.do.startswith("reject") and strike.about[0].client_order_id == client_order_id:
                return f"the venue rejected it by an injected fault ({strike.fault.do})"
        return ""

    def slipped(self, size: float, price: float) -> float:
        """A price without the venue's slippage."""
        return price / (1 + (1 if size > 0 else -1) * self.slippage)

    def assumed_away(self, size: float, price: float) -> float:
        """A price without the simulation's slippage."""
        side = 1 if size > 0 else -1
        return price / (1 + side * self.assumed.rate) if self.assumed.rate else price - side * self.assumed.fixed
