"""Parallel coordinates of a sweep: a pole per parameter and a line per trial. Imports optimize."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from optimize.result import SweepResult
from reports.axes import Size, canvas
from reports.formats import short
from reports.palette import LIGHT
from reports.sweep_axes import colours, evenly, key, norm_of, shown, title
from reports.sweep_surface import scale_of

MOST_LINES = 400
MOST_TEXTS = 10  # of a choice


def parallel(result: SweepResult, names: Sequence[str], size: Size) -> Figure:
    """One line per trial through its parameters to its objective, the best on top; of many, evenly by rank.

    names: of parameters, most important first; as many as there is room for are drawn, in the order of the space.
    """
    objective = result.objectives[0]
    names = sorted(names[: int(size.width)], key=list(result.columns).index)
    figure, axes = canvas(size, top=2.6, bottom=2.6)
    left, low, width, height = axes.get_position().bounds
    axes.set_position((left, low, width - 1.5 * size.font / 72 / size.width, height))
    ranked = result.ranked(len(result))
    rows = ranked[evenly(len(ranked), MOST_LINES)][::-1]
    places = np.column_stack([_heights(result, name) for name in names] + [_unit(result.objective)])
    lines = np.stack([np.broadcast_to(np.arange(len(names) + 1.0), places[rows].shape), places[rows]], axis=2)
    map_, norm = colours(objective), norm_of(result.objective)
    axes.add_collection(
        LineCollection(list(lines), colors=map_(norm(result.objective[rows])), linewidths=0.7, alpha=0.65)
    )
    axes.plot(
        np.arange(len(names) + 1),
        places[result.best],
        color=LIGHT["loss"],
        linewidth=2,
        label="Best trial",
        marker="o",
        markersize=4,
    )
    _poles(axes, result, names, size)
    key(axes, size)
    return figure


def _heights(result: SweepResult, name: str) -> np.ndarray:
    """(M,) where a trial's line crosses the pole of a parameter, 0 to 1."""
    if result.columns[name].dtype == object:
        scale = scale_of(result, name)
        return scale.places / max(len(scale.values) - 1, 1)
    log = getattr(result.space.dimensions.get(name), "log", False)
    return _unit(np.log(result.columns[name]) if log else result.columns[name])


def _unit(values: np.ndarray) -> np.ndarray:
    """Values brought to 0..1 between the extremes of the finite ones."""
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.full(len(values), 0.5)


def _poles(axes: Axes, result: SweepResult, names: list[str], size: Size) -> None:
    """A pole per parameter and one for the objective, with values at them and names below."""
    metric = result.objectives[0].metric
    for at, name in enumerate([*names, metric]):
        axes.axvline(at, color=LIGHT["muted"], linewidth=0.9, zorder=1)
        for height, text in _extremes(result) if at == len(names) else _ends(result, name):
            axes.text(
                at + 0.02,
                height,
                text,
                fontsize=size.font - 1,
                color=LIGHT["ink"],
                va="center",
                bbox={"facecolor": LIGHT["card"], "alpha": 0.75, "linewidth": 0, "pad": 1.0},
                zorder=4,
            )
    texts = [*names, title(metric)]
    axes.set_xticks(range(len(texts)), texts)
    axes.tick_params(axis="x", labelcolor=LIGHT["ink"])
    axes.set(xlim=(-0.05, len(names) + 0.25), ylim=(-0.04, 1.04), yticks=[])
    axes.grid(False)


def _ends(result: SweepResult, name: str) -> list[tuple[float, str]]:
    """Texts at the pole of a parameter: the extremes of numbers, every text of a short choice."""
    column = result.columns[name]
    if column.dtype != object:
        return [(0.0, short(float(column.min()))), (1.0, short(float(column.max())))]
    labels = scale_of(result, name).labels
    written = range(len(labels)) if len(labels) <= MOST_TEXTS else (0, len(labels) - 1)
    return [(at / max(len(labels) - 1, 1), labels[at]) for at in written]


def _extremes(result: SweepResult) -> list[tuple[float, str]]:
    metric, known = result.objectives[0].metric, result.objective[np.isfinite(result.objective)]
    return [(0.0, shown(metric, float(known.min()))), (1.0, shown(metric, float(known.max())))]
