"""Ranges of bars on (T, N) panels, in the currency of the prices."""

import numpy as np
from numba import njit

from indicators.averages import smoothed_in_place, wilder_weight


def true_range(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
    """`max(high, previous close) - min(low, previous close)` (Wilder, New Concepts in Technical Trading Systems, 1978).

    Args:
        high, low, close: (T, N) float64; `close` is NaN where a symbol has no bar. Where only the close is known
            (high or low NaN), it stands for the missing one: a close-only series has `|close - previous close|`.

    Returns:
        (T, N) float64; NaN on a column's first bar and where there is no bar.
    """
    high, low, close = (np.ascontiguousarray(panel, dtype=np.float64) for panel in (high, low, close))
    ranges = np.empty(close.shape)
    _true_range(high, low, close, ranges)
    return ranges


def atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    """Average true range: Wilder's smoothing of the true range, as Backtrader's `AverageTrueRange`.

    Args:
        high, low, close: as in `true_range`. period: bars, at least 1.

    Returns:
        (T, N) float64; NaN on a column's first `period` bars and where there is no bar.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    return smoothed_in_place(true_range(high, low, close), period, wilder_weight(period))


@njit(cache=True, nogil=True)
def _true_range(high: np.ndarray, low: np.ndarray, close: np.ndarray, ranges: np.ndarray) -> None:
    rows, columns = close.shape
    previous = np.full(columns, np.nan)
    for row in range(rows):
        for column in range(columns):  # no branches, so that several columns go at once
            last, before = close[row, column], previous[column]
            top = last if np.isnan(high[row, column]) else high[row, column]
            bottom = last if np.isnan(low[row, column]) else low[row, column]
            there = (not np.isnan(last)) & (not np.isnan(before))
            ranges[row, column] = max(before, top) - min(before, bottom) if there else np.nan
            previous[column] = before if np.isnan(last) else last
