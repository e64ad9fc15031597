"""Axes of a report's figures: a bare canvas, curves thinned to what can be seen, value, percent and date axes."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from reports.formats import percent, short
from reports.palette import LIGHT

LOG_SPAN = 3.0  # a curve whose highest value is more than this multiple of its lowest gets a log scale
STRETCHES = 800  # parts a long curve is cut into; more cannot be told apart on a page
_TICKS = [  # unit, how many of it, label
    *(("m", step, "{0:%H:%M}\n{0.day} {0:%b}") for step in (1, 5, 15, 30)),
    *(("h", step, "{0:%H:%M}\n{0.day} {0:%b}") for step in (1, 2, 6)),
    *(("D", step, "{0.day} {0:%b}") for step in (1, 7, 14)),
    *(("M", step, "{0:%b %Y}") for step in (1, 2, 3, 6)), *(("Y", step, "{0:%Y}") for step in (1, 2, 5, 10, 20)),
]


class Times(Protocol):
    """What a horizontal axis counts: bars, or sessions.

    Attributes:
        index: (T,) int64 UTC nanoseconds. session: (T,) datetime64[D] exchange dates.
    """

    @property
    def index(self) -> np.ndarray: ...

    @property
    def session(self) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Sessions:
    """Times of a curve with one value per session."""

    session: np.ndarray

    @property
    def index(self) -> np.ndarray:
        """Midnights, UTC nanoseconds."""
        return self.session.astype("datetime64[ns]").astype(np.int64)


class Size(NamedTuple):
    """Inches and points of a figure."""

    width: float
    height: float
    font: float

    @property
    def ticks(self) -> int:
        """How many date labels fit."""
        return max(3, int(self.width / self.font * 10.5))


def canvas(size: Size, *, top: float = 2.4, bottom: float) -> tuple[Figure, Axes]:
    """A bare figure; the room above and below the axes is in multiples of the font size."""
    figure = Figure(figsize=(size.width, size.height))
    em_x, em_y = size.font / 72 / size.width, size.font / 72 / size.height
    # room measured out by hand: a layout engine doubles the drawing time
    axes = figure.add_axes((5.0 * em_x, bottom * em_y, 1 - 6.2 * em_x, 1 - (top + bottom) * em_y))
    axes.set_facecolor("none")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=size.font, labelcolor=LIGHT["muted"], pad=4)
    axes.grid(axis="y", color=LIGHT["rule"], linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def line(axes: Axes, rows: np.ndarray, values: np.ndarray, colour: str, label: str, width: float) -> None:
    """A curve of one colour of the palette; a dot when it is a single bar."""
    lone, kept = len(rows) == 1, extremes(values)
    axes.plot(rows[kept], values[kept], color=LIGHT[colour], linewidth=width, label=label, solid_joinstyle="round",
              marker="o" if lone else None, markersize=4)


def area(axes: Axes, values: np.ndarray, colour: str) -> None:
    """A curve over the bars, filled down (or up) to zero."""
    rows = extremes(values) if len(values) > 1 else np.array([-0.5, 0.5])
    values = values[rows] if len(values) > 1 else np.broadcast_to(values, rows.shape)
    axes.fill_between(rows, values, color=LIGHT[colour], alpha=0.18, linewidth=0)
    axes.plot(rows, values, color=LIGHT[colour], linewidth=0.9)


def extremes(values: np.ndarray) -> np.ndarray:
    """The rows worth drawing: all of a short curve; the lowest and highest of every stretch of a long one."""
    stretch = len(values) // STRETCHES
    if stretch < 3:
        return np.arange(len(values))
    whole = len(values) // stretch * stretch
    blocks = np.nan_to_num(values[:whole]).reshape(-1, stretch)
    starts = np.arange(0, whole, stretch)
    return np.unique(np.r_[0, starts + blocks.argmin(axis=1), starts + blocks.argmax(axis=1), len(values) - 1])


def value_axis(axes: Axes, values: np.ndarray) -> None:
    """Money or prices up the side, on a log scale when they span more than `LOG_SPAN` times."""
    known = values[np.isfinite(values)]
    if len(known) and known.min() > 0 and known.max() > LOG_SPAN * known.min():
        axes.set_yscale("log")
        decades = np.log10(known.max() / known.min())
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if decades > 3 else (1.0, 2.0, 5.0), numticks=12))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def percent_axis(axes: Axes) -> None:
    """Fractions as percentages, with as many decimals as the steps need."""
    axes.yaxis.set_major_locator(MaxNLocator(5))
    step = abs(float(np.diff(axes.get_yticks()[:2])[0])) * 100
    digits = next(digits for digits in range(9) if digits == 8 or abs(round(step, digits) / step - 1) < 1e-6)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, digits)))


def date_room(times: Times, size: Size) -> float:
    """Dates below the axes take one line, times of day and dates two."""
    return 3.6 if "\n" in date_ticks(times, size.ticks)[1][0] else 2.3


def date_axis(axes: Axes, times: Times, size: Size) -> None:
    """Dates below, none so near to the edge that it would be cut."""
    last = len(times.session) - 1
    inside = last * (1 - 1.5 * size.font / 72 / size.width)  # a label nearer to the edge would be cut
    ticks = [(row, label) for row, label in zip(*date_ticks(times, size.ticks), strict=True) if row <= inside]
    axes.set_xlim((0, last) if last else (-0.5, 0.5))
    axes.set_xticks([row for row, _ in ticks], [label for _, label in ticks])


def date_ticks(times: Times, most: int) -> tuple[list[int], list[str]]:
    """Rows and labels of at most `most` ticks, at the first bars of years, months, days or hours."""
    for unit, step, form in _TICKS:
        moments = times.index.astype("datetime64[ns]") if unit in "hm" else times.session
        monday = 3 if unit == "D" else 0  # 1970 began on a Thursday
        periods = (moments.astype(f"datetime64[{unit}]").astype(np.int64) + monday) // step
        starts = np.flatnonzero(np.diff(periods)) + 1
        if 2 <= len(starts) <= most:
            return starts.tolist(), [form.format(moments[row].astype("datetime64[s]").item()) for row in starts]
    rows = np.unique(np.linspace(0, len(times.session) - 1, min(most, 4)).round().astype(int))
    return rows.tolist(), [str(times.session[row]) for row in rows]
