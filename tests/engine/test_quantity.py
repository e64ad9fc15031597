"""`quantity`: every position is so many shares, in a backtest, in a sweep, on the last bar and in a daily run."""

import numpy as np
import pytest
from live_days import FIRST, SPEC, Days, panel, venue
from made_bars import bars, frame, walk

import engine
from core.errors import BadSpec
from core.spec import RunSpec
from engine import resolve
from engine.deciding import deciding
from engine.simulate import obstacle
from engine.trials import player

MARKET = dict(AAA=walk(200, 1), BBB=walk(200, 2))
FAST = dict(fast=5, slow=20)
FIXED = SPEC.replace(sizer=None, quantity=40, params={"seed": 3, "density": 0.7, "shorts": 0.4})


@pytest.fixture(name="plain")
def _plain(tmp_path):
    file = tmp_path / "plain.py"
    file.write_text("import backtrader as bt\n\n\nclass Twice(bt.Strategy):\n    def next(self):\n        if len(self) == 2:\n"
                    "            self.buy(self.datas[0])\n        elif len(self) == 4:\n            self.sell(self.datas[1])\n")
    return f"{file}:Twice"


def test_every_position_of_a_target_strategy_is_the_quantity():
    result = engine.run(RunSpec(params=FAST, quantity=30), bars=bars(**MARKET))
    assert len(result.fills) > 10 and {abs(fill.size) for fill in result.fills} == {30}
    assert set(np.unique(result.positions)) == {0, 30}


def test_fractions_need_fractional():
    result = engine.run(RunSpec(params=FAST, quantity=2.5, fractional=True), bars=bars(**MARKET))
    assert set(np.unique(result.positions)) == {0, 2.5}
    with pytest.raises(BadSpec, match=r"quantity is 2.5: whole shares only"):
        RunSpec(quantity=2.5)


def test_what_cannot_be_paid_in_full_is_not_bought():
    calm = bars(AAA=frame([100.0] * 4), BBB=frame([90.0] * 4))
    result = engine.run(RunSpec(strategy="BuyAndHold", quantity=10, cash=1_000.0), bars=calm)
    assert [(fill.symbol, fill.size) for fill in result.fills] == [("BBB", 10)]


@pytest.mark.parametrize(("quantity", "fractional"), [(7, False), (0.75, True)])
def test_a_plain_strategy_gets_backtraders_own_sizer(plain, quantity, fractional):
    result = engine.run(RunSpec(strategy=plain, quantity=quantity, fractional=fractional), bars=bars(**MARKET))
    assert [(fill.symbol, fill.size) for fill in result.fills] == [("AAA", quantity), ("BBB", -quantity)]
    with pytest.raises(BadSpec, match="limits and sleeves need a portfolio sizer"):
        engine.run(RunSpec(strategy=plain, quantity=7, limits={"max_weight": 0.5}), bars=bars(**MARKET))


def test_limits_apply():
    result = engine.run(RunSpec(strategy="BuyAndHold", quantity=10, limits={"max_positions": 1}), bars=bars(**MARKET))
    assert [(fill.symbol, fill.size) for fill in result.fills] == [("AAA", 10)]


def test_a_quantity_and_a_sizer_exclude_each_other():
    with pytest.raises(BadSpec, match="quantity 5 and sizer EqualWeight are both given: name one of them"):
        RunSpec(quantity=5, sizer="EqualWeight")
    with pytest.raises(BadSpec, match=r"quantity 5 and sizer.risk are both given: name one of them"):
        engine.run(RunSpec(strategy="Momentum", quantity=5, params={"riskFactor": 0.002}), bars=bars(**MARKET))


def test_the_twin_leaves_it_to_cerebro():
    spec, market = RunSpec(quantity=30), bars(**MARKET)
    assert obstacle(spec, resolve.strategy_class(spec.strategy)) == "FixedQuantity sizes from what is held"
    played = player(spec, market)
    trial = played.result(FAST)
    assert played.engine == "cerebro" and trial.fills == engine.run(spec.replace(params=FAST), bars=market).fills


def test_it_is_part_of_what_decides_the_orders(plain):
    found = [deciding(RunSpec(quantity=each)) for each in (5, 6, None)]
    assert [each.get("sizer.quantity") for each in found] == [5, 6, None] and found[0]["sizer"] == "FixedQuantity"
    assert deciding(RunSpec(strategy=plain, quantity=5))["sizer.stake"] == 5


def test_the_signals_of_the_day_show_it():
    market = bars(**MARKET)
    assert [row.shares for row in engine.today(RunSpec(strategy="BuyAndHold", quantity=3), bars=market).rows] == [3, 3]


def test_a_daily_run_holds_what_the_backtest_holds(tmp_path):
    market = panel()
    with venue(market) as alpaca:
        days = Days(alpaca, market, tmp_path / "journal.db", FIXED)
        for _ in range(8):
            days.whole_day()
            report = days.once()
            expected = engine.run(FIXED, bars=market.between(None, report.session))
            held = [float(alpaca.ledger.positions.get(symbol, 0)) for symbol in expected.bars.symbols]
            assert held == expected.positions[-1].tolist()
        assert {abs(float(each.signed)) for each in alpaca.ledger.executions} == {40}  # a reversal is two orders
        assert len(alpaca.ledger.executions) > 8
    assert str(expected.fills[0].session) > FIRST
