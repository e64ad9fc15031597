"""A sweep from spec to committed ledger: everything tried is recorded once, the best is the best, and Cerebro agrees."""

import dataclasses
import sys

import numpy as np
import pytest
from made_bars import bars, walk

import engine
from core.bars import Bars
from core.errors import BadSpec, UnknownName, UsageError
from core.measures import MEASURES
from core.space import Choice, Range, Space
from core.spec import RunSpec
from engine.trials import TwinPlayer, player
from feeds.load import load_bars
from journal import Journal
from optimize import Search, sweep
from optimize.parity import difference
from optimize.recorded import head_of

SPEC = RunSpec(strategy="GoldenCross", commission="0.1%")
SPACE = Space({"fast": Range(2, 8, 2), "slow": Range(5, 20, 5)}, where="fast < slow")


@pytest.fixture(name="panel", scope="module")
def _panel():
    return load_bars(source="sample", symbols=["AAPL", "IBM"], start="2004-01-01", end="2007-12-31")


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


def test_a_grid_has_every_point_with_the_measures_of_a_backtest(panel, journal):
    made = sweep(SPEC, SPACE, bars=panel, journal=journal)
    assert made.numbers.tolist() == [number for number, _ in SPACE.grid()]
    assert [made.params(at) for at in range(len(made))] == [point for _, point in SPACE.grid()]
    assert made.engine == "twin" and made.agreement.agrees and len(made.agreement.compared) == 5
    for at in (0, made.best):
        run = engine.run(SPEC.with_assignments(made.params(at)), bars=panel)
        for name in MEASURES:
            if name in run.metrics:
                assert made.metrics[name][at] == pytest.approx(run.metrics[name], rel=1e-9, nan_ok=True)
    assert made.metrics["sharpe"][made.best] == np.nanmax(made.metrics["sharpe"])
    assert made.best_run.metrics["sharpe"] == pytest.approx(np.nanmax(made.metrics["sharpe"]), rel=1e-12)
    assert 0 <= made.pbo <= 1 and 0 <= made.deflated_sharpe <= 1 and 1 <= made.effective_trials <= len(made)
    assert made.summary()["agreement"] is True


def test_the_ledger_has_every_trial_and_counts_across_sweeps(panel, journal):
    first = sweep(SPEC, SPACE, bars=panel, journal=journal, verify=False)
    batch, = journal.ledger.trials(first.sweep_id)
    assert batch.numbers.tolist() == first.numbers.tolist()
    np.testing.assert_array_equal(batch.measures[:, MEASURES.index("sharpe")], first.metrics["sharpe"])
    np.testing.assert_allclose(batch.sum, first.moments.sum, rtol=1e-6)
    other = Space({"fast": Range(3, 30, 3)})
    second = sweep(SPEC.with_assignments({"slow": 60}), other, bars=panel, journal=journal, verify=False)
    assert second.ledger_trials == len(first) + len(second)
    assert second.effective_trials > first.effective_trials >= 1
    again = sweep(SPEC, SPACE, bars=panel, journal=journal, verify=False)
    assert again.sweep_id != first.sweep_id  # finished sweeps are not gone on with
    assert again.effective_trials == pytest.approx(second.effective_trials, rel=0.05)  # the same again is no new idea
    elsewhere = sweep(SPEC, SPACE, bars=panel.select(["IBM"]), journal=journal, verify=False)
    assert elsewhere.ledger_trials == len(elsewhere)


def test_an_interrupted_sweep_is_gone_on_with(panel, journal, monkeypatch):
    played = TwinPlayer.play
    calls = []

    def interrupted(self, trials):
        calls.append([each["fast"] for each in trials])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return played(self, trials)

    monkeypatch.setattr(TwinPlayer, "play", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(SPEC, SPACE, bars=panel, journal=journal, jobs=1)
    sweep_id, = (row.id for row in journal.ledger.sweeps())
    kept = journal.ledger.count(sweep_id)
    assert 0 < kept < 15
    monkeypatch.undo()
    made = sweep(SPEC, SPACE, bars=panel, journal=journal)
    assert made.sweep_id == sweep_id and len(made) == journal.ledger.count(sweep_id) == len(list(SPACE.grid()))
    whole = sweep(SPEC, SPACE, bars=panel)
    for name in MEASURES:
        np.testing.assert_array_equal(made.metrics[name], whole.metrics[name])
    assert made.best == whole.best and made.pbo == pytest.approx(whole.pbo, abs=0.02)


def test_folds_are_gone_on_with_and_played_again_where_the_ledger_lacks_them(panel, tmp_path):
    asked = dict(bars=panel, method="tpe", trials=25, folds=3, storage=str(tmp_path / "optuna.db"), verify=False)
    with Journal(tmp_path / "journal.db") as journal:
        whole = sweep(SPEC, SPACE, journal=journal, **asked)
        batch, = journal.ledger.trials(whole.sweep_id)
        kept = np.arange(len(batch.numbers)) % 3 > 0
    assert whole.pruned
    with Journal(tmp_path / "killed.db") as journal:  # every third trial was told to Optuna, and did not reach the ledger
        head = head_of(player(SPEC, panel), SPACE, "tpe", "sharpe", 0, 3)
        sweep_id, _ = journal.ledger.begin(head)
        journal.ledger.append(sweep_id, batch.numbers[kept].tolist(), [batch.params[at] for at in np.flatnonzero(kept)],
                              batch.measures[kept], batch.sum[kept], batch.square[kept])
        again = sweep(SPEC, SPACE, journal=journal, **asked)
    assert again.sweep_id == sweep_id and again.numbers.tolist() == whole.numbers.tolist()
    for name in MEASURES:
        np.testing.assert_allclose(again.metrics[name], whole.metrics[name], rtol=1e-12)
    np.testing.assert_allclose(again.moments.sum, whole.moments.sum, rtol=1e-6, atol=1e-9)
    assert again.moments.count.tolist() == whole.moments.count.tolist() and again.best == whole.best


def test_random_trials_are_different_allowed_and_repeatable(panel):
    first, again, other = (sweep(SPEC, SPACE, bars=panel, method="random", trials=9, seed=seed, verify=False) for seed in (1, 1, 2))
    points = [tuple(first.params(at).items()) for at in range(len(first))]
    assert len(set(points)) == 9 and all(SPACE.allows(dict(point)) for point in points)
    assert first.columns["fast"].tolist() == again.columns["fast"].tolist() != other.columns["fast"].tolist()
    most = sweep(SPEC, SPACE, bars=panel, method="random", trials=500, verify=False)
    assert len(most) == len(list(SPACE.grid()))
    continuous = Space({"sizer.fraction": Range(0.1, 0.9)})
    spread = sweep(SPEC.replace(sizer="FixedFraction"), continuous, bars=panel, method="random", trials=20, verify=False)
    assert len(set(spread.columns["sizer.fraction"])) == 20


@pytest.mark.parametrize("engine_name, jobs", [("cerebro", 1), ("cerebro", 2), ("twin", 1), ("twin", 2)])
def test_where_trials_are_played_does_not_matter(panel, engine_name, jobs):
    space = Space({"fast": Range(2, 6, 2), "slow": Choice(10, 20)})
    made = sweep(SPEC, space, bars=panel, engine=engine_name, jobs=jobs, verify=False)
    twin = sweep(SPEC, space, bars=panel, verify=False)
    assert made.numbers.tolist() == twin.numbers.tolist() and made.engine == engine_name
    for name in MEASURES:
        np.testing.assert_allclose(made.metrics[name], twin.metrics[name], rtol=1e-9, atol=1e-12)


def test_a_plain_strategy_sweeps_through_cerebro(tmp_path, panel, journal):
    file = tmp_path / "plain.py"
    file.write_text("import backtrader as bt\n\n\nclass Cross(bt.Strategy):\n    params = dict(period=10)\n\n"
                    "    def __init__(self):\n        self.cross = bt.ind.CrossOver(self.data, bt.ind.SMA(period=self.p.period))\n\n"
                    "    def next(self):\n        if self.cross[0]:\n            self.order_target_percent(target=0.9 * (self.cross[0] > 0))\n")
    made = sweep(RunSpec(strategy=f"{file}:Cross"), {"period": Range(5, 20, 5)}, bars=panel, journal=journal, jobs=2)
    assert (made.engine, made.obstacle) == ("cerebro", "it is a plain Backtrader strategy")
    assert len(made) == 4 and made.best_run.fills and made.agreement.agrees is None
    assert journal.ledger.sweep(made.sweep_id).strategy == "Cross"


def test_several_objectives_have_a_front(panel):
    made = sweep(SPEC, SPACE, bars=panel, objective="total_return,max_drawdown", verify=False)
    scores = np.column_stack([made.metrics["total_return"], -made.metrics["max_drawdown"]])
    for at in range(len(made)):
        beaten = ((scores >= scores[at]).all(axis=1) & (scores > scores[at]).any(axis=1)).any()
        assert (at in made.front) == (not beaten)
    assert made.best == made.front[0] == int(np.argmax(made.metrics["total_return"]))


def test_less_is_better_where_it_is(panel):
    low, high, turned = (sweep(SPEC, SPACE, bars=panel, objective=text, verify=False) for text in
                         ("max_drawdown", "-max_drawdown", "+max_drawdown"))
    assert low.best == high.best == int(np.argmin(low.metrics["max_drawdown"]))
    assert turned.best == int(np.argmax(low.metrics["max_drawdown"]))


def test_a_disagreement_names_the_first_fill(panel, monkeypatch):
    simulate = engine.simulate

    def wrong(spec, given):
        made = simulate(spec, given)
        fills = list(made.fills)
        fills[2] = fills[2]._replace(size=fills[2].size + 1)
        return dataclasses.replace(made, fills=fills)

    monkeypatch.setattr("engine.trials.on_twin.simulate", wrong)
    made = sweep(SPEC, SPACE, bars=panel)
    assert made.agreement.agrees is False
    assert "fill 3 is" in made.agreement.difference and "on the twin" in made.agreement.difference
    assert made.summary()["agreement"] == made.agreement.difference


def test_differences_are_told_apart(panel):
    run = engine.run(SPEC.with_assignments({"fast": 2, "slow": 5}), bars=panel)
    assert difference(run, run) == ""
    assert "exists only in Cerebro" in difference(dataclasses.replace(run, fills=run.fills[:-1]), run)
    assert "exists only on the twin" in difference(run, dataclasses.replace(run, fills=run.fills[:-1]))
    assert "after the same fills" in difference(dataclasses.replace(run, equity=run.equity * 1.0001), run)


@pytest.mark.parametrize("space, options, error, words", [
    ({}, {}, BadSpec, "the space is empty: name ranges or choices"),
    ({"fast": Choice(50), "slow": Choice(20)}, {}, BadSpec, "the rules fast < slow leave nothing"),
    ({"fats": Range(1, 3)}, {}, UnknownName, "did you mean 'fast'"),
    ({"fast": Range(1, 3)}, {"method": "gird"}, UnknownName, "did you mean 'grid'"),
    ({"fast": Range(1, 3)}, {"objective": "sharp"}, UnknownName, "did you mean 'sharpe'"),
    ({"fast": Range(1, 3)}, {"objective": ""}, BadSpec, "name one or more different metrics"),
    ({"fast": Range(1, 3)}, {"trials": 3}, BadSpec, "the grid has as many as it has points"),
    ({"fast": Range(1, 3)}, {"method": "random", "trials": 0}, BadSpec, "trials is 0: it must be 1 or more"),
    ({"fast": Range(1, 3)}, {"jobs": 0}, BadSpec, "jobs is 0"),
    ({"fast": Range(1, 3)}, {"folds": 3}, BadSpec, "only tpe, cmaes and nsga2"),
    ({"fast": Range(1, 2000), "slow": Range(1, 2000)}, {}, BadSpec, "up to 4,000,000 trials, more than 1,000,000"),
    ({"sizer.fraction": Range(0.1, 0.9)}, {}, UnknownName, "fraction"),
    (Space({"fast": Range(1, 3)}, where="fsat < 2"), {}, UnknownName, "did you mean 'fast'"),
    ({"limits.max_weight": Range(0.1, 0.9)}, {}, BadSpec, "continuous: a grid needs a step"),
    ({"fast": Range(200, 210), "slow": Range(900, 910)}, {}, BadSpec, "sharpe is not defined for any of 121 trials"),
])
def test_what_is_wrong_is_one_line(space, options, error, words, panel):
    with pytest.raises(error, match=words):
        sweep(SPEC, space, bars=panel.between("2004-01-01", "2005-12-31"), **options)


def test_trials_stay_in_the_ledger_where_the_objective_is_never_defined(panel, journal):
    with pytest.raises(BadSpec, match="the trials are kept"):
        sweep(SPEC, {"fast": Range(200, 203), "slow": Choice(900)}, bars=panel.between("2004-01-01", "2005-12-31"), journal=journal)
    assert journal.ledger.count(1) == 4


def test_sets_that_the_strategy_refuses_are_told_and_not_counted(journal):
    panel = bars(A=walk(120))
    made = sweep(SPEC, Space({"fast": Range(2, 8, 2), "slow": Range(3, 9, 3)}), bars=panel, journal=journal)
    assert made.failed == 5 and len(made) == 7 == journal.ledger.count(made.sweep_id)
    assert made.warnings[0].startswith("5 sets of parameters could not be played; the first: fast=")
    with pytest.raises(BadSpec, match="none of 2 trials could be played: fast="):
        sweep(SPEC, Space({"fast": Choice(50, 60), "slow": Choice(20)}), bars=panel)


def test_the_space_of_the_strategy_is_the_default(panel):
    with pytest.raises(UsageError, match="RandomDecisions states no space of its own: name what to try"):
        sweep(RunSpec(strategy="random_decisions:RandomDecisions"), bars=panel)
    made = sweep(RunSpec(strategy="MeanReversion"), {"entry": Range(1.0, 2.0, 0.5)}, bars=panel, verify=False)
    assert len(made) == 3


def test_progress_tells_rate_and_best(panel):
    told = []
    made = sweep(SPEC, SPACE, bars=panel, progress=lambda *each: told.append(each), verify=False)
    assert told[-1][0] == len(made) and told[-1][1] == SPACE.size
    assert f"best sharpe {made.metrics['sharpe'][made.best]:.4g}" in told[-1][2]


def test_progress_says_when_the_twin_must_be_compiled_first(panel, monkeypatch):
    told = []
    monkeypatch.setattr(sys.modules["optimize.sweep"], "compiled", lambda: False)
    sweep(SPEC, SPACE, bars=panel, progress=lambda *each: told.append(each), verify=False)
    assert told[0] == (0, SPACE.size, "compiling the twin, once: about a minute")


def test_many_trials_keep_an_even_choice_of_moments(panel, monkeypatch):
    monkeypatch.setattr("optimize.collected.MOST_KEPT", 5)
    made = sweep(SPEC, SPACE, bars=panel, verify=False)
    assert 0 < len(made.kept) <= 5 and len(made.moments.sum) == len(made.kept)
    assert (made.numbers[made.kept] % -(-SPACE.size // 5) == 0).all()


def test_search_is_one_object_too(panel):
    made = sweep(SPEC, SPACE, bars=panel, search=Search(method="random", trials=4, verify=False, statistics=False))
    assert len(made) == 4 and np.isnan(made.pbo) and made.best_run is None


def test_bars_may_have_no_trades_at_all():
    flat = Bars.from_frames({"A": walk(60).assign(open=10.0, high=10.0, low=10.0, close=10.0)})
    with pytest.raises(BadSpec, match="never traded"):
        sweep(SPEC, {"fast": Range(2, 4), "slow": Choice(9)}, bars=flat)


@pytest.mark.parametrize("method", ["tpe", "cmaes", "nsga2"])
def test_optuna_proposes(panel, journal, method, tmp_path):
    objective = "total_return,max_drawdown" if method == "nsga2" else "sharpe"
    options = dict(bars=panel, journal=journal, method=method, objective=objective, storage=str(tmp_path / "optuna.db"))
    made = sweep(SPEC, SPACE, trials=12, **options)
    assert len(made) == 12 and made.agreement.agrees and all(SPACE.allows(made.params(at)) for at in range(12))
    assert journal.ledger.count(made.sweep_id) == 12
    again = sweep(SPEC, SPACE, trials=12, verify=False, **options)
    assert again.columns["fast"].tolist() == made.columns["fast"].tolist()  # the study is complete: nothing new is played


def test_weak_trials_are_stopped_between_folds(panel, journal, tmp_path):
    made = sweep(SPEC, SPACE, bars=panel, journal=journal, method="tpe", trials=30, folds=4, storage=str(tmp_path / "optuna.db"))
    assert made.pruned > 0 and len(made) + made.pruned == journal.ledger.count(made.sweep_id) == 30
    assert made.agreement.agrees and np.isfinite(made.deflated_sharpe)
    assert made.summary()["pruned"] == made.pruned
