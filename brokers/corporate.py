"""Corporate actions of the simulated broker: splits and dividends, booked on positions, orders and cash."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

WHOLE = 1e-9  # a share count this near to a whole number is that number


class Receivable(NamedTuple):
    """A dividend that has gone ex and is not paid yet; negative for a short."""

    data: Any
    pay: float
    amount: float


class Booking(NamedTuple):
    """Cash moved by a corporate action, or by what holding costs (`core.carry`); `data` None = the account's interest."""

    data: Any
    moment: float
    kind: str
    amount: float


class CorporateActions:
    """Books each feed's `actions` when its bar arrives, before any order of that bar is matched.

    A split multiplies position and open orders, divides their prices, and pays fractions of a share in cash at
    the previous close. A dividend belongs to what was held before the ex-date; it is a receivable until its pay
    date (no delay where that is unknown). Equity is the same before and after both.
    """

    def __init__(self, datas: Iterable[Any], fractional: bool, move_cash: Callable[[Any, float], None]) -> None:
        self.fractional = fractional
        self.receivables: list[Receivable] = []
        self.booked: list[Booking] = []
        self._move_cash = move_cash
        self._datas = [data for data in datas if getattr(data, "actions", None)]
        self._queue: list[tuple[float, int, Any, Any]] = []
        self._at = -1

    @property
    def owed(self) -> float:
        """Dividends gone ex and not paid yet, account currency."""
        return sum(each.amount for each in self.receivables)

    def due(self) -> list[tuple[Any, Any]]:
        """The (feed, action) pairs whose bar has arrived since the last call."""
        found = []
        if self._at < 0:  # the feeds know their dates only once they have started
            self._line_up()
        while self._at < len(self._queue):
            moment, _, data, action = self._queue[self._at]
            if not len(data) or data.datetime[0] < moment:
                break
            found.append((data, action))
            self._at += 1
        for data, waiting in self._stepped.items():
            while waiting and len(data) and data.datetime[0] >= waiting[0].moment:
                found.append((data, waiting.pop(0)))
        return found

    def _line_up(self) -> None:
        """Queue the actions by time; feeds with filters move at their own pace and are looked at one by one."""
        self._stepped = {data: list(data.actions) for data in self._datas if data._filters}
        plain = [(action.moment, at, data, action)
                 for at, data in enumerate(self._datas) if not data._filters for action in _within(data)]
        self._queue = sorted(plain, key=lambda entry: entry[:2])
        self._at = 0

    def split_position(self, data: Any, position: Any, ratio: float, previous_close: float) -> None:
        """Multiply a position by `ratio`; fractions of a share become cash at `previous_close / ratio`."""
        exact = position.size * ratio
        position.size = exact if self.fractional else _whole(exact)
        position.price /= ratio
        position.adjbase = None if position.adjbase is None else position.adjbase / ratio
        left = exact - position.size
        if left:
            self.book(data, data.datetime[0], "cash in lieu", left * previous_close / ratio)

    def entitle(self, data: Any, size: float, action: Any) -> None:
        """Owe (or, for a short, charge) the dividend on `size` shares."""
        if size and action.dividend:
            self.receivables.append(Receivable(data, action.pay, size * action.dividend))

    def pay(self) -> None:
        """Pay what is due on the feeds' current bars."""
        waiting = []
        for each in self.receivables:
            if len(each.data) and each.data.datetime[0] >= each.pay:
                self.book(each.data, each.data.datetime[0], "dividend", each.amount)
            else:
                waiting.append(each)
        self.receivables = waiting

    def book(self, data: Any, moment: float, kind: str, amount: float) -> None:
        """Move cash, and keep a record of it."""
        self._move_cash(data, amount)
        self.booked.append(Booking(data, moment, kind, amount))


def split_order(order: Any, ratio: float, fractional: bool) -> None:
    """Restate an open order in new shares: sizes times `ratio`, prices divided by it."""
    remaining = order.executed.remsize * ratio
    if not fractional:
        remaining = _whole(remaining)
    order.executed.remsize = remaining
    order.created.size = order.size = remaining + order.executed.size * ratio
    for part in (order.created, order):
        for name in ("price", "pricelimit", "trailamount"):
            value = getattr(part, name)
            if value:
                setattr(part, name, value / ratio)
    order.created.pclose /= ratio
    order._limitoffset /= ratio


def split_trade(trade: Any, ratio: float, fractional: bool) -> None:
    """Restate an open Backtrader trade in new shares."""
    trade.size = trade.size * ratio if fractional else _whole(trade.size * ratio)
    trade.price /= ratio


def _within(data: Any) -> list[Any]:
    return [action for action in data.actions if data.fromdate <= action.moment <= data.todate]


def _whole(size: float) -> float:
    nearest = round(size)
    return nearest if abs(size - nearest) < WHOLE * max(1.0, abs(size)) else math.trunc(size)
