"""The figures of a report, drawn with matplotlib's object interface: no window, no pyplot.

The horizontal axis counts bars; its labels are dates (UTC times within a few days).
"""

import re
from collections import Counter
from functools import partial

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analyzers import metrics
from core.bars import Bars
from core.result import Fill, RunResult
from reports.axes import Size, area, canvas, date_axis, date_room, line, percent_axis, value_axis
from reports.formats import percent
from reports.palette import LIGHT
from reports.picture import HALF, PHONE, WIDE, Picture, house_style, picture

PRICE_CHARTS = 6
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def draw_all(result: RunResult) -> list[Picture]:
    """Equity, drawdown, exposure, monthly returns, and the prices of the most traded symbols."""
    with house_style():
        pictures = [
            picture("equity", "Account value against the benchmark", partial(equity, result), WIDE, PHONE),
            picture("drawdown", "Fall from the highest value so far", partial(drawdown, result), HALF),
            picture("exposure", "Value of all positions as a part of the account",
                    partial(exposure, result), HALF),
            picture("monthly", "Return of each month and year", partial(monthly, result),
                    WIDE._replace(font=8.5), PHONE._replace(font=7.6)),
        ]
        symbols = most_traded(result)
        sizes = (WIDE, PHONE) if len(symbols) == 1 else (HALF,)
        for rank, symbol in enumerate(symbols, 1):
            pictures.append(picture(f"trades-{rank}-{file_name(symbol)}", f"Trades on {symbol}",
                                    partial(trades_on_price, result, symbol), *sizes))
    return pictures


def file_name(symbol: str) -> str:
    """A symbol as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", symbol)


def most_traded(result: RunResult) -> list[str]:
    """Up to six symbols, by number of trades, then in the order of the bars."""
    counts = Counter(trade.symbol for trade in result.trades)
    ranked = sorted(counts, key=lambda symbol: (-counts[symbol], result.bars.column(symbol)))
    return ranked[:PRICE_CHARTS]


# -- one function per figure ----------------------------------------------------------------------------


def equity(result: RunResult, size: Size) -> Figure:
    """Account value and benchmark, on a log scale when they span more than three times."""
    figure, axes = canvas(size, bottom=date_room(result.bars, size))
    rows = np.arange(len(result.bars))
    line(axes, rows, result.benchmark, "benchmark", f"Benchmark ({result.spec.benchmark})", 1.1)
    line(axes, rows, result.equity, "strategy", result.spec.strategy.rpartition(":")[2], 1.5)
    value_axis(axes, np.r_[result.equity, result.benchmark])
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False,
                fontsize=size.font, labelcolor=LIGHT["ink"], borderaxespad=0.2, handlelength=1.4)
    date_axis(axes, result.bars, size)
    return figure


def drawdown(result: RunResult, size: Size) -> Figure:
    """Fraction below the highest value so far, hanging from zero."""
    figure, axes = canvas(size, top=1.0, bottom=date_room(result.bars, size))
    fall = -metrics.drawdown(result.equity, result.spec.cash)
    area(axes, fall, "loss")
    axes.set_ylim(min(fall.min() * 1.06, -0.01), 0)
    percent_axis(axes)
    date_axis(axes, result.bars, size)
    return figure


def exposure(result: RunResult, size: Size) -> Figure:
    """Gross exposure at each close."""
    figure, axes = canvas(size, top=1.0, bottom=date_room(result.bars, size))
    known = np.nan_to_num(result.exposure, nan=0.0, posinf=0.0, neginf=0.0)
    area(axes, known, "strategy")
    axes.set_ylim(0, max(known.max() * 1.06, 0.05))
    percent_axis(axes)
    date_axis(axes, result.bars, size)
    return figure


def monthly(result: RunResult, size: Size) -> Figure:
    """A heat map, years down and months across, with the year's total at the right."""
    dates, values = metrics.session_last(result.bars.session, result.equity)
    years, table = metrics.monthly_returns(values, dates, result.spec.cash)
    totals = metrics.yearly_returns(values, dates, result.spec.cash)[1]
    ems = (2.0 if size.width > 6 else 2.5) * len(years)
    figure, axes = canvas(size._replace(height=(ems + 2.5) * size.font / 72), top=2.0, bottom=0.5)
    strongest = max(float(np.nanmax(np.abs(table), initial=0.0)), 0.02)
    _cells(axes, table, strongest, 0.0)
    _cells(axes, totals[:, None], max(float(np.nanmax(np.abs(totals), initial=0.0)), 0.02), 12.3)
    digits = 1 if size.width > 6 else 0
    for (row, column), value in np.ndenumerate(np.c_[table, totals]):
        if not np.isnan(value):
            axes.text(column + 0.5 + 0.3 * (column == 12), row + 0.5, percent(value, digits).rstrip("%"),
                      ha="center", va="center", fontsize=size.font, color=LIGHT["ink"],
                      fontweight="bold" if column == 12 else "normal")
    axes.set(xlim=(0, 13.3), ylim=(len(years), 0))
    axes.xaxis.tick_top()
    names = MONTHS if size.width > 6 else [month[0] for month in MONTHS]
    axes.set_xticks([*(np.arange(12) + 0.5), 12.8], [*names, "Year"])
    axes.set_yticks(np.arange(len(years)) + 0.5, [str(year) for year in years])
    axes.grid(False)
    return figure


def trades_on_price(result: RunResult, symbol: str, size: Size) -> Figure:
    """Forward-adjusted closes of one symbol, shaded while held, with every fill at its own (adjusted) price."""
    figure, axes = canvas(size, bottom=date_room(result.bars, size))
    bars, column = result.bars, result.bars.column(symbol)
    close = bars.last_close[:, column] * bars.factor[:, column]
    line(axes, np.arange(len(bars)), close, "benchmark", "", 1.0)
    corners = np.repeat(np.flatnonzero(np.diff(np.r_[0, result.positions[:, column] != 0, 0])), 2) - 0.5
    axes.fill(corners, np.arange(len(corners)) % 4 % 3 > 0, transform=axes.get_xaxis_transform(),
              color=LIGHT["strategy"], alpha=0.08, linewidth=0)
    fills = [fill for fill in result.fills if fill.symbol == symbol]
    spot = float(np.clip(3000 / max(len(fills), 1), 7, 30))
    for sign, marker, colour in ((1, "^", "gain"), (-1, "v", "loss")):
        rows, prices = _marks(bars, column, [fill for fill in fills if fill.size * sign > 0])
        axes.scatter(rows, prices, s=spot, marker=marker, color=LIGHT[colour], linewidth=0, zorder=3, clip_on=False)
    value_axis(axes, close)
    date_axis(axes, bars, size)
    axes.set_title(symbol, loc="left", fontsize=size.font + 1, color=LIGHT["ink"], fontweight="bold", pad=5)
    return figure


def _cells(axes: Axes, table: np.ndarray, strongest: float, left: float) -> None:
    """Squares of gain or loss colour, the stronger the fuller."""
    cells = [(row, column, value) for (row, column), value in np.ndenumerate(table) if not np.isnan(value)]
    squares = [Rectangle((left + column + 0.03, row + 0.05), 0.94, 0.9) for row, column, _ in cells]
    colours = [matplotlib.colors.to_rgba(LIGHT["gain" if value >= 0 else "loss"],
                                         0.06 + 0.6 * float(np.sqrt(abs(value) / strongest)) * (value != 0))
               for _, _, value in cells]
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))


def _marks(bars: Bars, column: int, fills: list[Fill]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.minimum(np.searchsorted(bars.index, [fill.time for fill in fills]), len(bars) - 1)
    return rows, np.array([fill.price for fill in fills]) * bars.factor[rows, column]
