"""The objective of a sweep over two of its parameters, as a table of cells: what heat map, contour and CSV show.

Imports core, optimize.
"""

from typing import Any, NamedTuple

import numpy as np

from core.space import Choice, Range
from optimize.result import SweepResult
from reports.formats import short

MOST_CELLS = 400  # of a grid's axis; more cannot be told apart
FEWEST_BINS, MOST_BINS = 5, 24  # of an axis of scattered trials
TRIALS_A_CELL = 3  # wanted on average where trials are scattered


class Scale(NamedTuple):
    """The places along one parameter.

    Attributes:
        name: of the parameter. values: (n,) numbers, or texts of a choice. places: (M,) place of each trial.
        binned: several values share a place, whose value is the middle.
    """

    name: str
    values: np.ndarray
    places: np.ndarray
    binned: bool = False

    @property
    def labels(self) -> list[str]:
        """Texts of the places."""
        digits = 3 if self.binned else 6
        return [
            value if isinstance(value, str) else short(float(f"{value:.{digits}g}")) for value in self.values.tolist()
        ]

    @property
    def ordered(self) -> bool:
        """Whether neighbouring places are neighbouring values."""
        return self.values.dtype != object


class Surface(NamedTuple):
    """The first objective over two parameters.

    Attributes:
        x, y: the parameters. cells: (len(y), len(x)) values, NaN where nothing was tried or a rule forbids it.
        best: (row, column) of the best trial. robust: of the one with the best neighbours, None where it has no cell.
        note: how the cells came about, in a sentence.
    """

    x: Scale
    y: Scale
    cells: np.ndarray
    best: tuple[int, int]
    robust: tuple[int, int] | None
    note: str

    def neighbourhood(self) -> np.ndarray:
        """Mean of every cell and those around it, NaN where the cell is: a plateau stays, a lone peak does not."""
        known = np.pad(np.isfinite(self.cells), 1)
        padded = np.where(known, np.pad(self.cells, 1), 0.0)
        shape = self.cells.shape
        windows = np.lib.stride_tricks.sliding_window_view
        total = windows(padded, (3, 3)).sum(axis=(2, 3))
        count = windows(known, (3, 3)).sum(axis=(2, 3))
        return np.where(known[1:-1, 1:-1], total / np.maximum(count, 1), np.nan).reshape(shape)


def varied(result: SweepResult) -> list[str]:
    """Names of the parameters that took more than one value."""
    return [name for name, column in result.columns.items() if len(column) and (column != column[0]).any()]


def scale_of(result: SweepResult, name: str, most: int | None = None) -> Scale:
    """Places along a parameter, at most `most` where it is a number (by default what the trials can fill)."""
    column, dimension = result.columns[name], result.space.dimensions.get(name)
    if column.dtype == object:
        order = dimension.values if isinstance(dimension, Choice) else sorted(set(column.tolist()), key=str)
        texts = [str(value) for value in order]
        at = {text: place for place, text in enumerate(texts)}
        return Scale(
            name, np.array(texts, dtype=object), np.array([at[str(value)] for value in column], dtype=np.int64)
        )
    distinct, places = np.unique(column, return_inverse=True)
    most = most or _places(result)
    if len(distinct) <= most:
        return Scale(name, distinct, places)
    log = isinstance(dimension, Range) and dimension.log
    inner, outer = (np.log, np.exp) if log else (np.asarray, np.asarray)
    borders = np.linspace(inner(distinct[0]), inner(distinct[-1]), most + 1)
    places = np.clip(np.searchsorted(borders, inner(column), "right") - 1, 0, most - 1)
    return Scale(name, outer((borders[1:] + borders[:-1]) / 2), places, binned=True)


def surface(result: SweepResult, x: str, y: str, robust: int = -1) -> Surface | None:
    """The first objective over parameters `x` and `y`; None when it is NaN for every trial.

    The other parameters of a grid stay at the best trial's values; scattered trials share cells: their median.
    `robust`: index of the trial with the best neighbours (`optimize.plateau`), -1 for none.
    """
    if result.best < 0:
        return None
    across, up = scale_of(result, x), scale_of(result, y)
    others = [name for name in varied(result) if name not in (x, y)]
    rows, note = np.arange(len(result)), ""
    if others and result.method == "grid":
        fixed = result.params(result.best)
        for name in others:
            rows = rows[result.columns[name][rows] == fixed[name]]
        note = (
            f"Other parameters as in the best trial: {', '.join(f'{name}={_shown(fixed[name])}' for name in others)}."
        )
    elif others or across.binned or up.binned:
        note = "Each cell is the median of the trials in it" + (f", over all {', '.join(others)}." if others else ".")
    cell = up.places[rows] * len(across.values) + across.places[rows]
    cells = _medians(cell, result.objective[rows], len(up.values) * len(across.values))
    best, steady = ((int(up.places[at]), int(across.places[at])) for at in (result.best, robust))
    return Surface(
        across, up, cells.reshape(len(up.values), len(across.values)), best, steady if robust in rows else None, note
    )


def _places(result: SweepResult) -> int:
    if result.method == "grid":
        return MOST_CELLS
    return int(np.clip(np.sqrt(len(result) / TRIALS_A_CELL), FEWEST_BINS, MOST_BINS))


def _medians(cell: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count,) median of the finite `values` in each cell, NaN for none."""
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.lexsort((values[known], cell[known]))]
    taken, first, length = np.unique(cell[order], return_index=True, return_counts=True)
    ranked = values[order]
    medians = np.full(count, np.nan)
    medians[taken] = (ranked[first + (length - 1) // 2] + ranked[first + length // 2]) / 2
    return medians


def _shown(value: Any) -> str:
    return short(value) if isinstance(value, float) else str(value)
