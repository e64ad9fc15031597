"""Hooks: what our brokers ask and tell beside what Backtrader's brokers do; a run sets them. Imports Backtrader only."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

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


class Hooks:
    """A broker that can be watched.

    Attributes:
        refuse: asked before an order is taken; a text is why it is rejected, "" lets it pass. None = nobody is asked.
        executed: told of every execution at once, before strategies are. None = nobody is told.
    """

    refuse: Callable[[Order], str] | None = None
    executed: Callable[[Executed], None] | None = None
