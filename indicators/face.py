"""Face: what every `bt.Indicator` of `indicators.faces` shares. Imports core and Backtrader only."""

import math
from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np

from indicators.averages import next_smoothed
from indicators.own_bars import window_length


class Face(bt.Indicator):
    """An array function as a Backtrader indicator, with the same numbers in every mode of Cerebro.

    A subclass states its lines and `compute`, and calls `remember` in its `__init__`. An indicator that never
    forgets states `step` besides. Bars whose last input is NaN are not bars of its own: they give NaN and leave
    no trace, as in the array functions.
    """

    def compute(self, *columns: np.ndarray) -> Any:
        """The lines on all of the bars: one (T, 1) panel from (T, 1) panels of the inputs, or one for each line."""
        raise TypeError(f"{type(self).__name__} has no compute method: a face states one")

    def step(self, *columns: np.ndarray) -> Sequence[float]:
        """The lines on the latest bar, from the `bars` latest own bars."""
        return [panel[-1, 0] for panel in _panels(self.compute(*columns))]

    def remember(self, bars: int, first: int | None = None, inputs: Sequence[Any] | None = None) -> None:
        """Say what the face needs.

        Args:
            bars: own bars that `step` looks at. first: number of the first bar with a value, `bars` by default.
            inputs: lines; the first line of the data by default.
        """
        self._inputs = list(inputs or [self.data.lines[0]])
        self._own = _Window(len(self._inputs), bars)
        self._smoothings: list[Smoothing] = []
        self._delivered = 0
        self.addminperiod(first or bars)

    def smoothing(self, period: int, weight: float) -> "Smoothing":
        """A recursive average for `step`."""
        self._smoothings.append(Smoothing(period, weight))
        return self._smoothings[-1]

    # -- in one go ------------------------------------------------------------------------------------

    def oncestart(self, start: int, end: int) -> None:
        """`once` does it all."""

    def once(self, start: int, end: int) -> None:
        length = self.buflen()
        panels = _panels(self.compute(*(column.reshape(-1, 1) for column in self._columns(length))))
        for line, panel in zip(self.lines, panels, strict=True):
            np.frombuffer(line.array, dtype=np.float64)[:length] = panel[:, 0]

    def _columns(self, length: int) -> list[np.ndarray]:
        return [np.frombuffer(line.array, dtype=np.float64)[:length] for line in self._inputs]

    # -- bar by bar -----------------------------------------------------------------------------------

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        own, delivered = self._own, len(self)
        if delivered > self._delivered:  # else the bar that came last comes again, perhaps changed
            self._delivered = delivered
            own.keep()
            for smoothing in self._smoothings:
                smoothing.keep()
        own.put(self._row())
        values = self.step(*own.columns()) if own.current else [math.nan] * self.size()
        for line, value in zip(self.lines, values, strict=True):
            line[0] = float(value)

    def _row(self) -> list[float]:
        return [line[0] for line in self._inputs]


class Smoothing:
    """`indicators.averages.smoothed`, one value at a time; the latest value may be replaced."""

    def __init__(self, period: int, weight: float) -> None:
        self._period, self._weight = window_length(period), weight
        self._first: list[float] = []  # until there are enough for the average that starts it
        self._kept = self._current = math.nan
        self._value = math.nan

    def __call__(self, value: float) -> float:
        """The average with `value` as the latest; a NaN is no value."""
        self._value = value
        if math.isnan(value):
            self._current = math.nan
        elif len(self._first) >= self._period:
            self._current = next_smoothed(self._kept, value, self._weight)
        elif len(self._first) == self._period - 1:
            self._current = math.fsum([*self._first, value]) / self._period
        return self._current

    def keep(self) -> None:
        """Take the latest value as final."""
        if math.isnan(self._value):
            return
        if len(self._first) < self._period:
            self._first.append(self._value)
        self._kept, self._value = self._current, math.nan


class _Window:
    """The latest own bars, in columns; the last of them may be replaced."""

    def __init__(self, inputs: int, bars: int) -> None:
        self._bars = bars
        self._values = np.empty((inputs, 2 * bars + 64))
        self._kept = 0
        self.current = False

    def put(self, row: Sequence[float]) -> None:
        """The bar that is being delivered."""
        self._values[:, self._kept] = row
        self.current = not math.isnan(row[-1])

    def keep(self) -> None:
        """Take that bar as final."""
        if not self.current:
            return
        self.current = False
        self._kept += 1
        if self._kept == self._values.shape[1]:
            self._values[:, : self._bars] = self._values[:, self._kept - self._bars :].copy()
            self._kept = self._bars

    def columns(self) -> list[np.ndarray]:
        """(up to `bars`, 1) for each input, the bar being delivered last."""
        start = max(self._kept + 1 - self._bars, 0)
        return [column[start : self._kept + 1].reshape(-1, 1) for column in self._values]


def _panels(computed: Any) -> tuple[np.ndarray, ...]:
    return computed if isinstance(computed, tuple) else (computed,)
