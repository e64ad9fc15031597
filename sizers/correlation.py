"""Correlation avoidance: of chosen symbols that move together only the strongest is kept."""

import math

import numpy as np
from numba import njit

from core.bars import Bars
from core.options import Limits


def uncorrelated(conviction: np.ndarray, history: Bars, limits: Limits) -> np.ndarray:
    """The convictions (N,) with 0 for every symbol too similar to a stronger one that is kept.

    Chosen symbols are met from the largest absolute conviction down, ties in symbol order. One is left out if the
    correlation of its last `correlation_bars` returns (signal closes) with those of a kept one exceeds
    `max_correlation`; the correlation counts with the sign of the two positions, so that a short is a hedge of
    a long one. Returns of bars that either has not count for neither; pairs that share fewer than half the
    returns, or where one does not move, are never left out. The same array comes back when the rule is off.
    """
    if limits.max_correlation == math.inf:
        return conviction
    closes = np.ascontiguousarray(history.close[-int(limits.correlation_bars) - 1:])
    return _uncorrelated(conviction, closes, float(limits.max_correlation), int(limits.correlation_bars))


@njit(cache=True)
def _uncorrelated(conviction: np.ndarray, closes: np.ndarray, most: float, bars: int) -> np.ndarray:
    returns = closes[1:] / closes[:-1] - 1.0
    kept = conviction.copy()
    stronger = np.empty(len(conviction), np.int64)
    count = 0
    for at in np.argsort(-np.abs(conviction), kind="mergesort"):
        if conviction[at] == 0.0 or np.isnan(conviction[at]):
            continue
        for other in stronger[:count]:
            side = math.copysign(1.0, conviction[at] * conviction[other])
            if side * _correlation(returns[:, at], returns[:, other], bars) > most:
                kept[at] = 0.0
                break
        if kept[at] != 0.0:
            stronger[count] = at
            count += 1
    return kept


@njit(cache=True)
def _correlation(first: np.ndarray, second: np.ndarray, bars: int) -> float:
    """Pearson's correlation over the returns both have; NaN when it is not defined or they share too few."""
    both = ~(np.isnan(first) | np.isnan(second))
    if 2 * both.sum() < bars:
        return math.nan
    a, b = first[both], second[both]
    a, b = a - a.mean(), b - b.mean()
    spread = (a * a).sum() * (b * b).sum()
    return (a * b).sum() / math.sqrt(spread) if spread > 0.0 else math.nan
