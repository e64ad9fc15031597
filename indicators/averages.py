"""Moving averages on (T, N) panels: simple, weighted, exponential, and Wilder's."""

import math

import numpy as np
from numba import njit

from indicators.own_bars import over_own_bars, window_length

AVERAGES = (7, 21, 50, 100, 200)  # bars in the averages that discretionary traders draw


def sma(values: np.ndarray, period: int) -> np.ndarray:
    """Simple moving average over each column's last `period` bars.

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        period: number of the symbol's own bars, at least 1.

    Returns:
        (T, N) float64; NaN until `period` bars are there, and where there is no bar. Every value has the bits
        of `math.fsum(window) / period`, which is what Backtrader computes: running sums would round
        differently and turn exact ties between two averages into crossings.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    period = window_length(period)
    values = np.ascontiguousarray(values, dtype=np.float64)
    average, exact = _sma(values, period)
    for column in np.flatnonzero(~exact):
        average[:, column] = _summed_window_by_window(values[:, column], period)
    return average


def wma(values: np.ndarray, period: int) -> np.ndarray:
    """Weighted moving average: the latest bar weighs `period`, the one before `period - 1`, the oldest 1.

    Args and errors as in `sma`.

    Returns:
        (T, N) float64, `sum(weight x value) / (period (period + 1) / 2)`; NaN as in `sma`.
    """
    period = window_length(period)
    return over_own_bars(lambda dense: _weighted_sum(dense, period) * (2.0 / (period * (period + 1.0))), values)


def ema(values: np.ndarray, period: int) -> np.ndarray:
    """Exponential moving average with weight `2 / (period + 1)` on the latest bar.

    Args and errors as in `sma`.

    Returns:
        (T, N) float64: the simple average at a column's bar number `period`, NaN before it, and from there on
        `previous x (1 - weight) + value x weight`; NaN where there is no bar.
    """
    return smoothed(values, period, ema_weight(period))


def wilder(values: np.ndarray, period: int) -> np.ndarray:
    """Wilder's smoothing: `ema` with weight `1 / period` (New Concepts in Technical Trading Systems, 1978)."""
    return smoothed(values, period, wilder_weight(period))


def ema_weight(period: int) -> float:
    """Weight of the latest bar in an exponential average over `period` bars."""
    return 2.0 / (1.0 + window_length(period))


def wilder_weight(period: int) -> float:
    """Weight of the latest bar in Wilder's smoothing over `period` bars."""
    return 1.0 / window_length(period)


def smoothed(values: np.ndarray, period: int, weight: float) -> np.ndarray:
    """Exponential smoothing that starts from the simple average of a column's first `period` bars.

    Args:
        values, period: as in `sma`.
        weight: of the latest bar, in (0, 1].

    Returns:
        (T, N) float64; NaN before bar number `period` and where there is no bar.
    """
    period = window_length(period)

    def dense_smoothed(dense: np.ndarray) -> np.ndarray:
        if len(dense) < period:
            return np.full(dense.shape, np.nan)
        return _smoothed(dense, sma(dense[:period], period)[-1], period, weight)

    return over_own_bars(dense_smoothed, values)


@njit(cache=True, nogil=True)
def next_smoothed(previous: float, value: float, weight: float) -> float:
    """One step of exponential smoothing."""
    return previous * (1.0 - weight) + value * weight


@njit(cache=True, nogil=True)
def _smoothed(values: np.ndarray, start: np.ndarray, period: int, weight: float) -> np.ndarray:
    rows, columns = values.shape
    average = np.full((rows, columns), np.nan)
    average[period - 1] = start
    for row in range(period, rows):
        for column in range(columns):
            average[row, column] = next_smoothed(average[row - 1, column], values[row, column], weight)
    return average


@njit(cache=True, nogil=True)
def _weighted_sum(values: np.ndarray, period: int) -> np.ndarray:
    rows, columns = values.shape
    total = np.full((rows, columns), np.nan)
    for row in range(period - 1, rows):
        total[row] = 0.0
        for at in range(period):
            weight = at + 1.0
            for column in range(columns):
                total[row, column] += weight * values[row - period + 1 + at, column]
    return total


@njit(cache=True, nogil=True)
def _sma(values: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages from prefix sums, and for which columns no sum was rounded before the last step."""
    rows, columns = values.shape
    average = np.full((rows, columns), np.nan)
    exact = np.ones(columns, np.bool_)
    high = np.zeros(rows + 1)  # prefix sums in double-double arithmetic: high + low
    low = np.zeros(rows + 1)
    for column in range(columns):
        seen = 0
        lost = 0.0
        for row in range(rows):
            value = values[row, column]
            if np.isnan(value):
                continue
            total, error = _two_sum(high[seen], value)
            error, rest = _two_sum(error, low[seen])
            lost += abs(rest)
            seen += 1
            high[seen], low[seen] = _two_sum(total, error)
            if seen >= period:
                total, error = _two_sum(high[seen], -high[seen - period])
                tail, first = _two_sum(low[seen], -low[seen - period])
                tail, second = _two_sum(error, tail)
                lost += abs(first) + abs(second)
                average[row, column] = (total + tail) / period
        exact[column] = lost == 0.0
    return average, exact


def _summed_window_by_window(values: np.ndarray, period: int) -> np.ndarray:
    """The averages of a column whose numbers span more digits than the prefix sums hold."""
    rows = np.flatnonzero(~np.isnan(values))
    own = values[rows].tolist()
    average = np.full(len(values), np.nan)
    for end in range(period, len(own) + 1):
        average[rows[end - 1]] = math.fsum(own[end - period : end]) / period
    return average


@njit(cache=True, nogil=True)
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """The rounded sum and its rounding error (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
