"""Effective number of trials: how many independent trials would reach by luck what these correlated ones reach.

Without skill the trials' Sharpe ratios are normal with the correlations of their returns. Block sums are a sketch of
those correlations, so that a million trials need no matrix of a million squared. Imports moments and scipy.
"""

import numpy as np

from optimize.statistics.moments import Moments, whole_sharpe

DIRECTIONS = 1024
ROWS = 4096  # of a chunk: 16 MB of projections


def effective_trials(moments: Moments, seed: int = 0) -> float:
    """Number N, from 1 to M, of independent trials whose expected best Sharpe ratio equals that of these M.

    Each trial becomes a unit vector of its B block sums, less its mean: the correlations are their inner products.
    The expected maximum is taken over random directions and compared with that of N vectors spread evenly, which
    corrects for the finite number of blocks. Trials without spread, or with NaN, count for nothing; 3 blocks or fewer
    say nothing, and every trial then counts as 1.
    """
    known = np.flatnonzero(np.isfinite(whole_sharpe(moments)))
    if len(known) < 2:
        return 1.0
    if len(moments.count) < 4:
        return float(len(known))
    return _equivalent(_expected_best(moments, known, seed), len(moments.count) - 1, len(known))


def _expected_best(moments: Moments, known: np.ndarray, seed: int) -> float:
    """Mean over random unit directions, and their opposites, of the largest projection of any trial."""
    toward = np.random.default_rng(seed).standard_normal((len(moments.count), DIRECTIONS))
    root = np.sqrt(moments.count / moments.count.sum())
    toward -= np.outer(root, root @ toward)  # the sketches are at right angles to it: they have no mean
    toward = (toward / np.linalg.norm(toward, axis=0)).astype(np.float32)
    high, low = np.full(DIRECTIONS, -np.inf, np.float32), np.full(DIRECTIONS, np.inf, np.float32)
    for start in range(0, len(known), ROWS):
        projected = _sketch(moments, known[start : start + ROWS]) @ toward
        np.maximum(high, projected.max(axis=0), out=high)
        np.minimum(low, projected.min(axis=0), out=low)
    return float((high.astype(np.float64) - low).mean() / 2)


def _sketch(moments: Moments, rows: np.ndarray) -> np.ndarray:
    """(len(rows), B) unit vectors; each block sum less its share of the mean, in units of its standard deviation."""
    total = moments.sum[rows]
    mean = total.sum(axis=1, keepdims=True) / moments.count.sum()
    sketch = (total - mean * moments.count) / np.sqrt(moments.count)
    length = np.linalg.norm(sketch, axis=1, keepdims=True)
    return np.divide(sketch, length, out=np.zeros_like(sketch), where=length > 0).astype(np.float32)


def _equivalent(best: float, dimensions: int, trials: int) -> float:
    """The number of evenly spread unit vectors with this expected largest projection, from 1 to `trials`.

    One coordinate of a uniform unit vector in d dimensions, brought to 0..1, is Beta((d-1)/2, (d-1)/2).
    """
    from scipy.optimize import brentq
    from scipy.special import betainc

    x, step = np.linspace(-1.0, 1.0, 4001, retstep=True)
    below = betainc((dimensions - 1) / 2, (dimensions - 1) / 2, (1 + x) / 2)

    def excess(log_number: float) -> float:
        power = below ** np.exp(log_number)
        return 1 - step * (power.sum() - (power[0] + power[-1]) / 2) - best

    top = np.log(trials)
    if excess(0.0) >= 0:
        return 1.0
    return float(trials) if excess(top) <= 0 else float(np.exp(brentq(excess, 0.0, top)))
