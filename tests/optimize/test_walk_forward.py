"""Walk-forward against a plain re-statement with whole runs, and what may never reach a window from its future."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, walk

from analyzers import metrics
from analyzers.benchmark import benchmark_equity
from core.errors import BadSpec, UnknownName
from core.measures import MEASURES
from core.space import Choice, Range, Space
from core.spec import RunSpec
from engine.run import run
from optimize.chain import efficiency
from optimize.walk_forward import walk_forward

PANEL = bars(A=walk(800, 3), B=walk(800, 4, drift=-0.0002))
SPACE = Space({"fast": Range(2, 8, 3), "slow": Range(5, 25, 10)}, where=("fast < slow",))
POINTS = [point for _, point in SPACE.grid()]
SPEC = RunSpec(strategy="GoldenCross", symbols=("A", "B"), commission="0.001", benchmark="A")
PERIODS = dict(train="1y", test="6mo")


def whole_run(spec, params, panel, start, end):
    """Session returns and Sharpe ratio from `start` to `end` of a run through Cerebro that decides from `start` on."""
    result = run(spec.replace(params=params, signal_start=start), bars=panel.between(None, end))
    inside = result.bars.session >= np.datetime64(start)
    returns = metrics.session_returns(result.equity[inside], spec.cash)
    return returns, metrics.sharpe(returns, 252.0)


def restated(spec, space, panel, steps):
    """Chosen parameters and out-of-sample returns, window by window."""
    for train_start, train_end, test_start, test_end in steps:
        best, highest = {}, -math.inf
        for _, point in space.grid():
            score = whole_run(spec, point, panel, train_start, train_end)[1]
            if score > highest:
                best, highest = point, score
        yield best, whole_run(spec, best, panel, test_start, test_end)[0]


@pytest.mark.parametrize("asked", [PERIODS, dict(windows=3, anchored=True, embargo=5)], ids=["rolling", "anchored"])
def test_windows_choose_and_play_as_the_words_say(asked):
    found = walk_forward(SPEC, SPACE, bars=PANEL, **asked)
    assert found.engine == "twin" and found.obstacle == "" and len(found.windows) > 2
    expected = list(restated(SPEC, SPACE, PANEL, [window[:4] for window in found.windows]))
    assert [window.params for window in found.windows] == [params for params, _ in expected]
    equity = SPEC.cash * np.cumprod(1 + np.concatenate([returns for _, returns in expected]))
    np.testing.assert_allclose(found.equity, equity, rtol=1e-12)
    if not found.anchored:
        assert len({tuple(window.params.values()) for window in found.windows}) > 1


def test_the_chain_is_measured_as_any_run():
    found = walk_forward(SPEC, SPACE, bars=PANEL, **PERIODS)
    rows = PANEL.session >= np.datetime64(found.windows[0].test_start)
    np.testing.assert_array_equal(found.sessions, PANEL.session[rows])
    np.testing.assert_allclose(found.benchmark, benchmark_equity(PANEL.between(found.sessions[0]), "A", SPEC.cash))
    returns = np.diff(np.r_[SPEC.cash, found.equity]) / np.r_[SPEC.cash, found.equity[:-1]]
    assert found.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252))
    assert found.metrics["total_return"] == pytest.approx(found.equity[-1] / SPEC.cash - 1)
    assert found.metrics["benchmark_return"] == pytest.approx(found.benchmark[-1] / SPEC.cash - 1)
    assert found.metrics["fills"] == sum(window.out_of_sample["fills"] for window in found.windows) > 0
    annual = (found.equity[-1] / SPEC.cash) ** (1 / metrics.years(found.sessions)) - 1
    trained = np.mean([window.in_sample["cagr"] for window in found.windows])
    assert found.efficiency == pytest.approx(annual / trained)
    assert found.spec.signal_start is None and found.trials == len(found.windows) * len(POINTS)
    assert json.loads(json.dumps(found.summary()))["windows"][0]["params"] == found.windows[0].params


def later_changed(panel, date, seed):
    """The bars with other prices after a date."""
    factor = np.where(panel.session > np.datetime64(date), np.random.default_rng(seed).uniform(0.5, 2.0, len(panel)), 1.0)
    return replace(panel, **{f"raw_{name}": getattr(panel, f"raw_{name}") * factor[:, None]
                             for name in ("open", "high", "low", "close")})


@settings(max_examples=15)
@given(window=st.integers(0, 2), seed=st.integers(0, 1000), anchored=st.booleans(), embargo=st.sampled_from([0, 7]))
@pytest.mark.parametrize("strategy", ["GoldenCross", "Momentum"])
def test_the_future_never_reaches_a_window(strategy, window, seed, anchored, embargo):
    spec = SPEC.replace(strategy=strategy)
    space = SPACE
    if strategy == "Momentum":
        spec = spec.replace(params={"index_average": 0, "average": 10, "atr": 5})
        space = Space({"lookback": Choice(5, 20), "top": Choice(0.5, 1.0)})
    asked = dict(windows=3, anchored=anchored, embargo=embargo)
    base = walk_forward(spec, space, bars=PANEL, **asked)
    own = base.windows[window]
    chosen = walk_forward(spec, space, bars=later_changed(PANEL, own.train_end, seed), **asked).windows[window]
    assert (chosen.params, chosen.in_sample) == (own.params, pytest.approx(own.in_sample, abs=0, rel=0, nan_ok=True))
    tested = walk_forward(spec, space, bars=later_changed(PANEL, own.test_end, seed), **asked)
    assert tested.windows[window].out_of_sample == pytest.approx(own.out_of_sample, abs=0, rel=0, nan_ok=True)
    known = base.sessions <= np.datetime64(own.test_end)
    np.testing.assert_array_equal(tested.equity[known], base.equity[known])


def test_each_window_begins_flat_and_decides_from_its_first_session_on():
    spec = SPEC.replace(strategy="BuyAndHold", params={}, commission="none")
    found = walk_forward(spec, Space({"reinvest": Choice(True, False)}), bars=PANEL, windows=2)
    begin = int(np.flatnonzero(found.sessions == np.datetime64(found.windows[1].test_start))[0])
    assert found.equity[begin] == found.equity[begin - 1]  # bought at the next open
    assert found.windows[0].params == {"reinvest": True}  # of equal trials the first


def test_cerebro_walks_the_same_way():
    small = Space({"fast": Choice(2, 5), "slow": Choice(15)})
    panel = PANEL.between(None, "2001-12-31")
    twin, cerebro = (walk_forward(SPEC, small, bars=panel, windows=2, engine=engine, jobs=1) for engine in ("twin", "cerebro"))
    assert (cerebro.engine, twin.engine) == ("cerebro", "twin") and "Cerebro" in cerebro.obstacle
    assert [window.params for window in twin.windows] == [window.params for window in cerebro.windows]
    np.testing.assert_allclose(twin.equity, cerebro.equity, rtol=1e-9)


@pytest.mark.soak
def test_several_processes_find_the_same():
    asked = dict(bars=PANEL.between(None, "2001-06-29"), windows=2, engine="cerebro")
    one, two = (walk_forward(SPEC, Space({"fast": Choice(2, 5), "slow": Choice(15)}), jobs=jobs, **asked) for jobs in (1, 2))
    assert one.windows == two.windows
    np.testing.assert_array_equal(one.equity, two.equity)


def test_trials_that_cannot_be_played_are_counted():
    found = walk_forward(SPEC, Space({"fast": Choice(2, 300), "slow": Choice(15)}), bars=PANEL, windows=2)
    assert [window.params["fast"] for window in found.windows] == [2, 2]
    (warning,) = found.warnings
    assert warning.startswith("1 of 2 trials cannot be played, the first: fast=300 is not below slow=15: the fast average")


def test_several_threads_find_the_same():
    one, two = (walk_forward(SPEC, SPACE, bars=PANEL, jobs=jobs, **PERIODS) for jobs in (1, 2))
    assert one.windows == two.windows
    np.testing.assert_array_equal(one.equity, two.equity)


def test_random_draws_are_those_of_the_seed_and_all_different():
    tried = []
    space = Space({"fast": Range(2, 12), "slow": Range(5, 30)}, where=("fast < slow",))
    asked = dict(bars=PANEL, method="random", trials=20, record=lambda points, trials: tried.append((points, trials)))
    for seed in (1, 1, 2):
        walk_forward(SPEC, space, seed=seed, **asked, **PERIODS)
    first, again, other = (tried[at][0] for at in (0, len(tried) // 3, 2 * len(tried) // 3))
    assert first == again != other
    assert len({repr(point) for point in first}) == 20 and all(map(space.allows, first))


def test_every_trial_is_recorded_and_progress_is_told():
    recorded, told = [], []
    found = walk_forward(SPEC, SPACE, bars=PANEL, **PERIODS, record=lambda points, trials: recorded.append((points, trials)),
                         progress=lambda done, of: told.append((done, of)))
    assert len(recorded) == len(found.windows)
    for window, (points, trials) in zip(found.windows, recorded, strict=True):
        assert points == POINTS and trials.measures.shape == (len(POINTS), len(MEASURES))
        at = points.index(window.params)
        assert dict(zip(MEASURES, trials.measures[at].tolist(), strict=True)) == pytest.approx(window.in_sample, nan_ok=True)
        assert len(trials.sum) == len(trials.problems) == len(POINTS)
    assert told[-1] == (found.trials, found.trials) and [done for done, _ in told] == sorted({done for done, _ in told})


def test_fewer_different_points_than_draws_are_all_there_is():
    found = walk_forward(SPEC, Space({"fast": Choice(2, 5)}), bars=PANEL, windows=2, method="random", trials=50)
    assert [window.trials for window in found.windows] == [2, 2]


def test_a_window_in_which_nothing_traded_stays_flat_and_is_named():
    flat = walk(800, 3)
    flat.iloc[:400, :4] = 50.0
    found = walk_forward(SPEC.replace(symbols=("A",)), Space({"fast": Choice(2, 5), "slow": Choice(20)}), bars=bars(A=flat),
                         windows=2)
    first, second = found.windows
    assert (first.params, first.in_sample, first.out_of_sample) == ({}, {}, {}) and second.params
    assert (found.equity[: 200] == SPEC.cash).all() and found.equity[-1] != SPEC.cash
    (warning,) = found.warnings
    assert warning == (f"sharpe is NaN for every trial from {first.train_start} to {first.train_end}: "
                       f"flat from {first.test_start} to {first.test_end}")


def test_an_efficiency_needs_a_gain_in_training():
    found = walk_forward(SPEC, SPACE, bars=PANEL, windows=2)
    lost = [window._replace(in_sample={"cagr": -0.1}) for window in found.windows]
    assert math.isnan(efficiency(lost, 0.05)) and math.isnan(efficiency([], 0.05))
    assert efficiency([window._replace(in_sample={"cagr": 0.2}) for window in found.windows], 0.05) == pytest.approx(0.25)


@pytest.mark.parametrize(("asked", "message"), [
    (dict(method="tpe"), "unknown method of a walk-forward 'tpe'"),
    (dict(objective="sharp"), "unknown objective 'sharp': did you mean 'sharpe'"),
    (dict(engine="fast"), "unknown engine 'fast'"),
    (dict(space=Space()), "the space is empty: name ranges or choices"),
    (dict(space=Space({"fast": Range(9, 12), "slow": Range(5, 8)}, where=("fast < slow",))),
     "the rules fast < slow leave nothing of the space fast=9:12:1, slow=5:8:1: widen it"),
    (dict(space=Space({"fast": Range(9, 12), "slow": Range(5, 8)}, where=("fast < slow",)), method="random"),
     "the rules fast < slow leave nothing"),
    (dict(space=Space({"fats": Range(2, 5)})), "unknown parameter of GoldenCross 'fats': did you mean 'fast'"),
    (dict(space=Space({"fast": Range(0.1, 0.5)})), "the range 0.1:0.5 is continuous: a grid needs a step"),
    (dict(space=Space({"fast": Range(2, 5)}, where=("fsat < 4",))), "unknown parameter of GoldenCross 'fsat': did you mean 'fast'"),
    (dict(space=Space({"fast": Range(2, 2000), "slow": Range(5, 2000)})), "up to 3,990,004 trials, more than 1,000,000"),
    (dict(trials=5), "trials is 5 and the grid has as many as it has points: drop it"),
    (dict(jobs=0), "jobs is 0: it must be 1 or more"),
    (dict(trials=0, method="random"), "trials is 0: it is a number of draws"),
    (dict(space=Space({"fast": Choice(30), "slow": Choice(700)})), "sharpe is NaN for every trial of every training window"),
    (dict(space=Space({"fast": Choice(30), "slow": Choice(20)})), "no trial can be played from .*: fast=30 is not below slow=20"),
    (dict(train="9y"), "9y of training and 6mo of test are longer than the data"),
])
def test_what_cannot_be_walked_is_explained(asked, message):
    given_ = {"space": SPACE, **PERIODS, **asked}
    with pytest.raises((BadSpec, UnknownName), match=message) as caught:
        walk_forward(SPEC, given_.pop("space"), bars=PANEL, **given_)
    assert "\n" not in str(caught.value)
