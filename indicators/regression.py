"""Regression of log prices on the bar number, on (T, N) panels."""

import math

import numpy as np
from numba import njit

from indicators.own_bars import bars_of, window_length

LN_2 = math.log(2.0)
BLOCK = 64  # columns computed together, so that what they look back on stays near the processor


def momentum(values: np.ndarray, period: int, periods_per_year: float = 252.0,
             rows: np.ndarray | None = None) -> np.ndarray:
    """Exponential-regression momentum: annualised slope times R2 (Clenow, Stocks on the Move, 2015).

    The logarithm of the price is regressed on the bar number over each column's last `period` bars;
    score = `(exp(slope) ** periods_per_year - 1) x R2`.

    Args:
        values: (T, N) float64 prices; NaN where a symbol has no bar.
        period: number of the symbol's own bars, at least 2.
        periods_per_year: bars in a year.
        rows: (D,) ascending rows to score; None = all T. The cost is that of the rows asked for.

    Returns:
        (D, N) float64, 0.30 = 30% a year by a perfect fit; NaN until `period` bars are there, where there is no
        bar, and where the window holds a price that is not positive. A flat price scores 0. A score depends on
        the bars of its window alone, and on their ratios alone, to the last bit (prices times a power of two).

    Raises:
        BadSpec: the period is not a whole number from 2 on.
    """
    period = window_length(period, least=2)
    values = np.ascontiguousarray(values, dtype=np.float64)
    asked = bars_of(values, rows)
    score = np.full((len(asked), values.shape[1]), np.nan)
    _momentum(values, period, float(periods_per_year), asked, score)
    return score


@njit(cache=True, nogil=True, error_model="numpy")
def _momentum(values: np.ndarray, period: int, periods_per_year: float, asked: np.ndarray, score: np.ndarray) -> None:
    rows, columns = values.shape
    kept, sums, own = np.empty((2, rows * min(BLOCK, columns))), np.empty((3, BLOCK)), np.empty(period, np.int64)
    for first in range(0, columns, BLOCK):
        width = min(BLOCK, columns - first)
        block, log, power = values[:, first : first + width], _panel(kept[0], rows, width), _panel(kept[1], rows, width)
        total, squares, products = sums[0, :width], sums[1, :width], sums[2, :width]
        seen, known = np.zeros(width, np.int64), 0
        for at in range(len(asked)):
            row = asked[at]
            while known <= row:
                _take_logs(block[known], log[known], power[known], seen)
                known += 1
            start = row - period + 1
            if start < 0:
                continue
            _add_up(log[start:row], power[start:row], log[row], power[row], total, squares, products)
            for column in range(width):
                if np.isnan(total[column]) and seen[column] >= period and not np.isnan(block[row, column]):
                    _find_own(block[:, column], row, own)  # the window misses a bar
                    one, before = slice(column, column + 1), own[:-1]
                    _add_up(log[:, one][before], power[:, one][before], log[row, one], power[row, one],
                            total[one], squares[one], products[one])
                score[at, first + column] = _score(total[column], squares[column], products[column], period,
                                                   periods_per_year)


@njit(cache=True, nogil=True)
def _panel(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    return values[: rows * columns].reshape(rows, columns)


@njit(cache=True, nogil=True)
def _take_logs(values: np.ndarray, log: np.ndarray, power: np.ndarray, seen: np.ndarray) -> None:
    """Split logarithms: those of the mantissas, one by one, as numpy's own round differently in different layouts of
    memory; and the powers of two."""
    for column in range(len(values)):
        mantissa, power[column] = math.frexp(values[column])
        log[column] = math.log(mantissa) if mantissa > 0.0 else np.nan
        seen[column] += not np.isnan(values[column])


@njit(cache=True, nogil=True)
def _add_up(log: np.ndarray, power: np.ndarray, last_log: np.ndarray, last_power: np.ndarray, total: np.ndarray,
            squares: np.ndarray, products: np.ndarray) -> None:
    """Sums of the logarithms of prices relative to the window's last one, of their squares, and of their products with
    the bar number; the last one adds nothing. NaN where the window misses a bar."""
    total[:], squares[:], products[:] = 0.0, 0.0, 0.0
    for at in range(len(log)):
        bar = at - len(log) / 2.0
        for column in range(len(total)):
            relative = (log[at, column] - last_log[column]) + LN_2 * (power[at, column] - last_power[column])
            total[column] += relative
            squares[column] += relative * relative
            products[column] += bar * relative


@njit(cache=True, nogil=True)
def _find_own(values: np.ndarray, row: int, own: np.ndarray) -> None:
    """The latest rows up to `row` with a bar, as many as `own` takes."""
    for at in range(len(own) - 1, -1, -1):
        while np.isnan(values[row]):
            row -= 1
        own[at] = row
        row -= 1


@njit(cache=True, nogil=True, error_model="numpy")
def _score(total: float, squares: float, products: float, period: int, periods_per_year: float) -> float:
    log_squares = squares - total * total / period
    slope = products / (period * (period * period - 1.0) / 12.0)
    explained = min(slope * products / log_squares, 1.0) if log_squares > 0.0 else 0.0 * log_squares
    return math.expm1(slope * periods_per_year) * explained
