"""Importance: what decides comes first, and what cannot be told is not."""

import pytest
from hill_sweeps import MIXED, hill_sweep

from core.space import Choice, Range, Space
from reports.sweep_importance import importances


@pytest.fixture(scope="module")
def bars(make_bars):
    return make_bars(60, ("A",))


def test_the_parameter_that_decides_comes_first(bars):
    result = hill_sweep(bars, MIXED, "random", 600)
    result.metrics["sharpe"][:] = -abs(result.columns["sizer.risk"] - 0.05) + 1e-4 * result.columns["fast"]
    found = importances(result)
    assert next(iter(found)) == "sizer.risk" and found["sizer.risk"] > 0.8
    assert set(found) == set(MIXED.names) and sum(found.values()) == pytest.approx(1)


def test_less_is_better_where_the_objective_says_so(bars):
    space = Space({"fast": Range(1, 30), "slow": Range(1, 30)})
    result = hill_sweep(bars, space, objective="max_drawdown")
    # only the smallest tenth depends on `fast`; the largest values depend on `slow`
    fast, slow = result.columns["fast"], result.columns["slow"]
    result.metrics["max_drawdown"][:] = (fast > 3) * (1 + slow)
    assert next(iter(importances(result))) == "fast"


def test_many_trials_are_thinned_the_same_way_every_time(bars):
    result = hill_sweep(bars, MIXED, "random", 5000)
    assert importances(result) == importances(result)


def test_nothing_is_said_where_nothing_can_be(bars):
    flat = hill_sweep(bars)
    flat.metrics["sharpe"][:] = 1.0
    single = hill_sweep(bars, Space({"fast": Range(1, 50), "kind": Choice("sma")}))
    for result in (flat, single, hill_sweep(bars, trials=10), hill_sweep(bars, nothing=True)):
        assert importances(result) == {}
