"""The figures of a shadow report: from the simulated gain to the live one, and how far off each order was filled."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.axes import Size, canvas
from reports.formats import number, short
from reports.palette import LIGHT
from reports.picture import HALF, Picture, house_style, picture

PARTS = {"delay": "Delay", "spread": "Spread", "slippage": "Slippage", "missed": "Missed fills", "fees": "Fees"}
FAR = 0.98  # part of the orders whose slippage the histogram shows


def draw_shadow(summary: Mapping[str, Any]) -> list[Picture]:
    """The bridge of gains and, where orders can be judged, their slippage."""
    with house_style():
        drawn = [picture("bridge", "From the simulated gain, part by part, to the live one", partial(bridge, summary), HALF)]
        points = slippages(summary)
        if len(points):
            drawn.append(picture("slippage", "Basis points by which orders were filled worse than the price when sent",
                                 partial(spread_of, points, summary["slippage_estimate"]["bp"]), HALF))
    return drawn


def slippages(summary: Mapping[str, Any]) -> np.ndarray:
    """(n,) basis points beyond the price when sent, of each live order that has one."""
    orders = [order for day in summary["days"] for order in day["orders"] if order["arrival"] is not None]
    return np.array([(1 if order["side"] == "buy" else -1) * (order["live_price"] / order["arrival"] - 1) * 1e4 for order in orders])


def bridge(summary: Mapping[str, Any], size: Size) -> Figure:
    """Bars from the simulated gain down (or up) to the live one."""
    figure, axes = canvas(size, top=1.2, bottom=3.4)
    steps = [-summary[name] for name in PARTS]
    after = summary["shadow_gain"] + np.cumsum(steps)
    lows = [0.0, *(after - steps), 0.0]
    heights = [summary["shadow_gain"], *steps, summary["live_gain"]]
    colours = ["benchmark", *("gain" if step > 0 else "loss" for step in steps), "strategy"]
    axes.bar(range(len(heights)), heights, 0.62, bottom=lows, color=[LIGHT[name] for name in colours], linewidth=0)
    axes.axhline(0, color=LIGHT["muted"], linewidth=0.8)
    axes.set_xticks(range(len(heights)), ["Simulated", *(name.replace(" ", "\n") for name in PARTS.values()), "Live"], fontsize=size.font - 1)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    return figure


def spread_of(points: np.ndarray, mean: float, size: Size) -> Figure:
    """A histogram of slippage, and its mean weighted by value."""
    figure, axes = canvas(size, top=1.2, bottom=3.4)
    low, high = np.quantile(points, [(1 - FAR) / 2, (1 + FAR) / 2])
    room = max(high - low, 1.0) * 0.02
    axes.hist(np.clip(points, low, high), bins=min(40, max(8, len(points) // 8)), range=(low - room, high + room),
              color=LIGHT["strategy"], alpha=0.55, linewidth=0)
    axes.axvline(mean, color=LIGHT["loss"], linewidth=1.6)
    axes.annotate(f"{number(mean)} bp", (mean, 1.0), xycoords=("data", "axes fraction"), xytext=(4, -2), textcoords="offset points",
                  va="top", fontsize=size.font, color=LIGHT["loss"])
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel("basis points worse than the price when sent", fontsize=size.font, color=LIGHT["ink"], labelpad=4)
    return figure
