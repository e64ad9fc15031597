"""What the engine builds can be drawn with Backtrader's own plot, without a screen."""

import matplotlib.pyplot as plt
from made_bars import bars, walk

import engine
from analyzers import plotting
from core.spec import RunSpec


def test_an_engine_cerebro_is_drawn(tmp_path):
    cerebro = engine.build(RunSpec(params=dict(fast=5, slow=20)), bars=bars(A=walk(120), B=walk(120, seed=2)))
    cerebro.run()
    try:
        figures = plotting.plot(cerebro, tmp_path / "plot.png")
        assert len(figures) == 1 and (tmp_path / "plot.png").stat().st_size > 20_000
    finally:
        plt.close("all")
