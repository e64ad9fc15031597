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
    result = compute(*(_packed(panel, there) for panel in dense))
    if result.ndim == 2:
        return _spread(result, there)
    return np.stack([_spread(each, there) for each in result])


@njit(cache=True, nogil=True)
def _packed(panel: np.ndarray, there: np.ndarray) -> np.ndarray:
    rows, columns = panel.shape
    packed = np.full((rows, columns), np.nan)
    seen = np.zeros(columns, np.int64)
    for row in range(rows):
        for column in range(columns):
            if there[row, column]:
                packed[seen[column], column] = panel[row, column]
                seen[column] += 1
    return packed


@njit(cache=True, nogil=True)
def _spread(packed: np.ndarray, there: np.ndarray) -> np.ndarray:
    rows, columns = there.shape
    panel = np.full((rows, columns), np.nan)
    seen = np.zeros(columns, np.int64)
    for row in range(rows):
        for column in range(columns):
            if there[row, column]:
                panel[row, column] = packed[seen[column], column]
                seen[column] += 1
    return panel
