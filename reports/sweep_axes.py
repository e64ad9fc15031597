"""Axes of a sweep's figures: parameters along the sides, values as colours, the mark of the best trial."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from optimize.objective import Objective
from reports.axes import Size, canvas, percent_axis
from reports.formats import count, number, percent
from reports.palette import LIGHT

FRACTIONS = {"total_return", "cagr", "volatility", "max_drawdown", "exposure", "win_rate"}
WHOLE = {"trades", "fills", "rejected", "costs", "final_value"}
ON_COLOUR = ("#fdfdfd", "#111111")  # text on a dark and on a light cell, the same in both themes
STEPS = [1, 2, 2.5, 5, 10]  # between labels, times a power of ten
BAR = 5.4  # room for the bar of colours, in multiples of the font size


def shown(metric: str, value: float) -> str:
    """A measure as a reader wants it."""
    if metric in FRACTIONS:
        return percent(value)
    return count(round(value)) if metric in WHOLE and np.isfinite(value) else number(value)


def title(metric: str) -> str:
    """A measure's name in words."""
    return "CAGR" if metric == "cagr" else metric.replace("_", " ").capitalize()


def colours(objective: Objective) -> Colormap:
    """Dark is bad, bright is good, and the steps can be told apart by the colour-blind and in grey."""
    return matplotlib.colormaps["viridis_r" if objective.minimize else "viridis"]


def norm_of(values: np.ndarray) -> Normalize:
    """Colours over the values, without the most extreme hundredth at each end."""
    known = values[np.isfinite(values)]
    low, high = (float(np.quantile(known, at)) for at in (0.01, 0.99)) if len(known) else (0.0, 1.0)
    return Normalize(low, high if high > low else low + max(abs(low), 1.0) * 1e-6, clip=True)


def plane(size: Size) -> tuple[Figure, Axes]:
    """A bare canvas with room for the names of two parameters and the bar of colours."""
    figure, axes = canvas(size, top=2.6, bottom=4.0)
    left, low, width, height = axes.get_position().bounds
    axes.set_position((left, low, width - BAR * size.font / 72 / size.width, height))
    axes.grid(False)
    return figure, axes


def name_axes(axes: Axes, size: Size, x: str, y: str) -> None:
    """The name of the parameter across below the axis, of the one up above it."""
    axes.set_xlabel(x, fontsize=size.font, color=LIGHT["ink"], labelpad=4)
    axes.text(
        -4.2 * size.font / 72 / size.width / axes.get_position().width,
        1.0,
        y,
        transform=axes.transAxes,
        ha="left",
        va="bottom",
        fontsize=size.font,
        color=LIGHT["ink"],
    )


def bar_of(figure: Figure, axes: Axes, size: Size, norm: Normalize, map_: Colormap, metric: str) -> None:
    """The bar of colours, right of the axes."""
    em = size.font / 72 / size.width
    left, low, width, height = axes.get_position().bounds
    side = figure.add_axes((left + width + 1.0 * em, low, 1.1 * em, height))
    low_value, high_value = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    side.imshow(
        np.linspace(0, 1, 128)[:, None],
        origin="lower",
        aspect="auto",
        cmap=map_,
        interpolation="none",
        extent=(0, 1, low_value, high_value),
    )
    side.set_xticks([])
    side.yaxis.tick_right()
    side.tick_params(length=0, labelsize=size.font - 0.5, labelcolor=LIGHT["muted"], pad=3)
    for spine in side.spines.values():
        spine.set_visible(False)
    metric_axis(side, metric, 5)


def metric_axis(axes: Axes, metric: str, most: int = 6, across: bool = False) -> None:
    """A measure along a side: percent for fractions, plain numbers for the others."""
    if metric in FRACTIONS and not across:
        percent_axis(axes)
        return
    axis = axes.xaxis if across else axes.yaxis
    axis.set_major_locator(MaxNLocator(most, steps=STEPS))
    write = (
        (lambda value, _: percent(value, 0))
        if metric in FRACTIONS
        else (lambda value, _: f"{value:,.6g}".replace("-", "−"))
    )
    axis.set_major_formatter(FuncFormatter(write))


def ticks(axis: Any, labels: Sequence[str], most: int) -> None:
    """Every label where they fit, else evenly some of them."""
    step = -(-len(labels) // max(most, 1))
    axis.set_ticks(range(0, len(labels), step), labels[::step])


def best_mark(axes: Axes, x: float, y: float, size: Size, label: str = "Best trial", marker: str = "*") -> None:
    """A star that shows on every colour."""
    axes.scatter(
        [x],
        [y],
        marker=marker,
        s=150 if marker == "*" else 60,
        color=ON_COLOUR[0],
        edgecolor=ON_COLOUR[1],
        linewidth=0.9,
        zorder=5,
        clip_on=False,
        label=label,
    )


def key(axes: Axes, size: Size, columns: int = 3) -> None:
    """The legend, above the axes at the right."""
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.01, 1),
        ncols=columns,
        frameon=False,
        fontsize=size.font - 0.5,
        labelcolor=LIGHT["ink"],
        borderaxespad=0.1,
        handlelength=1.2,
        columnspacing=1.2,
        handletextpad=0.5,
    )


def ink_on(map_: Colormap, shade: float) -> str:
    """The colour of text that can be read on a cell."""
    red, green, blue, _ = map_(shade)
    return ON_COLOUR[int(0.3 * red + 0.59 * green + 0.11 * blue > 0.5)]


def evenly(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` places, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
