"""Ranges of bars on (T, N) panels, in the currency of the prices."""

import numpy as np

from indicators.averages import wilder
from indicators.own_bars import over_own_bars, window_length


def true_range(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
    """`max(high, previous close) - min(low, previous close)` (Wilder, New Concepts in Technical Trading Systems, 1978).

    Args:
        high, low, close: (T, N) float64; `close` is NaN where a symbol has no bar. Where only the close is known
            (high or low NaN), it stands for the missing one: a close-only series has `|close - previous close|`.

    Returns:
        (T, N) float64; NaN on a column's first bar and where there is no bar.
    """
    return over_own_bars(_true_range, np.where(np.isnan(high), close, high), np.where(np.isnan(low), close, low), close)


def atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    """Average true range: Wilder's smoothing of the true range, as Backtrader's `AverageTrueRange`.

    Args:
        high, low, close: as in `true_range`. period: bars, at least 1.

    Returns:
        (T, N) float64; NaN on a column's first `period` bars and where there is no bar.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    period = window_length(period)
    return wilder(true_range(high, low, close), period)


def _true_range(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
    ranges = np.full(close.shape, np.nan)
    ranges[1:] = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    return ranges
