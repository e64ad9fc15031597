"""The figures of all trials of a sweep: its objective over one parameter, its distribution, two objectives, importance.

Drawn as those of a backtest (`reports.picture`), bounded in size whatever the number of trials. Imports optimize.
"""

import numpy as np
from matplotlib.figure import Figure

from optimize.result import SweepResult
from reports.axes import Size, canvas
from reports.formats import percent
from reports.palette import LIGHT
from reports.sweep_axes import best_mark, evenly, key, metric_axis, name_axes, shown, ticks, title
from reports.sweep_surface import scale_of

MOST_DOTS = 1000
BINS = 40


def curve(result: SweepResult, name: str, size: Size) -> Figure:
    """The objective over a single parameter, of every trial or an even choice of them; a grid is joined."""
    objective = result.objectives[0]
    figure, axes = canvas(size, top=2.4, bottom=4.0)
    scale = scale_of(result, name, most=10**9)
    rows = np.flatnonzero(np.isfinite(result.objective))
    rows = rows[np.argsort(scale.places[rows], kind="stable")]
    texts = scale.values.dtype == object
    across = scale.places.astype(np.float64) if texts else result.columns[name]
    thin = rows[evenly(len(rows), MOST_DOTS)]
    if not texts and result.method == "grid":
        axes.plot(across[thin], result.objective[thin], color=LIGHT["strategy"], linewidth=1.2)
    axes.scatter(across[thin], result.objective[thin], s=14, color=LIGHT["strategy"], linewidth=0)
    best_mark(axes, float(across[result.best]), float(result.objective[result.best]), size)
    metric_axis(axes, objective.metric)
    if texts:
        ticks(axes.xaxis, scale.labels, int(size.width * 2))
    else:
        metric_axis(axes, "", 8, across=True)
    name_axes(axes, size, name, title(objective.metric))
    key(axes, size)
    return figure


def importance(shares: dict[str, float], size: Size) -> Figure:
    """A bar per parameter, its name above it."""
    figure, axes = canvas(size, top=0.6, bottom=0.6)
    names = list(shares)[:8]
    axes.set_position((0.02, 0.03, 0.96, 0.94))
    axes.grid(False)
    axes.barh(range(len(names)), [1.0] * len(names), height=0.3, color=LIGHT["rule"])
    axes.barh(range(len(names)), [shares[name] for name in names], height=0.3, color=LIGHT["strategy"])
    for at, name in enumerate(names):
        axes.text(0, at - 0.26, name, fontsize=size.font, color=LIGHT["ink"], va="bottom")
        axes.text(
            1, at - 0.26, percent(shares[name], 0), fontsize=size.font, color=LIGHT["ink"], va="bottom", ha="right"
        )
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.8), xticks=[], yticks=[])
    return figure


def histogram(result: SweepResult, luck: float, size: Size) -> Figure:
    """How many trials have which objective, the best one, and what the best of so many reaches by luck.

    luck: a value of the objective, NaN = unknown.
    """
    objective = result.objectives[0]
    figure, axes = canvas(size, top=2.4, bottom=4.0)
    known = result.objective[np.isfinite(result.objective)]
    best = float(result.objective[result.best])
    low, high = np.quantile(known, [0.005, 0.995])
    marks = [value for value in (best, luck) if np.isfinite(value)]
    low, high = min([low, *marks]), max([high, *marks])
    span = high - low or max(abs(high), 1.0) * 0.1
    counts, edges = np.histogram(
        np.clip(known, low, high),
        bins=min(BINS, max(8, len(known) // 4)),
        range=(low - span * 0.02, high + span * 0.02),
    )
    axes.bar(edges[:-1], counts, np.diff(edges) * 0.92, align="edge", color=LIGHT["strategy"], alpha=0.55, linewidth=0)
    axes.axvline(
        best if np.isfinite(best) else high,
        color=LIGHT["gain"],
        linewidth=1.8,
        label=f"Best {shown(objective.metric, best)}",
    )
    if np.isfinite(luck):
        axes.axvline(
            luck,
            color=LIGHT["loss"],
            linewidth=1.8,
            linestyle=(0, (4, 2)),
            label=f"By luck {shown(objective.metric, luck)}",
        )
    metric_axis(axes, objective.metric, 7, across=True)
    metric_axis(axes, "", 5)
    name_axes(axes, size, title(objective.metric), "Trials")
    key(axes, size)
    return figure


def front(result: SweepResult, size: Size) -> Figure:
    """The first two objectives of the trials; those that no other beats in every objective are joined."""
    first, second = result.objectives[:2]
    figure, axes = canvas(size, top=2.6, bottom=4.0)
    x, y = result.metrics[first.metric], result.metrics[second.metric]
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(rows) > MOST_DOTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_DOTS, replace=False))
    axes.scatter(x[rows], y[rows], s=10, color=LIGHT["benchmark"], alpha=0.6, linewidth=0, label="Trials")
    ahead = np.array(result.front)
    ahead = ahead[evenly(len(ahead), MOST_DOTS)]
    axes.plot(
        x[ahead],
        y[ahead],
        color=LIGHT["strategy"],
        linewidth=1.2 if len(result.objectives) == 2 else 0,
        marker="o",
        markersize=4.5,
        label="Pareto front",
    )
    best_mark(axes, float(x[result.best]), float(y[result.best]), size, f"Best {title(first.metric)}")
    metric_axis(axes, first.metric, 7, across=True)
    metric_axis(axes, second.metric)
    name_axes(axes, size, title(first.metric), title(second.metric))
    key(axes, size)
    return figure
