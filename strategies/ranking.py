"""Rankings across symbols, row by row."""

import numpy as np


def ranks(scores: np.ndarray) -> np.ndarray:
    """(T, N) rank of each score in its row, 1 = highest; ties by symbol order, NaN where there is no score."""
    order = np.argsort(-scores, axis=1, kind="stable")  # NaN last
    places = np.empty(scores.shape)
    np.put_along_axis(places, order, np.arange(1.0, scores.shape[1] + 1)[None, :], axis=1)
    return np.where(np.isnan(scores), np.nan, places)


def top_part(scores: np.ndarray, part: float) -> np.ndarray:
    """(T, N) bool: the best `part` of the symbols that have a score in the row, at least one of them."""
    ordered = np.sort(scores, axis=1)  # NaN last
    known = (~np.isnan(ordered)).sum(axis=1)
    count = np.maximum(np.floor(part * known + 1e-9), 1.0).astype(np.int64)
    lowest = ordered[np.arange(len(scores)), np.maximum(known - count, 0)][:, None]
    best = scores >= lowest
    tied = np.flatnonzero(best.sum(axis=1) > count)  # with others just below, of which the first are taken
    above, level = scores[tied] > lowest[tied], scores[tied] == lowest[tied]
    spare = count[tied] - above.sum(axis=1)
    best[tied] = above | level & (np.cumsum(level, axis=1) <= spare[:, None])
    return best


def top_count(scores: np.ndarray, count: int) -> np.ndarray:
    """(T, N) bool: the best `count` symbols of each row."""
    return ranks(scores) <= count
