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
    count = np.floor(part * (~np.isnan(scores)).sum(axis=1, keepdims=True) + 1e-9)
    return ranks(scores) <= np.maximum(count, 1.0)


def top_count(scores: np.ndarray, count: int) -> np.ndarray:
    """(T, N) bool: the best `count` symbols of each row."""
    return ranks(scores) <= count
