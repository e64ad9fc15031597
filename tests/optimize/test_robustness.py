"""Robustness of a sweep's best trial: every part against the thing it stands for, played or computed on its own."""

import json
import math

import numpy as np
import pytest
from made_bars import bars, walk
from made_sweeps import swept

from analyzers import metrics
from core.costs import parse_commission, parse_slippage
from core.errors import BadSpec, UsageError
from core.measures import MEASURES
from core.space import Range, Space
from core.spec import RunSpec
from engine.trials import player
from optimize.plateau import plateau
from optimize.robustness import MULTIPLES, QUANTILES, robustness, with_costs
from optimize.statistics.bootstrap import intervals
from optimize.statistics.cross_validation import cross_validate

PANEL = bars(A=walk(700, 3), B=walk(700, 4))
SPACE = Space({"period": Range(5, 20, 5), "entry": Range(0.5, 1.5, 0.5)})
SPEC = RunSpec(strategy="MeanReversion", symbols=("A", "B"), commission="0.001", slippage="5bp")


def sweep(spec=SPEC, space=SPACE, panel=PANEL, best_run=True):
    """A sweep without `optimize.sweep`: every point of the grid through a player."""
    played_by = player(spec, panel)
    numbers, points = zip(*space.grid(), strict=True)
    sharpe = played_by.play(points).measures[:, MEASURES.index("sharpe")]
    returns = np.array([played_by.returns(point) for point in points])
    run = played_by.result(points[int(np.nanargmax(sharpe))]) if best_run else None
    return swept(space, points, sharpe, numbers=numbers, spec=spec, panel=panel, returns=returns, best_run=run)


@pytest.fixture(scope="module")
def result():
    return sweep()


@pytest.fixture(scope="module")
def found(result):
    return robustness(result, draws=200, seed=1)


def test_intervals_are_those_of_the_best_trials_returns(result, found):
    returns = player(SPEC, PANEL).returns(result.params(result.best))
    expected = intervals(returns, 252.0, 0.95, 200, 1)
    assert expected.keys() == found.intervals.keys()
    for name, ends in expected.items():
        assert found.intervals[name] == pytest.approx(ends, rel=1e-9)
    assert found.intervals["sharpe"][0] < result.objective[result.best] < found.intervals["sharpe"][1]
    assert found.level == 0.95


def test_the_order_of_trades(result, found):
    drawdowns, finals = (found.trade_order[name] for name in ("max_drawdown", "final_value"))
    assert tuple(drawdowns) == tuple(finals) == QUANTILES
    assert 0 < drawdowns[0.05] < drawdowns[0.5] < drawdowns[0.95] < 1
    run = result.best_run
    before = np.r_[SPEC.cash, run.equity]
    growth = 1.0
    for trade in run.trades:
        if not trade.open:
            growth *= 1 + (trade.pnl + trade.dividends) / before[int(np.flatnonzero(run.bars.index == trade.entry_time)[0])]
    assert finals[0.05] < SPEC.cash * growth < finals[0.95]


def test_costs_are_played_anew(result, found):
    assert [multiple for multiple, _ in found.costs] == list(MULTIPLES)
    for multiple, measures in found.costs:
        spec = SPEC.replace(commission=str(0.001 * multiple), slippage=f"{5 * multiple}bp")
        assert measures["final_value"] == pytest.approx(
            player(spec, PANEL).result(result.params(result.best)).final_value, rel=1e-12)
    values = [measures["final_value"] for _, measures in found.costs]
    assert values == sorted(values, reverse=True)
    assert found.costs[0][1]["costs"] == 0.0


def test_random_costs_lie_around_the_assumed_ones(found):
    drawn, assumed = found.cost_draws["total_return"], found.costs[1][1]["total_return"]
    assert tuple(drawn) == QUANTILES and drawn[0.05] < assumed < drawn[0.95]
    free = found.costs[0][1]["total_return"]
    assert drawn[0.95] < free
    assert (found.break_even > 1) == (assumed > 0)


def test_every_rebalance_day_the_strategy_names(result, found):
    assert [offset["weekday"] for offset, _ in found.timing] == [0, 1, 2, 3, 4]
    assert found.timing[0][1]["sharpe"] == result.objective[result.best]
    assert found.timing_luck > 0


def test_the_plateau_is_that_of_the_sweep(result, found):
    assert found.plateau == plateau(result)


def test_paths_are_annual(result, found):
    expected = cross_validate(result.moments, 10, 2, embargo=1).paths * math.sqrt(252)
    np.testing.assert_allclose(found.paths, expected)
    assert found.paths.shape == (9,)


def test_the_same_seed_gives_the_same_answer(result, found):
    again, other = robustness(result, draws=200, seed=1), robustness(result, draws=200, seed=2)
    assert (again.intervals, again.trade_order, again.cost_draws) == (found.intervals, found.trade_order, found.cost_draws)
    assert other.intervals != found.intervals


def test_a_sweep_without_its_best_run_plays_it(found):
    found = robustness(sweep(best_run=False), draws=200, seed=1)
    assert (found.intervals, found.trade_order) == (found.intervals, found.trade_order)


def test_a_run_without_costs_offsets_or_trades():
    space = Space({"fast": Range(2, 3), "slow": Range(100, 100)})
    free = RunSpec(strategy="GoldenCross", symbols=("A",))
    panel = bars(A=walk(130, 5, drift=-0.01))
    found = robustness(swept(space, [{"fast": 2, "slow": 100}, {"fast": 3, "slow": 100}], np.array([0.1, 0.0]), spec=free,
                             panel=panel, returns=np.zeros((2, 5))), draws=20)
    assert [multiple for multiple, _ in found.costs] == [1.0] and found.cost_draws == {} and math.isnan(found.break_even)
    assert found.timing == () and math.isnan(found.timing_luck) and len(found.paths) == 0
    assert all(math.isnan(value) for values in found.trade_order.values() for value in values.values())
    assert found.plateau.neighbours == (1,)


@pytest.mark.parametrize(("commission", "slippage"), [
    ("0.001", "5bp"), ("0.1% min 1", "0.01/share"), ("0.005/share min 1", "none"), ("none", "0.0005"), ("0.3bp", "none")])
@pytest.mark.parametrize("multiple", [0.0, 1.0, 2.5])
def test_multiples_of_costs_are_written_back(commission, slippage, multiple):
    spec = with_costs(RunSpec(commission=commission, slippage=slippage), multiple)
    for found, given in ((parse_commission(spec.commission), parse_commission(commission)),
                         (parse_slippage(spec.slippage), parse_slippage(slippage))):
        assert tuple(found) == pytest.approx(tuple(multiple * each for each in given), rel=1e-12)


def test_costs_above_the_price_are_explained():
    with pytest.raises(BadSpec, match="commission '1.2.*' is the whole price or more"):
        with_costs(RunSpec(commission="40%"), 3.0)


def test_a_sweep_without_a_best_trial_is_explained():
    nothing = swept(SPACE, [SPACE.point(0)], np.array([np.nan]), spec=SPEC, panel=PANEL)
    with pytest.raises(BadSpec, match="no trial has a sharpe: there is nothing to judge"):
        robustness(nothing)


def test_a_summary_is_plain(found):
    shown = json.loads(json.dumps(found.summary()))
    assert shown["trade_order"]["max_drawdown"]["95%"] == found.trade_order["max_drawdown"][0.95]
    assert shown["costs"][3]["multiple"] == 3.0 and shown["timing"][4]["offset"] == {"weekday": 4}
    assert shown["plateau"]["robust"] == found.plateau.robust and len(shown["paths"]) == 9


@pytest.mark.parametrize("wrong", [dict(draws=0), dict(level=1.0)])
def test_draws_and_level_are_checked(wrong, result):
    with pytest.raises(UsageError):
        robustness(result, **{"draws": 10, **wrong})


def test_measures_are_those_of_the_run(result, found):
    run = result.best_run
    assert found.costs[1][1]["sharpe"] == pytest.approx(metrics.compute(run)["sharpe"], rel=1e-9)
