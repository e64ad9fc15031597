"""Moving averages on (T, N) panels: simple, weighted, exponential, and Wilder's."""

import math

import numpy as np
from numba import njit

from indicators.own_bars import bars_of, first_bars, over_own_bars, window_length

AVERAGES = (7, 21, 50, 100, 200)  # bars in the averages that discretionary traders draw
NARROW = 8  # columns up to which each is summed on its own


def sma(values: np.ndarray, period: int, rows: np.ndarray | None = None) -> np.ndarray:
    """Simple moving average over each column's last `period` bars.

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        period: number of the symbol's own bars, at least 1.
        rows: (D,) ascending rows to give the average on; None = all T.

    Returns:
        (D, N) float64; NaN until `period` bars are there, and where there is no bar. Every value has the bits
        of `math.fsum(window) / period`, which is what Backtrader computes: ordinary running sums would round
        differently and turn exact ties between two averages into crossings.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    period = window_length(period)
    values = np.ascontiguousarray(values, dtype=np.float64)
    given = bars_of(values, rows)
    average, lost = np.empty((len(given), values.shape[1])), np.full(values.shape[1], np.nan)
    if values.shape[1] > NARROW:
        _sma_of_whole_columns(values, period, given, average, lost)
    _sma(values, period, given, average, lost)
    for column in np.flatnonzero(lost != 0.0):
        average[:, column] = _summed_window_by_window(values[:, column], period)[given]
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
    return smoothed_in_place(np.array(values, dtype=np.float64, order="C"), period, weight)


def smoothed_in_place(values: np.ndarray, period: int, weight: float) -> np.ndarray:
    """`smoothed`, written over `values`: (T, N) float64, C-contiguous."""
    period = window_length(period)
    if len(values) < period:
        values[:] = np.nan
    else:
        _smooth(values, sma(first_bars(values, period), period)[-1], period, weight)
    return values


@njit(cache=True, nogil=True)
def next_smoothed(previous: float, value: float, weight: float) -> float:
    """One step of exponential smoothing."""
    return previous * (1.0 - weight) + value * weight


@njit(cache=True, nogil=True)
def _smooth(values: np.ndarray, start: np.ndarray, period: int, weight: float) -> None:
    rows, columns = values.shape
    seen, latest = np.zeros(columns, np.int64), start.copy()
    for row in range(rows):
        for column in range(columns):  # no branches, so that several columns go at once
            value = values[row, column]
            there = not np.isnan(value)
            seen[column] += there
            moved = next_smoothed(latest[column], value, weight)
            latest[column] = moved if there & (seen[column] > period) else latest[column]
            values[row, column] = latest[column] if there & (seen[column] >= period) else np.nan


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


@njit(cache=True, nogil=True, error_model="numpy")
def _sma_of_whole_columns(values: np.ndarray, period: int, given: np.ndarray, average: np.ndarray,
                          lost: np.ndarray) -> None:
    """Averages on the rows `given`, and how much each column's sums have lost by rounding: NaN where a bar is missing.

    The sum over a window is `high + low`, in double-double arithmetic: exact as long as nothing is lost, and then
    `high` is the exact sum rounded once. Rows are walked in order, many columns at a time.
    """
    high, low = np.zeros(len(lost)), np.zeros(len(lost))
    lost[:] = 0.0
    place = 0
    for row in range(given[-1] + 1 if len(given) else 0):
        _add(values[row], 1.0, high, low, lost)
        if row >= period:
            _add(values[row - period], -1.0, high, low, lost)
        if row == given[place]:
            for column in range(len(lost)):
                average[place, column] = high[column] / period if row + 1 >= period else np.nan
            place += 1


@njit(cache=True, nogil=True)
def _add(values: np.ndarray, sign: float, high: np.ndarray, low: np.ndarray, lost: np.ndarray) -> None:
    """Add the values, times 1 or -1, to the sums `high + low`."""
    for column in range(len(values)):
        total, error = _two_sum(high[column], sign * values[column])
        error, rest = _two_sum(error, low[column])
        lost[column] += abs(rest)
        high[column], low[column] = _two_sum(total, error)


@njit(cache=True, nogil=True)
def _sma(values: np.ndarray, period: int, given: np.ndarray, average: np.ndarray, lost: np.ndarray) -> None:
    """The same, column after column from prefix sums of its own bars, where `lost` is not 0."""
    rows, columns = values.shape
    high = np.zeros(rows + 1)  # prefix sums in double-double arithmetic: high + low
    low = np.zeros(rows + 1)
    for column in range(columns):
        if lost[column] == 0.0:
            continue
        lost[column] = 0.0
        seen = place = 0
        for row in range(given[-1] + 1 if len(given) else 0):
            value = values[row, column]
            mean = np.nan
            if not np.isnan(value):
                total, error = _two_sum(high[seen], value)
                error, rest = _two_sum(error, low[seen])
                lost[column] += abs(rest)
                seen += 1
                high[seen], low[seen] = _two_sum(total, error)
                if seen >= period:
                    total, error = _two_sum(high[seen], -high[seen - period])
                    tail, first = _two_sum(low[seen], -low[seen - period])
                    tail, second = _two_sum(error, tail)
                    lost[column] += abs(first) + abs(second)
                    mean = (total + tail) / period
            if row == given[place]:
                average[place, column] = mean
                place += 1


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
