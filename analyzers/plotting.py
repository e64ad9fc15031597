"""`cerebro.plot()` on a machine without a screen, and on matplotlib releases newer than Backtrader's plot module.

Backtrader forces the TkAgg backend when its plot module is imported, which fails where there is no display; it
draws a second plot over the figures of the first, and hides the dates below the last chart together with all
others. Nothing in the installed package is changed on disk.
"""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import backtrader as bt


def prepare() -> None:
    """Import Backtrader's plot module with the backend this process already has, or Agg without a display.

    Afterwards `cerebro.plot()` works as it stands: it shows windows only where there is a screen. Calling it
    again changes nothing.
    """
    import matplotlib

    chosen = matplotlib.get_backend(auto_select=False)
    from backtrader.plot.plot import PInfo, Plot_OldSync  # forces a backend

    if _headless():
        matplotlib.use("Agg")
    elif chosen:
        matplotlib.use(chosen)
    if not hasattr(Plot_OldSync.show, "__wrapped__"):
        Plot_OldSync.show = _only_on_screen(Plot_OldSync.show)
        PInfo.newfig = _on_a_new_figure(PInfo.newfig)
        Plot_OldSync.plot = _with_dates(Plot_OldSync.plot)


def plot(cerebro: bt.Cerebro, path: str | Path | None = None, *, width: float = 16, height: float = 9,
         dpi: int = 100, **options: Any) -> list[Any]:
    """Draw a finished Cerebro run with Backtrader's own plotter.

    Args:
        path: where to save the picture (PNG, PDF, SVG by suffix); further figures get "-2", "-3" before it.
        width, height: inches. dpi: dots per inch of the file.
        options: those of `cerebro.plot` (numfigs, start, end, style="candle", volume=False, …).

    Returns:
        The matplotlib figures, one per strategy and part.
    """
    prepare()
    options.setdefault("iplot", False)
    if all(data._timeframe >= bt.TimeFrame.Days for data in cerebro.datas):
        options.setdefault("fmt_x_ticks", "%Y-%m-%d")
    figures = [figure for drawn in cerebro.plot(**options) or [] for figure in drawn or []]
    for at, figure in enumerate(figures, 1):
        figure.set_size_inches(width, height)
        if path is not None:
            target = Path(path)
            figure.savefig(target if at == 1 else target.with_stem(f"{target.stem}-{at}"), dpi=dpi)
    return figures


def _headless() -> bool:
    return sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _only_on_screen(show: Callable) -> Callable:
    @wraps(show)
    def show_on_screen(plotter: Any) -> None:
        import matplotlib

        if not _headless() and matplotlib.get_backend().lower() != "agg":
            show(plotter)

    return show_on_screen


def _on_a_new_figure(newfig: Callable) -> Callable:
    @wraps(newfig)
    def on_a_new_figure(info: Any, figid: int, numfig: int, pyplot: Any) -> Any:
        pyplot.close(figid + numfig)  # of an earlier plot; the figure object stays usable
        return newfig(info, figid, numfig, pyplot)

    return on_a_new_figure


def _with_dates(plot_strategy: Callable) -> Callable:
    @wraps(plot_strategy)
    def with_dates(plotter: Any, *args: Any, **options: Any) -> Any:
        figures = plot_strategy(plotter, *args, **options)
        for figure in figures or ():
            lowest = min(figure.axes, key=lambda axes: axes.get_position().y0)
            for tick in lowest.xaxis.get_major_ticks():
                tick.label1.set_visible(True)
        return figures

    return with_dates
