"""Rolling statistics on (T, N) panels. A value depends on the bars of its window alone, to the last bit.

Every window is summed anew, as differences from its last value: a running sum would carry the rounding of bars
long gone, and sums of large values would lose what tells them apart.
"""

import numpy as np
from numba import njit

from core.errors import BadSpec
from indicators.own_bars import over_own_bars, window_length


def deviation(values: np.ndarray, period: int, ddof: int = 0) -> np.ndarray:
    """Standard deviation over each column's last `period` bars.

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        period: number of the symbol's own bars, more than `ddof`.
        ddof: 0 = of the population (as Backtrader), 1 = of a sample (as pandas).

    Returns:
        (T, N) float64; NaN until `period` bars are there, and where there is no bar; exactly 0 where all bars of
        the window are equal.

    Raises:
        BadSpec: the period is not a whole number above `ddof`, or that is neither 0 nor 1.
    """
    period = sample_length(period, ddof)
    return over_own_bars(lambda dense: _mean_and_deviation(dense, period, ddof)[1], values)


def zscore(values: np.ndarray, period: int, ddof: int = 0) -> np.ndarray:
    """How many deviations a value lies above the mean of its last `period` bars, its own included.

    Args, NaN and errors as in `deviation`; NaN also where the deviation is 0.
    """
    period = sample_length(period, ddof)

    def score(dense: np.ndarray) -> np.ndarray:
        mean, spread = _mean_and_deviation(dense, period, ddof)
        spread[spread == 0] = np.nan
        return -mean / spread

    return over_own_bars(score, values)


def correlation(first: np.ndarray, second: np.ndarray, period: int) -> np.ndarray:
    """Pearson's correlation over the last `period` rows on which both have a bar.

    Args:
        first: (T, N) float64. second: (T, N), or (T,) or (T, 1): one column for all. NaN where there is no bar.
        period: number of common bars, at least 2.

    Returns:
        (T, N) float64 within -1 and 1; NaN until `period` common bars are there, where either has no bar, and
        where either does not vary in the window.

    Raises:
        BadSpec: the period is not a whole number from 2 on.
    """
    period = window_length(period, least=2)
    second = np.broadcast_to(second if np.ndim(second) == 2 else np.reshape(second, (-1, 1)), first.shape)
    both = ~(np.isnan(first) | np.isnan(second))

    def correlated(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return _pearson(*_products(one, other, period))

    return over_own_bars(correlated, np.where(both, first, np.nan), np.where(both, second, np.nan))


def correlation_matrix(values: np.ndarray) -> np.ndarray:
    """Pearson's correlation of every pair of columns, over the rows on which both have a number.

    Args:
        values: (T, N) float64, such as the returns of the last T bars.

    Returns:
        (N, N) float64, symmetric, within -1 and 1; NaN for pairs with fewer than two common rows, or where
        either does not vary on them.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise BadSpec(f"a correlation matrix of shape {values.shape} is not possible: values are (bars, symbols)")
    there = ~np.isnan(values)
    weight = there.astype(np.float64)
    anchor = values[there.argmax(axis=0), np.arange(values.shape[1])] if len(values) else 0.0
    shifted = np.where(there, values - anchor, 0.0)
    count = weight.T @ weight
    total, squares = shifted.T @ weight, (shifted * shifted).T @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = squares - total * total / count
        spread[spread <= 1e-12 * squares] = 0.0
        return _pearson(shifted.T @ shifted - total * total.T / count, spread, spread.T)


def sample_length(period: int, ddof: int) -> int:
    """The period, which a deviation with `ddof` degrees of freedom less must exceed.

    Raises:
        BadSpec: it does not, or either is not a whole number.
    """
    if ddof not in (0, 1):
        raise BadSpec(f"ddof={ddof!r} is not possible: 0 is the population's deviation, 1 the sample's")
    return window_length(period, least=ddof + 1)


def _mean_and_deviation(values: np.ndarray, period: int, ddof: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the differences from the window's last value, and the standard deviation."""
    total, squares = _sums(values, period)
    spread = np.maximum(squares - total * total / period, 0.0)
    return total / period, np.sqrt(spread / (period - ddof))


def _pearson(products: np.ndarray, first_squares: np.ndarray, second_squares: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(products / (np.sqrt(first_squares) * np.sqrt(second_squares)), -1.0, 1.0)


@njit(cache=True, nogil=True)
def _sums(values: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of differences from the window's last value, and of their squares."""
    rows, columns = values.shape
    total = np.full((rows, columns), np.nan)
    squares = np.full((rows, columns), np.nan)
    for row in range(period - 1, rows):
        total[row] = 0.0
        squares[row] = 0.0
        for earlier in range(row - period + 1, row):
            for column in range(columns):
                difference = values[earlier, column] - values[row, column]
                total[row, column] += difference
                squares[row, column] += difference * difference
    return total, squares


@njit(cache=True, nogil=True)
def _products(first: np.ndarray, second: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centred sums of products: first with second, first with itself, second with itself."""
    rows, columns = first.shape
    mixed = np.full((rows, columns), np.nan)
    ones = np.full((rows, columns), np.nan)
    others = np.full((rows, columns), np.nan)
    sums = np.empty((5, columns))
    for row in range(period - 1, rows):
        sums[:] = 0.0
        for earlier in range(row - period + 1, row):
            for column in range(columns):
                one = first[earlier, column] - first[row, column]
                other = second[earlier, column] - second[row, column]
                sums[0, column] += one
                sums[1, column] += other
                sums[2, column] += one * other
                sums[3, column] += one * one
                sums[4, column] += other * other
        for column in range(columns):
            one, other = sums[0, column], sums[1, column]
            mixed[row, column] = sums[2, column] - one * other / period
            ones[row, column] = max(sums[3, column] - one * one / period, 0.0)
            others[row, column] = max(sums[4, column] - other * other / period, 0.0)
    return mixed, ones, others
