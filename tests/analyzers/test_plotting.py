"""`cerebro.plot()` without a screen, in a process of its own and in this one."""

import subprocess
import sys

import backtrader as bt
import matplotlib
import matplotlib.image
import pytest
from made_bars import walk

from analyzers import plotting


class Crosses(bt.Strategy):
    def __init__(self):
        for data in self.datas:
            bt.ind.CrossOver(bt.ind.SMA(data, period=5), bt.ind.SMA(data, period=20))
            bt.ind.RSI(data)

    def next(self):
        for data in self.datas:
            if not self.getposition(data) and data.close[0] > data.close[-1]:
                self.buy(data, size=10)
            elif len(self) % 9 == 0:
                self.close(data)


@pytest.fixture
def finished():
    cerebro = bt.Cerebro()
    for seed, name in enumerate(("A", "B"), 1):
        cerebro.adddata(bt.feeds.PandasData(dataname=walk(150, seed)), name=name)
    cerebro.addstrategy(Crosses)
    cerebro.run()
    return cerebro


@pytest.fixture(autouse=True)
def without_a_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def ink(path):
    """How many distinct shades a picture holds."""
    return len(set(matplotlib.image.imread(path)[::7, ::7, 0].ravel().tolist()))


def test_two_feeds_with_indicators_and_observers(finished, tmp_path):
    (figure,) = plotting.plot(finished, tmp_path / "run.png", width=12, height=8)
    assert len(figure.axes) >= 8  # value, trades, two prices with their volumes, two RSI, two crossings
    assert matplotlib.image.imread(tmp_path / "run.png").shape[:2] == (800, 1200)
    assert ink(tmp_path / "run.png") > 20


def test_dates_are_written_below_the_lowest_chart_only(finished):
    (figure,) = plotting.plot(finished)
    figure.canvas.draw()
    shown = {axes: [label.get_text() for label in axes.get_xticklabels() if label.get_visible()]
             for axes in figure.axes}
    lowest = min(figure.axes, key=lambda axes: axes.get_position().y0)
    assert [axes for axes, labels in shown.items() if labels] == [lowest]
    assert all(label.startswith("2000-") and len(label) == 10 for label in shown[lowest])


def test_a_second_plot_does_not_draw_over_the_first(finished):
    first, second = plotting.plot(finished)[0], plotting.plot(finished)[0]
    assert first is not second
    assert len(first.axes) == len(second.axes)


def test_candles_and_parts(finished, tmp_path):
    figures = plotting.plot(finished, tmp_path / "part.png", style="candle", numfigs=2)
    assert len(figures) == 2
    assert ink(tmp_path / "part.png") > 20 and ink(tmp_path / "part-2.png") > 20


def test_preparing_twice_changes_nothing():
    plotting.prepare()
    from backtrader.plot.plot import PInfo, Plot_OldSync

    patched = (Plot_OldSync.show, Plot_OldSync.plot, PInfo.newfig)
    plotting.prepare()
    assert (Plot_OldSync.show, Plot_OldSync.plot, PInfo.newfig) == patched
    assert matplotlib.get_backend().lower() == "agg"


PLAIN = """
import backtrader as bt
from analyzers import plotting
from made_bars import walk

cerebro = bt.Cerebro()
cerebro.adddata(bt.feeds.PandasData(dataname=walk(60)))
cerebro.addstrategy(bt.Strategy)
cerebro.run()
{prepare}
print(len(cerebro.plot()[0][0].axes))
"""


@pytest.mark.parametrize(("prepare", "works"), [("plotting.prepare()", True), ("", False)])
def test_plain_cerebro_plot_needs_prepare_and_nothing_else(prepare, works, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", PLAIN.format(prepare=prepare)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) is works, done.stderr
    assert not works or int(done.stdout) >= 3
