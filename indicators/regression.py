"""Regression of log prices on the bar number, on (T, N) panels."""

import math

import numpy as np
from numba import njit

from indicators.own_bars import over_own_bars, window_length

LN_2 = math.log(2.0)


def momentum(values: np.ndarray, period: int, periods_per_year: float = 252.0) -> np.ndarray:
    """Exponential-regression momentum: annualised slope times R2 (Clenow, Stocks on the Move, 2015).

    The logarithm of the price is regressed on the bar number over each column's last `period` bars;
    score = `(exp(slope) ** periods_per_year - 1) x R2`.

    Args:
        values: (T, N) float64 prices; NaN where a symbol has no bar.
        period: number of the symbol's own bars, at least 2.
        periods_per_year: bars in a year.

    Returns:
        (T, N) float64, 0.30 = 30% a year by a perfect fit; NaN until `period` bars are there, where there is no
        bar, and where the window holds a price that is not positive. A flat price scores 0. A score depends on
        the bars of its window alone, and on their ratios alone, to the last bit (prices times a power of two).

    Raises:
        BadSpec: the period is not a whole number from 2 on.
    """
    period = window_length(period, least=2)

    def score(dense: np.ndarray) -> np.ndarray:
        mantissa, exponent = np.frexp(dense)
        return _momentum(_log(mantissa), exponent.astype(np.float64), period, float(periods_per_year))

    return over_own_bars(score, values)


@njit(cache=True, nogil=True)
def _log(values: np.ndarray) -> np.ndarray:
    """Natural logarithms, one by one: numpy's own round differently in different layouts of memory."""
    logs = np.empty_like(values)
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = values[row, column]
            logs[row, column] = math.log(value) if value > 0.0 else np.nan
    return logs


@njit(cache=True, nogil=True)
def _momentum(mantissa_log: np.ndarray, exponent: np.ndarray, period: int, periods_per_year: float) -> np.ndarray:
    rows, columns = mantissa_log.shape
    score = np.full((rows, columns), np.nan)
    bar_squares = period * (period * period - 1.0) / 12.0
    sums = np.empty((3, columns))
    for row in range(period - 1, rows):
        sums[:] = 0.0
        for at in range(period - 1):
            earlier = row - period + 1 + at
            bar = at - (period - 1) / 2.0
            for column in range(columns):
                log = (mantissa_log[earlier, column] - mantissa_log[row, column]) + LN_2 * (
                    exponent[earlier, column] - exponent[row, column])
                sums[0, column] += log
                sums[1, column] += log * log
                sums[2, column] += bar * log
        for column in range(columns):
            log_squares = sums[1, column] - sums[0, column] * sums[0, column] / period
            slope = sums[2, column] / bar_squares
            explained = min(slope * sums[2, column] / log_squares, 1.0) if log_squares > 0.0 else 0.0 * log_squares
            score[row, column] = math.expm1(slope * periods_per_year) * explained
    return score
