"""Moving averages on (T, N) panels."""

import numpy as np
from numba import njit

from core.errors import BadSpec


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
    if int(period) != period or period < 1:
        raise BadSpec(f"an average over {period!r} bars is not possible: the period is a whole number from 1 on")
    return _sma(np.ascontiguousarray(values, dtype=np.float64), int(period))


@njit(cache=True)
def _sma(values: np.ndarray, period: int) -> np.ndarray:
    rows, columns = values.shape
    average = np.full((rows, columns), np.nan)
    high = np.zeros(rows + 1)  # prefix sums in double-double arithmetic: high + low
    low = np.zeros(rows + 1)
    for column in range(columns):
        seen = 0
        for row in range(rows):
            value = values[row, column]
            if np.isnan(value):
                continue
            total, error = _two_sum(high[seen], value)
            error += low[seen]
            seen += 1
            high[seen] = total + error
            low[seen] = error - (high[seen] - total)
            if seen >= period:
                total, error = _two_sum(high[seen], -high[seen - period])
                average[row, column] = (total + (error + (low[seen] - low[seen - period]))) / period
    return average


@njit(cache=True)
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """The rounded sum and its rounding error (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
