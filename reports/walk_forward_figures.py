"""The figures of a walk-forward, and of a sweep's choice on data it has not seen. Imports optimize."""

import numpy as np
from matplotlib.figure import Figure

from analyzers import metrics
from optimize.walk_forward import WalkForward
from reports.axes import Sessions, Size, area, canvas, date_axis, date_room, line, percent_axis, value_axis
from reports.palette import LIGHT
from reports.sweep_axes import key, metric_axis, name_axes, title


def chained(walk: WalkForward, size: Size) -> Figure:
    """Account value out of sample, window after window, and the benchmark; a line where new parameters take over."""
    times = Sessions(walk.sessions)
    figure, axes = canvas(size, bottom=date_room(times, size))
    rows = np.arange(len(walk.sessions))
    for row in borders(walk)[1:]:
        axes.axvline(row, color=LIGHT["muted"], linewidth=0.7, linestyle=(0, (2, 3)), zorder=1)
    line(axes, rows, walk.benchmark, "benchmark", f"Benchmark ({walk.spec.benchmark})", 1.1)
    line(axes, rows, walk.equity, "strategy", "Walk-forward, out of sample", 1.5)
    value_axis(axes, np.r_[walk.equity, walk.benchmark])
    key(axes, size)
    date_axis(axes, times, size)
    return figure


def fall(walk: WalkForward, size: Size) -> Figure:
    """Fraction below the highest value so far, hanging from zero."""
    times = Sessions(walk.sessions)
    figure, axes = canvas(size, top=1.0, bottom=date_room(times, size))
    values = -metrics.drawdown(walk.equity, walk.spec.cash)
    area(axes, values, "loss")
    axes.set_ylim(min(values.min() * 1.06, -0.01), 0)
    percent_axis(axes)
    date_axis(axes, times, size)
    return figure


def windows(walk: WalkForward, size: Size) -> Figure:
    """The first objective of every window's choice, where it was chosen and on the time after."""
    metric = walk.objectives[0].metric
    figure, axes = canvas(size, bottom=4.0)
    inside, outside = (
        np.array([each.get(metric, np.nan) for each in side])
        for side in ([each.in_sample for each in walk.windows], [each.out_of_sample for each in walk.windows])
    )
    at = np.arange(len(walk.windows)) + 1.0
    axes.bar(at - 0.2, np.nan_to_num(inside), 0.36, color=LIGHT["benchmark"], linewidth=0, label="In sample")
    axes.bar(at + 0.2, np.nan_to_num(outside), 0.36, color=LIGHT["strategy"], linewidth=0, label="Out of sample")
    axes.axhline(0, color=LIGHT["muted"], linewidth=0.8)
    axes.set_xlim(0.4, len(at) + 0.6)
    metric_axis(axes, metric)
    step = -(-len(at) // int(size.width * 3))
    axes.set_xticks(at[::step], [f"{each:.0f}" for each in at[::step]])
    name_axes(axes, size, "Window", title(metric))
    key(axes, size)
    return figure


def selections(pairs: np.ndarray, slope: float, intercept: float, size: Size) -> Figure:
    """In-sample against out-of-sample Sharpe ratios, (K, 2) annual, of what was chosen; equality, and their line."""
    figure, axes = canvas(size, bottom=4.0)
    axes.scatter(pairs[:, 0], pairs[:, 1], s=9, color=LIGHT["strategy"], alpha=0.35, linewidth=0, label="A split")
    ends = np.array([pairs[:, 0].min(), pairs[:, 0].max()])
    axes.plot(ends, ends, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)), label="Kept in full")
    if np.isfinite(slope) and ends[0] < ends[1]:
        axes.plot(ends, intercept + slope * ends, color=LIGHT["loss"], linewidth=1.5, label="What was kept")
    axes.axhline(0, color=LIGHT["muted"], linewidth=0.8)
    metric_axis(axes, "", 7, across=True)
    metric_axis(axes, "", 6)
    name_axes(axes, size, "Sharpe in sample", "Sharpe out of sample")
    key(axes, size)
    return figure


def spread(values: np.ndarray, marked: float, metric: str, what: str, size: Size) -> Figure:
    """How a measure is spread over (P,) paths or offsets, and where the run itself stands (NaN = nowhere)."""
    figure, axes = canvas(size, bottom=4.0)
    known = values[np.isfinite(values)]
    counts, edges = np.histogram(known, bins=min(24, max(6, len(known) // 3)))
    axes.bar(
        edges[:-1],
        counts,
        np.diff(edges) * 0.92,
        align="edge",
        color=LIGHT["strategy"],
        alpha=0.55,
        linewidth=0,
        label=what,
    )
    axes.axvline(float(np.median(known)), color=LIGHT["strategy"], linewidth=1.6, label="Median")
    if np.isfinite(marked):
        axes.axvline(marked, color=LIGHT["gain"], linewidth=1.6, linestyle=(0, (4, 2)), label="The best trial")
    metric_axis(axes, metric, 7, across=True)
    metric_axis(axes, "", 5)
    name_axes(axes, size, title(metric), what)
    key(axes, size)
    return figure


def borders(walk: WalkForward) -> list[int]:
    """Rows of `walk.sessions` at which the windows begin."""
    starts = np.array([each.test_start for each in walk.windows], dtype="datetime64[D]")
    return np.searchsorted(walk.sessions, starts).tolist()
