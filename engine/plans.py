"""What a trial asks the twin to play: from (T, N) decisions to the rows on which something is decided."""

import math

import numpy as np
from numba import njit

from core.bars import Bars
from engine import twin
from engine.twin.batch import Plans
from sizers.base import PortfolioSizer

STRETCH = 64  # values looked through at once
LARGEST = float(np.finfo(np.float64).max)  # stands for an infinite conviction, as in numpy.nan_to_num


def condensed(signals: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows (D,) from `first` on with a decision, what is decided on them (D, N) and the convictions (D, N).

    Args:
        signals: (T, N), NaN for no decision. A conviction is the symbol's latest decision, 0 before the first.
    """
    return _condensed(np.ascontiguousarray(signals), first)


@njit(cache=True, error_model="numpy")
def _condensed(signals: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    length, columns = signals.shape
    rows = _rows_with_numbers(signals.reshape(-1), columns, first, length)
    count = len(rows)
    decided, conviction = np.zeros((count, columns), np.bool_), np.empty((count, columns))
    latest = np.zeros(columns)
    for at in range(count):
        for column in range(columns):
            value = signals[rows[at], column]
            if not np.isnan(value):
                decided[at, column] = True
                latest[column] = value if abs(value) <= LARGEST else math.copysign(LARGEST, value)
        conviction[at] = latest
    return rows, decided, conviction


@njit(cache=True, error_model="numpy")
def _rows_with_numbers(values: np.ndarray, columns: int, first: int, length: int) -> np.ndarray:
    """The rows from `first` on, of a panel laid out row after row, that have a number."""
    rows, count = np.empty(length, np.int64), 0
    at, end = first * columns, length * columns
    while at < end:
        if at + STRETCH <= end and not _numbers(values[at : at + STRETCH]):
            at += STRETCH
        elif np.isnan(values[at]):
            at += 1
        else:
            rows[count] = at // columns
            count += 1
            at = (rows[count - 1] + 1) * columns
    return rows[:count].copy()


@njit(inline="always")
def _numbers(values: np.ndarray) -> int:
    """How many of them are numbers; without a branch, so that it is computed several at once."""
    count = 0
    for at in range(len(values)):
        count += values[at] == values[at]  # false for NaN
    return count


def plan_of(signals: np.ndarray, first: int, sizer: PortfolioSizer, bars: Bars) -> twin.Plan:
    """One trial's plan, the first stage of its sizer done."""
    rows, decided, conviction = condensed(signals, first)
    return twin.Plan(rows, decided, conviction, sizer.wished_at(conviction, bars, rows))


def wish_of(sizer: PortfolioSizer, bars: Bars) -> twin.Wish:
    """The first stage of a sizer for one decision, as `twin.play` asks for it."""
    return lambda row, conviction: sizer.wished(conviction, bars.upto(row))


def plans_of(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], sizer: PortfolioSizer, bars: Bars) -> Plans:
    """The plans of several trials that share a sizer, from what is condensed of their decisions."""
    borders = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(rows) for rows, _, _ in parts], out=borders[1:])
    rows, decided, conviction = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")  # sizers walk through the bars once
    wished = np.empty(conviction.shape)
    wished[order] = sizer.wished_at(conviction[order], bars, rows[order])
    return Plans(borders, rows, decided, conviction, wished)
