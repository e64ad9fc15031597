"""Hooks: what our brokers ask and tell beside what Backtrader's brokers do; a run sets them. Imports Backtrader only."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backtrader import Order


@dataclass(frozen=True)
class Executed:
    """One execution.

    Attributes:
        order: as it stands now, in Backtrader's terms; None where no feed shows its symbol.
        symbol; size: shares, negative for a sale. price, commission: account currency. time_ns: UTC ns.
        client_order_id, broker_id: the venue's order, "" in a simulation. filled: its shares executed so far.
    """

    order: Order | None
    symbol: str
    size: float
    price: float
    commission: float
    time_ns: int
    client_order_id: str = ""
    broker_id: str = ""
    filled: Decimal = Decimal(0)


@dataclass(frozen=True)
class Moved:
    """Shares or cash that no execution moved: a dividend, a split, what somebody else did.

    Attributes:
        symbol: "" where it concerns none. data: the feed whose position it is; None = all of the account's.
        before, after: signed shares. is_split: all shares were multiplied alike. cash: account currency.
        reference: the venue's name for it, "" where it has none. kind: of the booking, in the venue's words ("DIV", "CSD"); "" = unknown.
        time_ns: when it happened, UTC ns; 0 = now.
    """

    symbol: str
    data: Any = None
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    is_split: bool = False
    cash: Decimal = Decimal(0)
    reference: str = ""
    kind: str = ""
    time_ns: int = 0


class Hooks:
    """A broker that can be watched; whoever is added comes after those before.

    Attributes:
        refuse: asked before an order is taken; a text is why it is rejected, "" lets it pass. None = nobody is asked.
        executed: told of every execution at once, before strategies are. None = nobody is told.
        told: told of every state of an order that strategies will be told of; by AlpacaBroker only. None = nobody is told.
        sent: told when the orders of a turn have been sent; by AlpacaBroker only. None = nobody is told.
        moved: told of what changes shares and cash without an execution. None = nobody is told.
    """

    refuse: Callable[[Order], str] | None = None
    executed: Callable[[Executed], None] | None = None
    told: Callable[[Order], None] | None = None
    moved: Callable[[Moved], None] | None = None
    sent: Callable[[Any], None] | None = None

    def hook(self, refuse: Callable[[Order], str] | None = None, **listeners: Callable[[Any], None]) -> None:
        """Add who is asked, the first reason counts; and who is told, by the names of the attributes."""
        earlier = self.refuse
        if refuse is not None:
            self.refuse = (lambda order: earlier(order) or refuse(order)) if earlier else refuse
        for name, listener in listeners.items():
            setattr(self, name, _both(getattr(self, name), listener))


def _both(first: Callable[[Any], None] | None, second: Callable[[Any], None]) -> Callable[[Any], None]:
    def told(what: Any) -> None:
        if first is not None:
            first(what)
        second(what)

    return told
