"""The headline measures of many possible histories at once: resampled, reordered or made dearer.

The same measures as analyzers.metrics, from five compiled numbers a history. Time is sessions over sessions a year,
since a resampled history has no dates. Imports numba only.
"""

import numpy as np
from numba import njit

HEADLINES = ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown")


def headlines(paths: np.ndarray, sessions: int, periods: float) -> dict[str, np.ndarray]:
    """Each of `HEADLINES` for K histories of that many sessions from their (K, 5) `path_numbers`; NaN if undefined."""
    total, square, below, final, drawdown = np.asarray(paths).T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = total / sessions
        spread = square - total * mean
        deviation = np.sqrt(np.where(spread > 1e-11 * square, spread, 0.0) / (sessions - 1))
        cagr = np.where(final > 0, np.maximum(final, 0.0) ** (periods / sessions) - 1, -1.0)
        measures = (
            final - 1, cagr, deviation * np.sqrt(periods), mean / deviation * np.sqrt(periods),
            mean / np.sqrt(below / sessions) * np.sqrt(periods), cagr / drawdown, drawdown)
    return {name: np.where(np.isfinite(each), each, np.nan) for name, each in zip(HEADLINES, measures, strict=True)}


@njit(cache=True, nogil=True, error_model="numpy")
def path_numbers(returns, out):
    """Into `out`: sum, sum of squares, that below 0, final value (from 1) and maximum drawdown of (S,) returns."""
    total, square, below, value, peak, left = 0.0, 0.0, 0.0, 1.0, 1.0, 1.0
    for each in returns:
        total += each
        square += each * each
        below += min(each, 0.0) ** 2
        if value > 0.0:  # nothing is earned on nothing
            value *= 1.0 + each
        peak = max(peak, value)
        left = min(left, value / peak)
    out[0], out[1], out[2], out[3], out[4] = total, square, below, value, 1.0 - left


@njit(cache=True, nogil=True, error_model="numpy")
def every_path(returns):
    """(K, 5) `path_numbers` of (K, S) returns."""
    out = np.empty((len(returns), 5))
    for path in range(len(returns)):
        path_numbers(returns[path], out[path])
    return out
