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
    return _crossed(np.ascontiguousarray(first), np.ascontiguousarray(second), np.ones(first.shape[1], bool), 1.0, -1.0, 0.0)


def in_while_above(first: np.ndarray, second: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Decisions of a rule that is in while `first` is above `second`: 1 where it crosses upwards, 0 downwards.

    Args:
        first, second: as in `crossed`. wanted: (N,) bool, symbols to decide on.

    Returns:
        (T, N) float64, NaN where `crossed` is 0.
    """
    return _crossed(np.ascontiguousarray(first), np.ascontiguousarray(second), wanted, 1.0, 0.0, np.nan)


@njit(cache=True, error_model="numpy")
def _crossed(first: np.ndarray, second: np.ndarray, wanted: np.ndarray, up: float, down: float, none: float) -> np.ndarray:
    rows, columns = first.shape
    crossing = np.full((rows, columns), none)
    for column in np.flatnonzero(wanted):
        side = 0  # of the last difference that was not zero
        for row in range(rows):
            difference = first[row, column] - second[row, column]
            if difference > 0.0:
                if side < 0:
                    crossing[row, column] = up
                side = 1
            elif difference < 0.0:
                if side > 0:
                    crossing[row, column] = down
                side = -1
    return crossing
