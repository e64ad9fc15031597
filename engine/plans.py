"""What trials ask the twin to play: from (T, N) decisions to the rows on which something is decided."""

import math

import numpy as np
from numba import njit

from core.bars import Bars
from engine import twin
from engine.twin.batch import Plans
from sizers.base import PortfolioSizer

STRETCH = 32  # values looked through at once
ROOM = 1024  # rows at first
LARGEST = float(np.finfo(np.float64).max)  # stands for an infinite conviction, as in numpy.nan_to_num


class Decisions:
    """The decisions of one trial after the other, kept to the rows on which there are any.

    Args:
        columns: N, symbols. first: row before which nothing is decided.

    Attributes:
        borders: where each trial's rows begin, and where the last trial's end.
    """

    def __init__(self, columns: int, first: int) -> None:
        self._first = first
        self.borders = [0]
        self._rows, self._decided, self._conviction = _room(ROOM, columns)

    def add(self, signals: np.ndarray) -> None:
        """Append a trial: (T, N), NaN for no decision. A conviction is the symbol's latest decision, 0 before the first."""
        values = np.ascontiguousarray(signals)
        while (end := _append(values, self._first, self._rows, self._decided, self._conviction, self.borders[-1])) < 0:
            larger = _room(max(2 * len(self._rows), self.borders[-1] + len(values)), values.shape[1])
            for old, new in zip((self._rows, self._decided, self._conviction), larger, strict=True):
                new[: len(old)] = old
            self._rows, self._decided, self._conviction = larger
        self.borders.append(end)

    @property
    def cells(self) -> int:
        """(row, symbol) pairs taken so far."""
        return self.borders[-1] * self._decided.shape[1]

    def plans(self, sizer: PortfolioSizer, bars: Bars) -> Plans:
        """What the trials ask for when they share a sizer, its first stage done."""
        taken = slice(0, self.borders[-1])
        rows, decided, conviction = self._rows[taken], self._decided[taken], self._conviction[taken]
        if len(self.borders) == 2:  # one trial's rows are in order
            return Plans(np.array(self.borders), rows, decided, conviction, sizer.wished_at(conviction, bars, rows))
        order = np.argsort(rows.astype(np.min_scalar_type(len(bars))), kind="stable")  # sizers walk through the bars once
        wished = np.empty(conviction.shape)
        wished[order] = sizer.wished_at(conviction[order], bars, rows[order])
        return Plans(np.array(self.borders), rows, decided, conviction, wished)


def _room(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.empty(rows, np.int64), np.empty((rows, columns), np.bool_), np.empty((rows, columns))


@njit(cache=True, nogil=True, error_model="numpy")
def _append(signals: np.ndarray, first: int, rows: np.ndarray, decided: np.ndarray, conviction: np.ndarray, start: int) -> int:
    """Write the rows with a decision, what is decided and the convictions from `start` on; returns their end, -1 without room."""
    length, columns = signals.shape
    values, count = signals.reshape(-1), start
    at, end = first * columns, length * columns
    while at < end:
        stretch = min(at + STRETCH, end)
        if not _numbers(values[at:stretch]):
            at = stretch
        while at < stretch:
            if np.isnan(values[at]):
                at += 1
                continue
            if count == len(rows):
                return -1
            rows[count] = at // columns
            _decide(signals[rows[count]], count > start, count, decided, conviction)
            at = (rows[count] + 1) * columns
            count += 1
    return count


@njit(inline="always")
def _decide(signals: np.ndarray, later: bool, count: int, decided: np.ndarray, conviction: np.ndarray) -> None:
    for column in range(len(signals)):
        value = signals[column]
        decided[count, column] = not np.isnan(value)
        if decided[count, column]:
            conviction[count, column] = value if abs(value) <= LARGEST else math.copysign(LARGEST, value)
        else:
            conviction[count, column] = conviction[count - 1, column] if later else 0.0


@njit(inline="always")
def _numbers(values: np.ndarray) -> int:
    """How many of them are numbers; without a branch, so that it is computed several at once."""
    count = 0
    for at in range(len(values)):
        count += values[at] == values[at]  # false for NaN
    return count


def plan_of(signals: np.ndarray, first: int, sizer: PortfolioSizer, bars: Bars) -> twin.Plan:
    """One trial's plan, the first stage of its sizer done."""
    decisions = Decisions(signals.shape[1], first)
    decisions.add(signals)
    return decisions.plans(sizer, bars).part(0)


def wish_of(sizer: PortfolioSizer, bars: Bars) -> twin.Wish:
    """The first stage of a sizer for one decision, as `twin.play` asks for it."""
    return lambda row, conviction: sizer.wished(conviction, bars.upto(row))
