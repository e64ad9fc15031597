"""Players: batches on the twin have the measures, returns and block moments of runs of Cerebro."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, walk
from twins import eventful

from core.bars import Bars
from core.errors import BadSpec, NoBars, UnknownName
from core.measures import MEASURES
from core.spec import RunSpec
from engine.trials import player
from feeds.load import load_bars

RANDOM = "random_decisions:RandomDecisions"


def same(spec, panel, trials, **window):
    """Play on both engines and compare everything; returns the twin's outcome."""
    ours, theirs = (player(spec, panel, engine, **window) for engine in ("twin", "cerebro"))
    mine, others = ours.play(trials), theirs.play(trials)
    assert mine.problems == others.problems
    for at, name in enumerate(MEASURES):
        np.testing.assert_allclose(mine.measures[:, at], others.measures[:, at], rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(mine.count, others.count)
    np.testing.assert_allclose(mine.sum, others.sum, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(mine.square, others.square, rtol=1e-9, atol=1e-15)
    if not mine.problems[0]:
        np.testing.assert_allclose(ours.returns(trials[0]), theirs.returns(trials[0]), rtol=1e-9, atol=1e-13)
    return mine


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 4), fractional=st.booleans(),
       commission=st.sampled_from(["none", "0.1%", "0.01/share min 2"]), cash=st.sampled_from([900.0, 20_000.0]),
       sizer=st.sampled_from(["EqualWeight", "TargetWeight", "InverseVolatility", "AtrRisk", "ByConfidence"]),
       start=st.sampled_from([None, 12, 30]))
def test_random_decisions_on_eventful_bars(seed, symbols, fractional, commission, cash, sizer, start):
    panel = eventful(60, symbols, seed)
    window = {} if start is None else {"start": str(panel.session[start]), "end": str(panel.session[-5])}
    trials = [{"seed": seed}, {"seed": seed + 1, "limits.max_weight": 0.3}, {"seed": seed + 2, "density": 0.05}]
    same(RunSpec(strategy=RANDOM, cash=cash, fractional=fractional, commission=commission, sizer=sizer), panel, trials, **window)


def test_a_position_that_a_split_ends_may_be_opened_again_on_the_same_bar():
    panel = eventful(60, 3, 1970)  # two shares become a fraction on the bar on which three are bought
    same(RunSpec(strategy=RANDOM, cash=900.0), panel, [{"seed": 1970}], start=str(panel.session[12]), end=str(panel.session[-5]))


def test_what_rounding_leaves_of_a_reversal_is_no_fill():
    panel = eventful(60, 4, 911923)
    spec = RunSpec(strategy=RANDOM, cash=900.0, fractional=True, sizer="TargetWeight", params={"seed": 911924}, limits={"max_weight": 0.3})
    ours, theirs = (player(spec, panel, engine).result({}) for engine in ("twin", "cerebro"))
    assert ours.fills == theirs.fills and min(abs(fill.size) for fill in theirs.fills) > 1e-6


def test_exits_and_sizers_may_vary_with_the_rest():
    panel = load_bars(source="sample", symbols=["AAPL", "IBM", "MSFT"], start="2003-01-01", end="2008-12-31")
    made = same(RunSpec(strategy="GoldenCross", slippage="5bp"), panel, [
        {"fast": 5, "slow": 20}, {"fast": 5, "slow": 20, "exits.stop": 0.05}, {"fast": 10, "slow": 30, "exits.trail": 0.1},
        {"fast": 10, "slow": 30, "sizer.across": "chosen"}])
    assert len({row.tobytes() for row in made.measures}) == 4


@pytest.mark.parametrize("strategy, trials", [
    ("Momentum", [{"lookbackPeriod": 60, "topPercentage": 0.5, "riskFactor": 0.002}, {"lookback": 90, "top": 0.4, "band": 0.1}]),
    ("MeanReversion", [{"entry": 1.5}, {"entry": 2.0, "weekday": 2}]),
    ("EtfRotation", [{"top": 2}, {"lookback": 21, "top": 1}]),
    ("DualMomentum", [{"lookback": 126, "safe": "KO"}, {"top": 2}]),
    ("BuyAndHold", [{"reinvest": True}, {"reinvest": False}]),
])
def test_every_shipped_strategy(strategy, trials):
    panel = load_bars(source="sample", symbols=["JNJ", "KO", "XOM", "WMT"], reference=["^GSPC"], start="2005-01-01", end="2009-12-31")
    same(RunSpec(strategy=strategy, commission="0.1%", risk_free=0.02), panel, trials)


def test_a_trial_that_cannot_be_played_costs_only_itself():
    made = same(RunSpec(strategy="GoldenCross"), bars(A=walk(80)), [
        {"fast": 3, "slow": 9}, {"fast": 9, "slow": 3}, {"fast": 2, "slow": 5}])
    assert made.problems[0] == made.problems[2] == ""
    assert made.problems[1].startswith("fast=9 is not below slow=3")
    assert np.isnan(made.measures[1]).all() and np.isfinite(made.measures[[0, 2], 0]).all()


def test_what_a_strategy_raises_is_a_problem_with_its_place(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("from strategies import TargetStrategy\n\n\nclass Own(TargetStrategy):\n    params = dict(at=0)\n\n"
                    "    @classmethod\n    def signals(cls, bars, p):\n        return bars.close[: 1 // p.at] * 0\n")
    made = same(RunSpec(strategy=f"{file}:Own"), bars(A=walk(30)), [{"at": 0}, {"at": 1}])
    assert made.problems[0] == "own.py raised ZeroDivisionError: integer division or modulo by zero (line 9)"
    assert made.problems[1] == "Own.signals gave shape (1, 1): (bars, symbols) is (30, 1)"


def test_a_decision_on_a_reference_symbol_is_a_problem(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("from strategies import TargetStrategy\n\n\nclass Own(TargetStrategy):\n"
                    "    @classmethod\n    def signals(cls, bars, p):\n        return bars.close * 0 + 1\n")
    panel = Bars.from_frames({"A": walk(30), "B": walk(30, 1)}, reference=["B"])
    assert "decides on B, which is a reference symbol" in player(RunSpec(strategy=f"{file}:Own"), panel).play([{}]).problems[0]


def test_a_window_is_measured_alone():
    panel = bars(A=walk(300))
    whole = player(RunSpec(strategy="GoldenCross"), panel)
    part = player(RunSpec(strategy="GoldenCross"), panel, start=str(panel.session[100]), end=str(panel.session[199]))
    assert len(part.sessions) == 100 and len(whole.sessions) == 300
    params = {"fast": 3, "slow": 9}
    assert part.returns(params).shape == (100,)
    assert part.play([params]).count.sum() == 100
    same(RunSpec(strategy="GoldenCross"), panel, [params], start=str(panel.session[100]), end=str(panel.session[199]))


def test_minute_bars_have_returns_by_session():
    panel = load_bars(source="synthetic", symbols=["SYN001", "SYN002"], interval="5m", start="2024-01-02", end="2024-01-12")
    assert len(player(RunSpec(strategy="GoldenCross"), panel).sessions) < len(panel) / 10
    same(RunSpec(strategy="GoldenCross", interval="5m"), panel, [{"fast": 3, "slow": 9}, {"fast": 5, "slow": 30}])


@pytest.mark.parametrize("call, error, words", [
    (dict(engine="twinn"), UnknownName, "did you mean 'twin'"), (dict(start="2100-01-01"), NoBars, "nothing to measure from 2100"),
    (dict(engine="twin", fill="session_close"), BadSpec, "cannot run on the twin: fill = session_close"),
])
def test_what_is_wrong_is_named(call, error, words):
    fill = call.pop("fill", None)
    with pytest.raises(error, match=words):
        player(RunSpec(strategy="GoldenCross", fill=fill), bars(A=walk(30)), **call)


def test_names_that_mean_nothing_are_problems():
    played = player(RunSpec(strategy="GoldenCross"), bars(A=walk(30)))
    problems = played.play([{"fats": 3}, {"limits.max_weigth": 1}, {"sizer.acros": "x"}, {"signal_start": "x"}]).problems
    assert "did you mean 'fast'" in problems[0] and "max_weight" in problems[1] and "across" in problems[2]
    assert problems[3].startswith("unknown parameter of GoldenCross 'signal_start'")


def test_what_the_twin_cannot_play_goes_to_cerebro():
    played = player(RunSpec(strategy="GoldenCross", max_volume=0.1), bars(A=walk(60)))
    assert (played.engine, played.obstacle) == ("cerebro", "a cap on volume")
    assert np.isfinite(played.play([{"fast": 2, "slow": 5}]).measures[0, 0])


def test_a_plain_strategy_sees_its_window_only(tmp_path):
    file = tmp_path / "plain.py"
    file.write_text("import backtrader as bt\n\n\nclass Early(bt.Strategy):\n    params = dict(size=1)\n\n"
                    "    def next(self):\n        if len(self) == 1:\n            self.buy(size=self.p.size)\n")
    panel = bars(A=walk(60))
    start, end = str(panel.session[20]), str(panel.session[49])
    played = player(RunSpec(strategy=f"{file}:Early"), panel, start=start, end=end)
    assert len(played.sessions) == 30 and (played.sessions[0], played.sessions[-1]) == (panel.session[20], panel.session[49])
    assert played.result({"size": 2}).fills[0].session == panel.session[21]
    assert played.play([{"size": 2}]).measures[0, MEASURES.index("fills")] == 1


def test_a_plain_strategy_trades_what_has_bars_in_its_window():
    late = walk(200, 1, start="2000-01-03")
    gone = walk(60, 2, start="2000-01-03")
    panel, trial = bars(AAA=late, ZZZ=gone), [{}]
    start = str(panel.session[100])
    alone = player(RunSpec(strategy="plain_sellers:Seller"), bars(AAA=late), "cerebro", start=start).play(trial)
    beside = player(RunSpec(strategy="plain_sellers:Seller"), panel, "cerebro", start=start).play(trial)
    np.testing.assert_array_equal(alone.sum, beside.sum)
    assert (alone.sum != 0).any()


def test_nobody_has_bars_in_a_window():
    panel = bars(AAA=walk(10, 1)).select(["AAA"])
    empty = panel.between(panel.session[5], None)
    with pytest.raises(NoBars, match="no tradable symbol has a bar"):
        Bars(**{**vars(empty), "tradable": np.array([False])}).present()
