"""The last closes of the chosen symbols, as sizers that estimate risk see them."""

import numpy as np

from core.bars import Bars
from core.panels import carried_forward

STILL = 1e-9  # a volatility of rounding errors


def window_of(history: Bars, columns: np.ndarray, lookback: int) -> np.ndarray:
    """(L, K) forward-adjusted closes of `columns`: `lookback` returns (one close more) up to the decision bar."""
    return np.ascontiguousarray(history.close[-int(lookback) - 1:, columns])


def usable(window: np.ndarray, lookback: int) -> tuple[np.ndarray, np.ndarray]:
    """What of a window (L, K) can be estimated from.

    Returns:
        (L, M) closes of the symbols that have traded on more than half of `lookback` bars (and at least three)
        and whose volatility is above `STILL`, each row without a bar carrying the last close (NaN before the
        first); and (K,) bool, which they are.
    """
    missing = np.isnan(window)
    known = len(window) - missing.sum(axis=0) > max(lookback / 2, 2)
    closes = carried_forward(window[:, known]) if missing.any() and known.any() else window[:, known]
    moved = volatility(closes) > STILL
    known[known] = moved
    return np.ascontiguousarray(closes[:, moved]), known


def volatility(closes: np.ndarray) -> np.ndarray:
    """(K,) standard deviation (sample) of the returns in each column of closes (L, K); NaN rows are left out."""
    if not closes.size:
        return np.empty(closes.shape[1])
    returns = closes[1:] / closes[:-1] - 1.0
    spread = np.nanstd if np.isnan(returns).any() else np.std  # the first takes three times as long
    return spread(returns, axis=0, ddof=1)
