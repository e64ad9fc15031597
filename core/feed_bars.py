"""FeedBars: the panel of `Bars` behind the feeds of any Cerebro, ours or a user's own.

Feeds are met through what every Backtrader feed has (lines, length, name), so nothing of ours is imported
but core. Corporate actions (`feed.actions`) stand on the first bar of the feed at or after them.
"""

from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer

from core.bars import Bars, Origin
from core.day_numbers import dates_of, day_numbers, moments_of
from core.errors import BadSpec
from core.series import SymbolBars

DAY_NS = 86_400 * 10**9
NEVER = np.datetime64("NaT", "D")
EARLY_NS = 10**6  # a millisecond: rounding in a day number must never hide a bar that has arrived
ROOM = 256  # bars at first
_UNITS = {bt.TimeFrame.Minutes: "m", bt.TimeFrame.Days: "d", bt.TimeFrame.Weeks: "w", bt.TimeFrame.Months: "M"}
_LINES = ("datetime", "open", "high", "low", "close", "volume")


class FeedBars:
    """The bars of some feeds, in one of three ways.

    - The feeds show one and the same `Bars` panel, whole: it is used as it is.
    - They are preloaded: the panel is read from their lines once.
    - They deliver bar by bar: the panel grows; `update` must be called on every bar. As each session begins, it loses the bars that
      the feeds name too old (`feed.oldest`), so that a run of many days sees what one begun today does, in the same memory.

    Args:
        frees: those feeds are told to lose them too (`feed.free()`); nobody else reads their lines.

    Attributes:
        complete: whether all bars are known from the start.
    """

    def __init__(self, datas: Sequence[Any], frees: bool = False) -> None:
        self._datas = list(datas)
        self._frees = frees
        self._session: np.datetime64 = NEVER
        self._check()
        self._row = -1
        bars = self._shared()
        if bars is None and all(data.buflen() > len(data) for data in self._datas):
            bars = self._panel([_Columns.preloaded(data) for data in self._datas])
        self._bars = bars
        self.complete = bars is not None
        if bars is not None:
            self._moments = day_numbers(bars.index - EARLY_NS).tolist()
        else:
            self._columns = [_Columns() for _ in self._datas]

    def _check(self) -> None:
        if len({(data._timeframe, data._compression) for data in self._datas}) > 1:
            names = ", ".join(f"{data._name} {bt.TimeFrame.getname(data._timeframe, data._compression)}" for data in self._datas)
            raise BadSpec(f"feeds of different bar lengths ({names}): a target strategy takes one length")
        for data in self._datas:
            if data._filters and getattr(data, "actions", None):
                raise BadSpec(f"{data._name} is resampled across splits or dividends: "
                              "use BarsData(..., prices='adjusted')")

    def _shared(self) -> Bars | None:
        first = getattr(self._datas[0], "bars", None)
        whole = all(getattr(data, "bars", None) is first and data.p.fromdate is None and data.p.todate is None
                    and not data._filters for data in self._datas)
        if first is None or not whole or [data.column for data in self._datas] != list(range(len(first.symbols))):
            return None
        return first

    def _panel(self, columns: Sequence["_Columns"]) -> Bars:
        series = [column.series(data._name or f"data{at}")
                  for at, (data, column) in enumerate(zip(self._datas, columns, strict=True))]
        data = self._datas[0]
        unit = _UNITS.get(data._timeframe, "m")
        reference = [each.symbol for each, data in zip(series, self._datas, strict=True)
                     if not getattr(data, "tradable", True)]
        calendar = data.bars.calendar if getattr(data, "bars", None) is not None else "XNYS"
        return Bars.of(series, reference=reference, interval=f"{data._compression}{unit}", calendar=calendar,
                       origin=Origin("Cerebro feeds"))

    def update(self, now: float) -> int:
        """Take in what the feeds have delivered up to `now` (a Backtrader day number).

        Returns:
            The row of the panel that `now` is.
        """
        if self.complete:
            last = len(self._moments) - 1
            while self._row < last and self._moments[self._row + 1] <= now:
                self._row += 1
            return self._row
        self._take()
        return len(self.bars) - 1

    def grow(self) -> None:
        """Take in what feeds that deliver bar by bar have delivered, before they forget it; nothing is computed from it yet."""
        if all(data.lines.datetime.mode == LineBuffer.UnBounded for data in self._datas):
            return  # it is all there when it is needed
        self._take()

    def _take(self) -> None:
        for data, column in zip(self._datas, self._columns, strict=True):
            column.take(data)
        self._bars = None
        newest = max(column.session for column in self._columns)
        if newest != self._session:
            self._session = newest
            self._forget(newest)

    def _forget(self, session: np.datetime64) -> None:
        """Lose what is too old once a session has begun."""
        for data, column in zip(self._datas, self._columns, strict=True):
            oldest = data.oldest(session) if hasattr(data, "oldest") else None
            if oldest is not None:
                column.forget(oldest)
                if self._frees:
                    data.free()

    @property
    def bars(self) -> Bars:
        """All bars known so far (when complete: all there will be)."""
        if self._bars is None:
            self._bars = self._panel(self._columns)
        return self._bars


class _Columns:
    """The lines of one feed, copied as they grow, and its corporate actions on the bars they belong to."""

    def __init__(self, room: int = ROOM) -> None:
        self._values = np.empty((len(_LINES), room))
        self._index, self._session = np.empty(room, np.int64), np.empty(room, "datetime64[D]")
        self._split, self._dividend, self._pay_date = np.ones(room), np.zeros(room), np.full(room, NEVER)
        self._acted: set[float] = set()
        self._length = self._forgotten = 0

    @classmethod
    def preloaded(cls, data: Any) -> "_Columns":
        """All that a preloaded feed will show."""
        columns = cls(data.buflen())
        columns._put(0, np.array([np.frombuffer(getattr(data.lines, name).array, dtype=np.float64)[:data.buflen()] for name in _LINES]))
        columns._act(data)
        return columns

    def take(self, data: Any) -> None:
        """Append the bars delivered since the last call; a bar still being built is replaced."""
        length = len(data) - self._forgotten
        new = length - self._length
        while length > len(self._index):
            self._make_room()
        fresh = range(1 - new, 1) if new else (0,) if self._length else ()
        if fresh:
            self._put(length - len(fresh), np.array([_latest(getattr(data.lines, name), len(fresh)) for name in _LINES]))
            self._act(data)

    @property
    def session(self) -> np.datetime64:
        """The latest; the first of all days while there is none."""
        return self._session[self._length - 1] if self._length else np.datetime64(0, "D")

    def forget(self, before: np.datetime64) -> None:
        """Lose the bars of earlier sessions."""
        count = int(np.searchsorted(self._session[: self._length], before))
        if not count:
            return
        for name in ("_index", "_session", "_split", "_dividend", "_pay_date"):
            setattr(self, name, getattr(self, name)[count:].copy())
        self._values = self._values[:, count:].copy()
        self._length, self._forgotten = self._length - count, self._forgotten + count

    def series(self, symbol: str) -> SymbolBars:
        """What there is, as the bars of a symbol."""
        rows = slice(0, self._length)
        opened, high, low, close, volume = self._values[1:, rows]
        return SymbolBars(symbol, self._index[rows], self._session[rows], opened, high, low, close, volume, self._dividend[rows],
                          self._split[rows], self._pay_date[rows], close_only=bool(np.isnan(opened).all()))

    def _put(self, first: int, values: np.ndarray) -> None:
        rows = slice(first, first + values.shape[1])
        self._values[:, rows] = values
        self._index[rows], self._session[rows] = moments_of(values[0]), dates_of(values[0])
        self._length = rows.stop

    def _act(self, data: Any) -> None:
        """Place the actions whose bar is there: the first one at or after them; those before all bars are passed over."""
        numbers = self._values[0, : self._length]
        for action in getattr(data, "actions", ()):
            row = int(np.searchsorted(numbers, action.moment - EARLY_NS / DAY_NS))
            if row == self._length or action.moment in self._acted:
                continue
            self._acted.add(action.moment)
            if int(action.moment) >= int(numbers[0]):
                self._split[row] *= action.split
                self._dividend[row] = self._dividend[row] / action.split + action.dividend
                self._pay_date[row] = dates_of(np.array([action.pay]))[0] if action.pay > action.moment else self._pay_date[row]

    def _make_room(self) -> None:
        more = max(len(self._index), ROOM)
        for name, empty in (("_index", 0), ("_session", NEVER), ("_split", 1.0), ("_dividend", 0.0), ("_pay_date", NEVER)):
            held = getattr(self, name)
            setattr(self, name, np.concatenate([held, np.full(more, empty, held.dtype)]))
        self._values = np.concatenate([self._values, np.empty((len(_LINES), more))], axis=1)


def _latest(line: LineBuffer, count: int) -> Sequence[float]:
    """The last values of a line."""
    if line.mode == LineBuffer.UnBounded:
        return line.array[line.idx + 1 - count : line.idx + 1]
    return [line[ago] for ago in range(1 - count, 1)]
