"""Protective orders of a target strategy: stop, trailing stop, take-profit and time exit.

They are placed when an entry fills, for the whole position, and cancelled before any other order of that
symbol is sent. A symbol that was stopped stays out until its conviction has been 0 or of the other sign.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from backtrader import Order

from core.day_numbers import moments_of
from core.options import Exits
from strategies.past import Past, entered_ns

PROTECTIVE = ("stop", "trail", "profit")
TIME = "time"  # the intent of the order that ends a position that has been held long enough
AT_WORK = (Order.Accepted, Order.Partial)


class Protection:
    """The protective orders of one strategy.

    Attributes:
        barred: feed -> side (+1 long, -1 short) on which it was stopped and may not enter again yet.
    """

    def __init__(self, strategy: Any, exits: Exits) -> None:
        self._strategy = strategy
        self._exits = exits
        self._orders: dict[Any, list[Order]] = {}
        self._since: dict[Any, tuple[int, int]] = {}  # bar of the entry and side
        self.barred: dict[Any, int] = {}
        self.active = any(exits)

    def recall(self, past: Past, lifted: Callable[[Any, int, int], bool]) -> None:
        """Take over from an earlier process of the run: since when positions are held, and which symbols were stopped.

        Args:
            lifted: whether the strategy has been off a feed's side since a moment (UTC ns), so that it may enter again.
        """
        for data in self._strategy.datas:
            done, size = past(data._name), self._strategy.getposition(data).size
            entered = entered_ns(done, size)
            if entered is not None:
                self._since[data] = _bar_of(data, entered), 1 if size > 0 else -1
            elif done and not size and done[-1].intent in (*PROTECTIVE, TIME):
                side = 1 if done[-1].size < 0 else -1
                if not lifted(data, side, done[-1].time_ns):
                    self.barred[data] = side

    def entered(self, data: Any, moment: float = 0.0) -> None:
        """Protect the whole position after an entry, or after a part of one, has filled; `moment`, a day number, is when."""
        self.review(data)
        position = self._strategy.getposition(data)
        if not position.size or self.cancel(data):
            return
        side = 1 if position.size > 0 else -1
        if self._since.get(data, (0, 0))[1] != side:
            shown = data.datetime[0] if len(data) else moment
            self._since[data] = len(data) + (moment > shown), side  # live, the bar of the entry is not complete yet
        close = self._strategy.sell if side > 0 else self._strategy.buy
        first: Order | None = None
        for kind, terms in self._terms(position.price, side):
            order = close(data=data, size=abs(position.size), oco=first, protective=True, intent=kind, **terms)
            self._orders.setdefault(data, []).append(order)
            first = first or order
            if not order.alive():
                break
        self.review(data)

    def adopt(self, order: Order) -> None:
        """Go on with a protective order that an earlier run has placed."""
        self._orders.setdefault(order.data, []).append(order)

    def keep(self, free: Callable[[Any], bool]) -> None:
        """Protect what stands unprotected, or not in its whole size, on the feeds on which nothing else goes on.

        An earlier run, a refusal, a split or somebody else may have left it so.
        """
        for data in self._strategy.datas if self.active else ():
            self._begin(data)
            if free(data):
                self._fit(data)

    def work(self, on: bool) -> None:
        """Place orders from now on, if there are exits to place, or do not."""
        self.active = on and any(self._exits)

    def lacking(self) -> list[Any]:
        """Feeds whose position does not have each of its protective orders at work, for all of its shares."""
        return [data for data in self._strategy.datas if not self._is_complete(data)]

    def _is_complete(self, data: Any) -> bool:
        position = self._strategy.getposition(data)
        if not position.size:
            return True
        alive = [order for order in self._orders.get(data, []) if order.alive()]
        wanted = self._terms(position.price, 1 if position.size > 0 else -1)
        working = all(order.status in AT_WORK and abs(order.executed.remsize) == abs(position.size) for order in alive)
        return len(alive) == len(wanted) and working

    def renew(self, data: Any) -> None:
        """Protect a position whose protective orders have ended without a fill."""
        if not any(order.alive() for order in self._orders.get(data, [])):
            self.entered(data)

    def _fit(self, data: Any) -> None:
        size = abs(self._strategy.getposition(data).size)
        alive = [order for order in self._orders.get(data, []) if order.alive()]
        if any(abs(order.executed.remsize) != size for order in alive):
            self.cancel(data)
        elif not alive:
            self.entered(data)

    def _begin(self, data: Any) -> None:
        position = self._strategy.getposition(data)
        if position.size and data not in self._since:
            self._since[data] = len(data), 1 if position.size > 0 else -1

    def _terms(self, price: float, side: int) -> list[tuple[str, dict[str, Any]]]:
        exits = self._exits
        terms = {
            "stop": (exits.stop, {"exectype": Order.Stop, "price": price * (1 - side * exits.stop)}),
            "trail": (exits.trail, {"exectype": Order.StopTrail, "price": price, "trailpercent": exits.trail}),
            "profit": (exits.profit, {"exectype": Order.Limit, "price": price * (1 + side * exits.profit)}),
        }
        return [(kind, terms[kind][1]) for kind in PROTECTIVE if terms[kind][0] and terms[kind][1]["price"] > 0]

    def review(self, data: Any) -> None:
        """Bar the symbol if one of its protective orders has filled, and forget what has ended."""
        for order in self._orders.get(data, []):
            if order.status == Order.Completed:
                self.barred[data] = -1 if order.isbuy() else 1
                self._strategy.stand_down(data)
        if not self._strategy.getposition(data).size:
            self._since.pop(data, None)
        self._orders[data] = [order for order in self._orders.get(data, []) if order.alive()]

    def cancel(self, data: Any) -> list[Order]:
        """Ask for the end of the symbol's protective orders.

        Returns:
            Those whose end the broker has not confirmed yet; nothing else may be sent before it has.
        """
        for order in self._orders.get(data, []):
            if order.alive():
                self._strategy.cancel(order)
        self.review(data)
        return self._orders[data]

    def overdue(self) -> list[Any]:
        """Feeds whose position has been held for the allowed number of bars."""
        if not self._exits.bars:
            return []
        for data in list(self._since):
            self.review(data)
        return [data for data, (since, _) in self._since.items() if len(data) - since + 1 >= self._exits.bars]

    def may_hold(self, data: Any, conviction: float) -> bool:
        """Whether a decision may open a position; a conviction off the stopped side lifts the bar."""
        side = self.barred.get(data)
        if side is None:
            return True
        if conviction * side <= 0:
            del self.barred[data]
            return True
        return False


def _bar_of(data: Any, moment_ns: int) -> int:
    """The number of a feed's bar in which a moment fell, from 1; of the next one where it was after all of them."""
    shown = moments_of(np.array(data.datetime.get(size=len(data))))
    return int(np.searchsorted(shown, moment_ns)) + 1
