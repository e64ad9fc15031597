"""The figures of a walk-forward and of what was chosen, on data not seen."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.spec import RunSpec
from optimize.objective import read_objectives
from optimize.walk_forward import Window
from reports import walk_forward_figures
from reports.picture import HALF, PHONE, WIDE


@pytest.fixture(scope="module")
def walk():
    """Three windows over 90 sessions, the last without a choice."""
    sessions = np.arange("2020-01-01", "2020-03-31", dtype="datetime64[D]")
    steps = [
        Window("2019-01-01", "2019-12-31", str(sessions[at]), str(sessions[at + 29]), params, inside, outside, 10)
        for at, params, inside, outside in (
            (0, {"fast": 5.0}, {"sharpe": 2.0}, {"sharpe": -0.5}),
            (30, {"fast": 9.0}, {"sharpe": 1.0}, {"sharpe": 0.5}),
            (60, {}, {}, {}),
        )
    ]
    growth = np.cumprod(1 + np.random.default_rng(0).normal(0, 0.01, 90))
    return SimpleNamespace(
        spec=RunSpec(symbols=("A",), cash=1000.0),
        objectives=read_objectives("sharpe"),
        windows=tuple(steps),
        sessions=sessions,
        equity=1000 * growth,
        benchmark=np.full(90, 1000.0),
    )


def test_a_line_where_each_new_window_begins(walk):
    assert walk_forward_figures.borders(walk) == [0, 30, 60]
    axes = walk_forward_figures.chained(walk, WIDE).axes[0]
    assert [line.get_xdata()[0] for line in axes.lines[:2]] == [30, 60]
    assert axes.lines[-1].get_ydata().tolist() == walk.equity.tolist()


def test_the_fall_hangs_from_zero(walk):
    axes = walk_forward_figures.fall(walk, HALF).axes[0]
    peak = np.maximum.accumulate(np.r_[1000.0, walk.equity])[1:]
    assert axes.lines[0].get_ydata() == pytest.approx(walk.equity / peak - 1)


def test_windows_stand_side_by_side_in_and_out_of_sample(walk):
    axes = walk_forward_figures.windows(walk, PHONE).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [2.0, 1.0, 0.0, -0.5, 0.5, 0.0]


def test_selections_have_equality_and_their_own_line():
    pairs = np.array([[0.5, 0.3], [1.0, 0.1], [2.0, -0.4]])
    axes = walk_forward_figures.selections(pairs, -0.5, 0.6, HALF).axes[0]
    equal, own = axes.lines[:2]
    assert equal.get_xydata().tolist() == [[0.5, 0.5], [2.0, 2.0]]
    assert own.get_xydata() == pytest.approx(np.array([[0.5, 0.35], [2.0, -0.4]]))
    assert len(walk_forward_figures.selections(pairs, np.nan, np.nan, HALF).axes[0].lines) == 2


def test_a_spread_counts_what_is_known_and_marks_the_median():
    values = np.array([0.1, 0.2, 0.3, 0.4, np.nan, 0.5, 0.9])
    axes = walk_forward_figures.spread(values, 0.7, "sharpe", "Paths", HALF).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 6
    assert [line.get_xdata()[0] for line in axes.lines] == pytest.approx([0.35, 0.7])
