"""Desk: the orders of a target strategy that are on their way, and the targets that wait for their end."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from backtrader import Order

from core.errors import UnknownName
from core.spec import FILLS

TERMS: dict[str, dict[str, Any]] = {"next_open": {}, "session_close": {"exectype": Order.Close}, "session_open": {"auction": "open"}}


def auction_of(order: Order) -> str:
    """The auction an order is for, "opg" or "cls"; "" where it is for none."""
    kind = "cls" if order.exectype == Order.Close else "opg" if order.info.get("auction") == "open" else ""
    tif = order.info.get("tif") or kind
    return tif if tif in ("opg", "cls") else ""


class Desk:
    """At most one order per feed is at work; a new one waits until the end of the old one is confirmed.

    Args:
        strategy: sends and cancels. fill, exit_fill: when orders fill that enter or resize a position, and those that leave it;
            of `core.spec.FILLS`.

    An exit whose order came to nothing is repeated: into the open market, as its auction is over or has refused it.

    Attributes:
        live: the broker takes its time: a purchase waits for the sales that pay for it.
        just_opened: the bar at hand is its session's first; an exit in the opening auction is too late then.

    Raises:
        UnknownName: no such fill.
    """

    def __init__(self, strategy: Any, fill: str, exit_fill: str) -> None:
        for each in (fill, exit_fill):
            if each not in FILLS:
                raise UnknownName.of("fill", str(each), FILLS)
        self._strategy, self._fill, self._exit_fill = strategy, fill, exit_fill
        self._working: dict[Any, Order] = {}  # the latest order of each feed
        self._blocked: dict[Any, float] = {}  # shares to hold, once an order in the way has ended
        self._leaving: dict[Any, bool] = {}  # feeds that are to be flat, and whether an order for it came to nothing
        self.live = self.just_opened = False

    def busy(self, data: Any) -> bool:
        """Whether an order of the feed is still at work."""
        working = self._working.get(data)
        return working is not None and working.alive()

    def superseded(self, order: Order) -> bool:
        """Whether a later order of the same feed is at work, whose end will be told too."""
        return self.busy(order.data) and self._working[order.data].ref != order.ref

    def blocks(self, data: Any) -> bool:
        """Whether something is to be sent when an order in the way has ended."""
        return data in self._blocked

    def leaves(self, data: Any) -> bool:
        """Whether the order at work makes the position smaller."""
        return self.busy(data) and self._working[data].executed.remsize * self._strategy.getposition(data).size < 0

    def must_wait(self, data: Any, target: float) -> bool:
        """Whether a position is to grow, and a sale that waits itself is to pay for it."""
        if not self.live or not self._grows(data, target):
            return False
        return any(other is not data and not self._grows(other, wanted) for other, wanted in self._blocked.items())

    def _grows(self, data: Any, target: float) -> bool:
        held = self._strategy.getposition(data).size
        return abs(target) > abs(held) or target * held < 0

    def block(self, data: Any, target: float) -> None:
        """Send `target` later, when nothing is in its way."""
        self._blocked[data] = target

    def adopt(self, order: Order) -> None:
        """Count an order of an earlier run as one at work."""
        self._working[order.data] = order
        if self.leaves(order.data):
            self._leaving.setdefault(order.data, False)

    def take_back(self, feeds: Collection[Any], out: Collection[Any] = ()) -> None:
        """Cancel what is still to be done on these feeds, and forget the orders that have ended.

        Args:
            out: those of them that are to be flat; an exit that waits for its auction goes on, and so does a repeated one.
        """
        feeds = {data for data in feeds if not (data in out and self.exits(data))}
        for data in [data for data in self._blocked if data in feeds]:
            del self._blocked[data]
        self._leaving = {data: missed for data, missed in self._leaving.items() if data in out or data not in feeds}
        for data, order in self._working.items():
            if data in feeds and order.alive():
                self._strategy.cancel(order)
        self._working = {data: order for data, order in self._working.items() if order.alive()}

    def outstanding(self) -> Iterator[tuple[Any, float]]:
        """Feeds with an order at work and the shares it has still to buy (negative: to sell)."""
        for data, order in self._working.items():
            if order.alive() and not (self.live and data in self._blocked):
                yield data, order.executed.remsize
        for data, target in self._blocked.items() if self.live else ():
            yield data, target - self._strategy.getposition(data).size

    def send(self, data: Any, held: float, target: float, intent: str, size: float | None) -> None:
        """Order the way from `held` to `target` shares; `size` None leaves the number to the sizer."""
        intent = intent or ("exit" if not target else "resize" if held * target > 0 else "enter")
        act = self._strategy.buy if target > held else self._strategy.sell
        order = act(data=data, size=size, intent=intent, **TERMS[self._exit_fill_of(data) if not target else self._fill])
        if not target:
            self._leaving.setdefault(data, False)
        if order is not None:
            self._working.pop(data, None)  # the latest order stands last
            self._working[data] = order

    def _exit_fill_of(self, data: Any) -> str:
        too_late = self._exit_fill == "session_open" and self.just_opened
        return "next_open" if too_late or self._leaving.get(data) else self._exit_fill

    def exits(self, data: Any) -> bool:
        """Whether the order at work is an exit that another decision to be out leaves alone: in an auction, or a repeated one."""
        if data not in self._leaving or not self.busy(data):
            return False
        order = self._working[data]
        return self._leaving[data] or bool(auction_of(order))

    @property
    def leaves_at_open(self) -> bool:
        """Whether positions are left in opening auctions."""
        return self._exit_fill == "session_open"

    def send_blocked(self, send: Callable[[Any, float], None]) -> None:
        """Hand what nothing blocks any more to `send`, and ask again for the end of what does."""
        for data, target in list(self._blocked.items()):
            if self.busy(data):
                self._strategy.cancel(self._working[data])
            elif not self.must_wait(data, target):
                del self._blocked[data]
                send(data, target)

    def must_leave(self, data: Any) -> None:
        """A feed is to be flat, and no order for it is left."""
        self._leaving[data] = True

    def look_at_exits(self) -> None:
        """See which exits are done, and which orders for them came to nothing."""
        for data in list(self._leaving):
            if self.busy(data) or self.blocks(data):
                continue
            if self._strategy.getposition(data).size:
                self._leaving[data] = True
            else:
                del self._leaving[data]

    def repeat_exits(self, send: Callable[[Any, float], None]) -> None:
        """Hand the exits whose orders came to nothing to `send` once more."""
        for data in [data for data, missed in self._leaving.items() if missed]:
            if not self.busy(data) and not self.blocks(data):
                send(data, 0.0)


def in_order(change: np.ndarray, conviction: np.ndarray) -> list[int]:
    """Columns with a change of shares: sales first, in symbol order; then buys, strongest conviction first."""
    sales, buys = np.flatnonzero(change < 0), np.flatnonzero(change > 0)
    return [*sales.tolist(), *buys[np.argsort(-np.abs(conviction[buys]), kind="stable")].tolist()]
