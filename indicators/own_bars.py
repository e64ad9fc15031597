"""Windows over a symbol's own bars: panels with gaps are packed, computed on, and spread out again.

Imports core only.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from numba import njit

from core.errors import BadSpec


def window_length(period: Any, least: int = 1) -> int:
    """The period as a whole number of bars.

    Raises:
        BadSpec: it is not a whole number from `least` on.
    """
    if isinstance(period, Real) and not isinstance(period, bool):
        number = float(period)
        if number.is_integer() and number >= least:
            return int(number)
    raise BadSpec(f"a window of {period!r} bars is not possible: the period is a whole number from {least} on")


def bars_of(values: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    """The rows of a panel to give something on, as ascending int64; `None` = all of them."""
    return np.arange(len(values)) if rows is None else np.ascontiguousarray(rows, dtype=np.int64)


def first_bars(values: np.ndarray, count: int) -> np.ndarray:
    """(count, N) each column's first `count` own bars, one below the other; NaN where there are fewer."""
    top = values[:count]
    if not np.isnan(top).any():
        return top
    first = np.full((count, values.shape[1]), np.nan)
    _take_first(values, first)
    return first


def over_own_bars(compute: Callable[..., np.ndarray], *panels: np.ndarray) -> np.ndarray:
    """Call `compute` on panels in which every column's own bars stand below each other without gaps.

    Args:
        compute: from panels (rows, N) to panels of that shape, one or several stacked as (K, rows, N); columns
            with fewer bars than others end in NaN.
        panels: (T, N) each; a column has a bar on the rows where the last panel has a number.

    Returns:
        What `compute` gave, on the rows of `panels`; NaN where there is no bar.
    """
    dense = [np.ascontiguousarray(panel, dtype=np.float64) for panel in panels]
    there = ~np.isnan(dense[-1])
    if there.all():
        return compute(*dense)
    result = compute(*(_moved(_pack, panel, there) for panel in dense))
    if result.ndim == 2:
        return _moved(_spread, result, there)
    return np.stack([_moved(_spread, each, there) for each in result])


def _moved(move: Callable[..., None], panel: np.ndarray, there: np.ndarray) -> np.ndarray:
    moved = np.full(panel.shape, np.nan)  # large arrays of numpy's are on large pages, those of compiled code are not
    move(panel, there, moved)
    return moved


@njit(cache=True, nogil=True)
def _take_first(values: np.ndarray, first: np.ndarray) -> None:
    wanted, columns = first.shape
    seen = np.zeros(columns, np.int64)
    missing = columns
    for row in range(len(values)):
        if missing == 0:
            break
        for column in range(columns):
            if seen[column] < wanted and not np.isnan(values[row, column]):
                first[seen[column], column] = values[row, column]
                seen[column] += 1
                missing -= seen[column] == wanted


@njit(cache=True, nogil=True)
def _pack(panel: np.ndarray, there: np.ndarray, packed: np.ndarray) -> None:
    rows, columns = panel.shape
    seen = np.zeros(columns, np.int64)
    for row in range(rows):
        for column in range(columns):
            if there[row, column]:
                packed[seen[column], column] = panel[row, column]
                seen[column] += 1


@njit(cache=True, nogil=True)
def _spread(packed: np.ndarray, there: np.ndarray, panel: np.ndarray) -> None:
    rows, columns = there.shape
    seen = np.zeros(columns, np.int64)
    for row in range(rows):
        for column in range(columns):
            if there[row, column]:
                panel[row, column] = packed[seen[column], column]
                seen[column] += 1
