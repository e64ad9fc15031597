"""Timing luck: every rebalance day played, and the dispersion between them by hand."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, walk

from core.errors import BadSpec
from core.spec import RunSpec
from engine.trials import player
from optimize.timing_luck import TimingLuck, dispersion, timing_luck
from strategies import MeanReversion

SPEC = RunSpec(strategy="MeanReversion", params={"period": 10, "entry": 1.0}, symbols=("A", "B"))
PANEL = bars(A=walk(500, 3), B=walk(500, 4))


def test_every_weekday_is_played_and_they_differ():
    played_by = player(SPEC, PANEL)
    found = timing_luck(played_by, {"entry": 1.5}, MeanReversion.timing)
    assert [offset for offset, _ in found.played] == [{"weekday": day} for day in range(5)]
    for offset, measures in found.played:
        assert measures["final_value"] == played_by.result({"entry": 1.5, **offset}).final_value
    finals = [measures["final_value"] for _, measures in found.played]
    assert len(set(finals)) == 5 and found.spread("final_value") == (min(finals), max(finals))
    returns = np.array([played_by.returns({"entry": 1.5, **offset}) for offset, _ in found.played])
    assert found.luck == pytest.approx(apart(returns, played_by.play([{}]).count, 252), rel=1e-9)
    assert 0.005 < found.luck < 0.5


def apart(returns, count, periods):
    """Dispersion, block by block, in plain words."""
    squares, at = 0.0, 0
    for length in map(int, count):
        squares += statistics.variance(math.fsum(own[at : at + length]) for own in returns.tolist())
        at += length
    return math.sqrt(squares / at * periods)


def test_the_dispersion_of_two_series_by_hand():
    sums, count = np.array([[0.03, 0.00], [0.01, 0.04]]), np.array([10, 10])
    assert dispersion(sums, count, 252) == pytest.approx(math.sqrt((0.0002 + 0.0008) / 20 * 252))
    assert math.isnan(dispersion(sums[:1], count, 252))


@given(seed=st.integers(0, 1000), common=st.floats(-0.1, 0.1))
def test_what_all_offsets_earn_alike_is_no_luck(seed, common):
    sums = np.random.default_rng(seed).normal(0, 0.05, (4, 6))
    count = np.full(6, 20)
    assert dispersion(sums + common, count, 252) == pytest.approx(dispersion(sums, count, 252))
    assert dispersion(np.repeat(sums[:1], 4, axis=0), count, 252) == pytest.approx(0, abs=1e-12)


def test_offsets_of_two_parameters_are_combined():
    found = timing_luck(player(SPEC, PANEL), {}, {"weekday": (0, 4), "exit": (0.0, 0.5)})
    assert [offset for offset, _ in found.played] == [
        {"weekday": 0, "exit": 0.0}, {"weekday": 0, "exit": 0.5}, {"weekday": 4, "exit": 0.0}, {"weekday": 4, "exit": 0.5}]


def test_a_measure_that_no_offset_has():
    assert all(math.isnan(end) for end in TimingLuck((({}, {"sharpe": math.nan}),), math.nan).spread("sharpe"))


@pytest.mark.parametrize(("offsets", "message"), [
    ({}, "MeanReversion names no rebalance offsets"),
    ({"weekday": ()}, "MeanReversion names no rebalance offsets"),
    ({"weekday": (0, 5)}, "offset {'weekday': 5} cannot be played: weekday=5 is no trading day"),
    ({"week_day": (0,)}, "offset {'week_day': 0} cannot be played: .*did you mean 'weekday'"),
])
def test_offsets_that_cannot_be_played_are_explained(offsets, message):
    with pytest.raises(BadSpec, match=message):
        timing_luck(player(SPEC, PANEL), {}, offsets)
