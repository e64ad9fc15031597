"""The ledger: everything that truly happened, and cash and positions recomputed from it alone. The tests' judge."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from brokers.local_alpaca.orders import Execution, Order

ZERO = Decimal(0)


@dataclass
class Request:
    """A request as it arrived; `status` is what was answered, None when the answer was lost. `time` is the venue's."""

    time: int
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    status: int | None = None
    order_id: str | None = None

    @property
    def client_order_id(self) -> str | None:
        """The client order id it carried."""
        return self.body.get("client_order_id") or self.query.get("client_order_id")


@dataclass(frozen=True)
class Entry:
    """Cash or shares that came without a trade: kind "DIV", "SPLIT", "CSD", "CSW"; `qty` shares, `cash` USD."""

    time: int
    kind: str
    symbol: str
    qty: Decimal
    cash: Decimal
    rate: Decimal
    id: str


@dataclass
class Ledger:
    """The record of one venue.

    Attributes:
        start_cash, start_positions: what the account began with.
        requests: every request that arrived, in order.
        orders: every order accepted, in order, legs and replacements too.
        executions: every execution, in order.
        entries: dividends, splits and transfers booked.
        cancels: ids of orders in the order they were cancelled, expired or rejected, with the status they got.
        events: every trade update, as it was meant, before any fault.
    """

    start_cash: Decimal
    start_positions: dict[str, Decimal] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    cancels: list[tuple[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cash(self) -> Decimal:
        """Cash from executions, dividends and transfers alone."""
        traded = sum((each.signed * each.price for each in self.executions), ZERO)
        return self.start_cash - traded + sum((entry.cash for entry in self.entries), ZERO)

    @property
    def positions(self) -> dict[str, Decimal]:
        """Signed shares from executions and splits alone, without flat symbols."""
        held = dict(self.start_positions)
        story: list[tuple[int, Execution | Entry]] = [(each.time, each) for each in self.executions]
        story += [(entry.time, entry) for entry in self.entries if entry.kind == "SPLIT"]
        for _, what in sorted(story, key=lambda pair: pair[0]):
            held[what.symbol] = held.get(what.symbol, ZERO) + (what.signed if isinstance(what, Execution) else what.qty)
        return {symbol: qty for symbol, qty in held.items() if qty}

    def sent(self, symbol: str | None = None) -> list[Order]:
        """Accepted orders a client asked for: without legs of groups and orders from elsewhere."""
        return [order for order in self.orders
                if order.parent is None and not order.outside and symbol in (None, order.symbol)]

    def filled(self, client_order_id: str) -> Decimal:
        """Shares executed for one client order id."""
        return sum((each.qty for each in self.executions if each.client_order_id == client_order_id), ZERO)

    def asked(self, method: str, path: str = "") -> list[Request]:
        """Requests of a method whose path starts with `path`."""
        return [request for request in self.requests if request.method == method and request.path.startswith(path)]

    def busiest_minute(self) -> int:
        """The largest number of trading requests in one minute of the venue's clock."""
        minutes = Counter(request.time // (60 * 10**9) for request in self.requests
                          if not request.path.startswith(("/v2/stocks", "/v1/")))
        return max(minutes.values(), default=0)
