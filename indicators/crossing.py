"""Crossings of two (T, N) panels."""

import numpy as np
from numba import njit

STRETCH = 32  # bars looked through at once


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


@njit(cache=True, nogil=True, error_model="numpy")
def _crossed(first: np.ndarray, second: np.ndarray, wanted: np.ndarray, up: float, down: float, none: float) -> np.ndarray:
    rows, columns = first.shape
    crossing = np.full((rows, columns), none)
    if columns == 1:
        if wanted[0]:
            _cross_one(first.reshape(-1), second.reshape(-1), up, down, crossing.reshape(-1))
        return crossing
    sides = np.zeros(columns)  # of each column's last difference that was not zero
    chosen = np.flatnonzero(wanted)
    for row in range(rows):
        for column in chosen:
            side = _side(first[row, column], second[row, column], sides[column])
            if side * sides[column] < 0.0:
                crossing[row, column] = up if side > 0.0 else down
            sides[column] = side
    return crossing


@njit(inline="always")
def _cross_one(first: np.ndarray, second: np.ndarray, up: float, down: float, crossing: np.ndarray) -> None:
    """Of one column: stretches in which it stays on its side are looked through at once."""
    last = 0.0
    for start in range(0, len(first), STRETCH):
        part, other = first[start : start + STRETCH], second[start : start + STRETCH]
        above, below = 0, 0
        for at in range(len(part)):
            above += part[at] > other[at]
            below += part[at] < other[at]
        if (above == 0 or last > 0.0) and (below == 0 or last < 0.0):
            continue
        for at in range(len(part)):
            side = _side(part[at], other[at], last)
            if side * last < 0.0:
                crossing[start + at] = up if side > 0.0 else down
            last = side


@njit(inline="always")
def _side(first: float, second: float, last: float) -> float:
    """1 above, -1 below, the last one where they are equal or one is missing."""
    return 1.0 if first > second else -1.0 if first < second else last
