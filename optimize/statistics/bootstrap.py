"""Confidence intervals of the headline measures of a return series, by the stationary bootstrap.

Blocks of random length keep what autocorrelation and volatility clustering there is; the mean length is automatic.
Imports paths, analyzers.metrics, core.errors and numba.
"""

import numpy as np
from numba import njit

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.paths import HEADLINES, headlines, path_numbers


def intervals(
    returns: np.ndarray, periods: float, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Percentile interval of each of `HEADLINES` for (S,) simple session returns, `periods` sessions a year.

    For maximum drawdown and Calmar it is the spread of what such returns could have shown in as many sessions. An end
    is NaN where the measure is defined on less than half of the draws (no trade: no Sharpe ratio) or there are fewer
    than 2 sessions.

    Source: D. Politis and J. Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89
    (1994); block length by `block_length`.

    Raises:
        UsageError: `level` outside 0 to 1, or fewer than 1 draw.
    """
    if not 0 < level < 1:
        raise UsageError(f"a confidence level lies between 0 and 1, got {level}: 0.95 is usual")
    if draws < 1:
        raise UsageError(f"the bootstrap needs 1 draw or more, got {draws}: 2000 is usual")
    returns = np.ascontiguousarray(returns, dtype=np.float64)
    if len(returns) < 2:
        return dict.fromkeys(HEADLINES, (np.nan, np.nan))
    drawn = headlines(resampled(returns, 1 / block_length(returns), draws, seed), len(returns), periods)
    return {name: _ends(values, (1 - level) / 2) for name, values in drawn.items()}


def block_length(returns: np.ndarray) -> float:
    """Mean block length, 1 or more sessions, that suits the stationary bootstrap of (S,) returns best.

    Source: D. Politis and H. White, "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews
    23 (2004), corrected by A. Patton, D. Politis and H. White (2009).
    """
    n = len(returns)
    run = max(5, int(np.log10(max(n, 1))))  # so many insignificant autocorrelations in a row end the search
    last = int(np.ceil(np.sqrt(n))) + run
    if last >= n or np.isnan(metrics.sharpe(returns, 1.0)):
        return 1.0
    centred = returns - np.mean(returns)
    covariance, correlation = _correlogram(centred, last)
    lags = _significant_lags(correlation, run, 2 * np.sqrt(np.log10(n) / n))
    lag = np.arange(1, lags + 1)
    weight = np.minimum(1.0, 2 * (1 - lag / lags)) * 2
    spectrum = covariance[0] + weight @ covariance[1 : lags + 1]
    bend = weight @ (lag * covariance[1 : lags + 1])
    length = (bend**2 / spectrum**2 * n) ** (1 / 3)
    return float(np.clip(length, 1.0, np.ceil(min(3 * np.sqrt(n), n / 3))))


def _correlogram(centred: np.ndarray, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Autocovariances (over n) and autocorrelations in absolute value, of lags 0 to `last`."""
    n, square = len(centred), np.cumsum(centred**2)
    product = np.array([centred[lag:] @ centred[: n - lag] for lag in range(last + 1)])
    lag = np.arange(last + 1)
    scale = np.sqrt((square[-1] - square[lag]) * square[n - 2 - lag])
    return product / n, np.divide(np.abs(product), scale, out=np.zeros(last + 1), where=scale > 0)


def _significant_lags(correlation: np.ndarray, run: int, bar: float) -> int:
    """Twice the lag after which `run` autocorrelations stay below `bar`; all of them where none does."""
    last = len(correlation) - 1
    for lag in range(last - run + 1):
        if (correlation[lag : lag + run] < bar).all():
            return min(2 * max(lag, 1), last)
    return last


def _ends(values: np.ndarray, tail: float) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return np.nan, np.nan
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


@njit(cache=True, nogil=True)
def resampled(returns, restart, draws, seed):
    """(draws, 5) `path_numbers` of resampled histories; each session starts a new block with probability `restart`."""
    np.random.seed(seed)
    sessions = len(returns)
    history, out = np.empty(sessions), np.empty((draws, 5))
    for draw in range(draws):
        at = 0
        for session in range(sessions):
            at += 1
            if session == 0 or np.random.random() < restart:
                at = int(np.random.random() * sessions)
            elif at == sessions:
                at = 0
            history[session] = returns[at]
        path_numbers(history, out[draw])
    return out
