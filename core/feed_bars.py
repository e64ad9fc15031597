"""FeedBars: the panel of `Bars` behind the feeds of any Cerebro, ours or a user's own.

Feeds are met through what every Backtrader feed has (lines, length, name), so nothing of ours is imported
but core.
"""

from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np

from core.bars import Bars, Origin
from core.day_numbers import dates_of, day_numbers, moments_of
from core.errors import BadSpec
from core.series import SymbolBars

EARLY_NS = 10**6  # a millisecond: rounding in a day number must never hide a bar that has arrived
_UNITS = {bt.TimeFrame.Minutes: "m", bt.TimeFrame.Days: "d", bt.TimeFrame.Weeks: "w", bt.TimeFrame.Months: "M"}
_LINES = ("datetime", "open", "high", "low", "close", "volume")


class FeedBars:
    """The bars of some feeds, in one of three ways.

    - The feeds show one and the same `Bars` panel, whole: it is used as it is.
    - They are preloaded: the panel is read from their lines once.
    - They deliver bar by bar: the panel grows; `update` must be called on every bar.

    Attributes:
        complete: whether all bars are known from the start.
    """

    def __init__(self, datas: Sequence[Any]) -> None:
        self._datas = list(datas)
        self._check()
        self._row = -1
        bars = self._shared()
        if bars is None and all(data.buflen() > len(data) for data in self._datas):
            bars = self._panel([_preloaded(data) for data in self._datas])
        self._bars = bars
        self.complete = bars is not None
        if bars is not None:
            self._moments = day_numbers(bars.index - EARLY_NS).tolist()
        else:
            self._columns = [_Growing() for _ in self._datas]

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

    def _panel(self, columns: list[np.ndarray]) -> Bars:
        series = [_series(data._name or f"data{at}", column)
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
        for data, column in zip(self._datas, self._columns, strict=True):
            column.take(data)
        self._bars = None
        return len(self.bars) - 1

    @property
    def bars(self) -> Bars:
        """All bars known so far (when complete: all there will be)."""
        if self._bars is None:
            started = [column.values for column in self._columns]
            self._bars = self._panel(started)
        return self._bars


class _Growing:
    """The lines of one feed, copied as they grow."""

    def __init__(self) -> None:
        self._buffer = np.empty((len(_LINES), 256))
        self._length = 0

    @property
    def values(self) -> np.ndarray:
        return self._buffer[:, : self._length]

    def take(self, data: Any) -> None:
        """Append the bars delivered since the last call; a bar still being built is replaced."""
        new = len(data) - self._length
        if self._length + new > self._buffer.shape[1]:
            self._buffer = np.concatenate([self._buffer, np.empty_like(self._buffer)], axis=1)
        for ago in range(1 - new, 1) if new else (0,) if self._length else ():
            self._buffer[:, len(data) - 1 + ago] = [getattr(data.lines, name)[ago] for name in _LINES]
        self._length = len(data)


def _preloaded(data: Any) -> np.ndarray:
    length = data.buflen()
    return np.array([np.frombuffer(getattr(data.lines, name).array, dtype=np.float64)[:length] for name in _LINES])


def _series(symbol: str, columns: np.ndarray) -> SymbolBars:
    """Columns (6, T) in the order of `_LINES` as the bars of one symbol."""
    moments = moments_of(columns[0])
    rows = columns.shape[1]
    return SymbolBars(
        symbol=symbol, index=moments, session=dates_of(columns[0]),
        open=columns[1], high=columns[2], low=columns[3], close=columns[4], volume=columns[5],
        dividend=np.zeros(rows), split=np.ones(rows), pay_date=np.full(rows, np.datetime64("NaT"), "datetime64[D]"),
        close_only=bool(np.isnan(columns[1]).all()),
    )
