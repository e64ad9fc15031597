"""The objective of a sweep over two parameters: heat map and contour lines. Imports optimize."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from optimize.objective import Objective
from reports.axes import Size
from reports.sweep_axes import (
    ON_COLOUR,
    STEPS,
    bar_of,
    best_mark,
    colours,
    ink_on,
    key,
    name_axes,
    norm_of,
    plane,
    shown,
    ticks,
)
from reports.sweep_surface import Scale, Surface

MOST_WRITTEN, MOST_LARGE = 130, 42  # cells whose values are written into them, and those for large letters
CONTOUR_CELLS = 60  # of an axis; finer grids are averaged


def heat_map(surface: Surface, objective: Objective, size: Size) -> Figure:
    """Every cell in the colour of its value; empty where there is none."""
    figure, axes = plane(size)
    columns = surface.cells.shape[1]
    map_, norm = colours(objective), norm_of(surface.cells)
    axes.imshow(
        np.ma.masked_invalid(surface.cells), origin="lower", aspect="auto", cmap=map_, norm=norm, interpolation="none"
    )
    if surface.cells.size <= MOST_WRITTEN and columns <= size.width * 3:
        for (row, column), value in np.ndenumerate(surface.cells):
            if np.isfinite(value) and (row, column) != surface.best:
                axes.text(
                    column,
                    row,
                    shown(objective.metric, value),
                    ha="center",
                    va="center",
                    fontsize=size.font - (0.5 if surface.cells.size <= MOST_LARGE else 2.5),
                    color=ink_on(map_, float(norm(value))),
                )
    _sides(axes, surface.x, surface.y, size)
    best_mark(axes, surface.best[1], surface.best[0], size)
    key(axes, size)
    bar_of(figure, axes, size, norm, map_, objective.metric)
    return figure


def contour(surface: Surface, objective: Objective, size: Size) -> Figure:
    """Lines of equal value over means of neighbouring cells; the best trial, and the one with the best neighbours."""
    figure, axes = plane(size)
    cells, rows, columns = _coarser(surface.neighbourhood())
    map_, norm = colours(objective), norm_of(cells)
    levels = _levels(norm)
    masked = np.ma.masked_invalid(np.clip(cells, levels[0], levels[-1]))
    axes.contourf(columns, rows, masked, levels=levels, cmap=map_, norm=norm)
    lines = axes.contour(
        columns, rows, masked, levels=levels[2:-1:2], colors=ON_COLOUR[0], linewidths=0.7, linestyles="solid"
    )
    axes.clabel(lines, fmt=lambda value: shown(objective.metric, value), fontsize=size.font - 1.5)
    axes.set(xlim=(-0.5, len(surface.x.values) - 0.5), ylim=(-0.5, len(surface.y.values) - 0.5))
    _sides(axes, surface.x, surface.y, size)
    if surface.robust:
        best_mark(axes, surface.robust[1], surface.robust[0], size, "Best neighbours", "o")
    best_mark(axes, surface.best[1], surface.best[0], size)
    key(axes, size)
    bar_of(figure, axes, size, norm, map_, objective.metric)
    return figure


def has_contour(surface: Surface) -> bool:
    """Whether lines of equal value can be drawn: numbers both ways, 3 by 3 cells or more, values that differ."""
    if not (surface.x.ordered and surface.y.ordered):
        return False
    cells = _coarser(surface.neighbourhood())[0]
    square = (
        np.isfinite(cells[1:, 1:])
        & np.isfinite(cells[:-1, :-1])
        & np.isfinite(cells[1:, :-1])
        & np.isfinite(cells[:-1, 1:])
    )
    norm = norm_of(cells)
    spread = float(norm.vmax or 0.0) - float(norm.vmin or 0.0)
    return min(cells.shape) >= 3 and bool(square.any()) and spread > 1e-5 * float(np.nanmax(np.abs(cells)))


def _sides(axes: Axes, x: Scale, y: Scale, size: Size) -> None:
    widest = max(map(len, x.labels))
    ticks(axes.xaxis, x.labels, int(size.width * 72 / size.font * 1.2 / (widest + 2)))
    ticks(axes.yaxis, y.labels, int(size.height * 72 / size.font / 2.4))
    name_axes(axes, size, x.name, y.name)


def _coarser(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells averaged until an axis has at most `CONTOUR_CELLS`, and the rows and columns they stand for."""
    down, along = (-(-length // CONTOUR_CELLS) for length in cells.shape)
    padded = np.pad(cells, ((0, -len(cells) % down), (0, -cells.shape[1] % along)), constant_values=np.nan)
    blocks = padded.reshape(len(padded) // down, down, padded.shape[1] // along, along)
    count = np.isfinite(blocks).sum(axis=(1, 3))
    mean = np.where(count > 0, np.nansum(blocks, axis=(1, 3)) / np.maximum(count, 1), np.nan)
    rows, columns = (
        np.arange(length) * step + (step - 1) / 2 for length, step in zip(mean.shape, (down, along), strict=True)
    )
    return mean, np.minimum(rows, len(cells) - 1), np.minimum(columns, cells.shape[1] - 1)


def _levels(norm: Normalize) -> np.ndarray:
    """Round values inside the range of colours, and its ends."""
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    inside = np.asarray(MaxNLocator(10, steps=STEPS).tick_values(low, high))
    margin = (high - low) * 1e-3
    return np.r_[low, inside[(inside > low + margin) & (inside < high - margin)], high]
