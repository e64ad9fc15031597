"""Desk: the orders of a target strategy that are on their way, and the targets that wait for their end."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from backtrader import Order

from core.errors import UnknownName
from core.spec import FILLS


class Desk:
    """At most one order per feed is at work; a new one waits until the end of the old one is confirmed.

    Args:
        strategy: sends and cancels. fill: when orders fill, one of `core.spec.FILLS`.

    Raises:
        UnknownName: no such fill.
    """

    def __init__(self, strategy: Any, fill: str) -> None:
        if fill not in FILLS:
            raise UnknownName.of("fill", str(fill), FILLS)
        self._strategy, self._fill = strategy, fill
        self._working: dict[Any, Order] = {}  # the latest order of each feed
        self._blocked: dict[Any, float] = {}  # shares to hold, once an order in the way has ended

    def busy(self, data: Any) -> bool:
        """Whether an order of the feed is still at work."""
        working = self._working.get(data)
        return working is not None and working.alive()

    def superseded(self, order: Order) -> bool:
        """Whether a later order of the same feed is at work, whose end will be told too."""
        return self.busy(order.data) and self._working[order.data].ref != order.ref

    def block(self, data: Any, target: float) -> None:
        """Send `target` later, when nothing is in its way."""
        self._blocked[data] = target

    def adopt(self, order: Order) -> None:
        """Count an order of an earlier run as one at work."""
        self._working[order.data] = order

    def take_back(self, feeds: Collection[Any]) -> None:
        """Cancel what is still to be done on these feeds, and forget the orders that have ended."""
        for data in [data for data in self._blocked if data in feeds]:
            del self._blocked[data]
        for data, order in self._working.items():
            if data in feeds and order.alive():
                self._strategy.cancel(order)
        self._working = {data: order for data, order in self._working.items() if order.alive()}

    def outstanding(self) -> Iterator[tuple[Any, float]]:
        """Feeds with an order at work and the shares it has still to buy (negative: to sell)."""
        for data, order in self._working.items():
            if order.alive():
                yield data, order.executed.remsize

    def send(self, data: Any, held: float, target: float, intent: str, size: float | None) -> None:
        """Order the way from `held` to `target` shares; `size` None leaves the number to the sizer."""
        intent = intent or ("exit" if not target else "resize" if held * target > 0 else "enter")
        terms: dict[str, Any] = {"intent": intent}
        if self._fill == "session_close":
            terms["exectype"] = Order.Close
        elif self._fill == "session_open":
            terms["auction"] = "open"
        act = self._strategy.buy if target > held else self._strategy.sell
        order = act(data=data, size=size, **terms)
        if order is not None:
            self._working.pop(data, None)  # the latest order stands last
            self._working[data] = order

    def send_blocked(self, send: Callable[[Any, float], None]) -> None:
        """Hand what nothing blocks any more to `send`, and ask again for the end of what does."""
        for data, target in list(self._blocked.items()):
            if self.busy(data):
                self._strategy.cancel(self._working[data])
            else:
                del self._blocked[data]
                send(data, target)


def in_order(change: np.ndarray, conviction: np.ndarray) -> list[int]:
    """Columns with a change of shares: sales first, in symbol order; then buys, strongest conviction first."""
    sales, buys = np.flatnonzero(change < 0), np.flatnonzero(change > 0)
    return [*sales.tolist(), *buys[np.argsort(-np.abs(conviction[buys]), kind="stable")].tolist()]
