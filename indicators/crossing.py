"""Crossings of two (T, N) panels."""

import numpy as np
from numba import njit


def crossed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where `first` crosses `second`: +1 upwards, -1 downwards, 0 elsewhere.

    Args:
        first, second: (T, N) float64; NaN where either does not exist.

    Returns:
        (T, N) float64. A crossing compares with the last difference that was not zero, so that touching and
        separating again on the other side counts once, on the bar that separates (Backtrader's CrossOver).
    """
    return _crossed(np.ascontiguousarray(first), np.ascontiguousarray(second), 1.0, -1.0, 0.0)


def in_while_above(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Decisions of a rule that is in while `first` is above `second`: 1 where it crosses upwards, 0 downwards.

    Returns:
        (T, N) float64, NaN where `crossed` is 0.
    """
    return _crossed(np.ascontiguousarray(first), np.ascontiguousarray(second), 1.0, 0.0, np.nan)


@njit(cache=True, nogil=True)
def _crossed(first: np.ndarray, second: np.ndarray, up: float, down: float, none: float) -> np.ndarray:
    rows, columns = first.shape
    crossing = np.full((rows, columns), none)
    for column in range(columns):
        before = 0.0
        for row in range(rows):
            difference = first[row, column] - second[row, column]
            if np.isnan(difference):
                continue
            if before < 0.0 < difference:
                crossing[row, column] = up
            elif before > 0.0 > difference:
                crossing[row, column] = down
            if difference != 0.0:
                before = difference
    return crossing
