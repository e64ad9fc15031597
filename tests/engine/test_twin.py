"""The compiled twin against Cerebro: the same orders, fills, refusals, cash events and account, to the last bit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, walk
from twins import COSTS, LIMITS, RANDOM, agree, eventful

import engine
from core.errors import BadSpec
from core.spec import RunSpec
from engine import resolve
from engine.simulate import obstacle
from feeds.load import load_bars
from strategies import BuyCloseSellOpen, ShortTermMomentum, TimeOfDay

INTRADAY = (BuyCloseSellOpen, ShortTermMomentum, TimeOfDay)
STOCKS = ("AMD", "BAC", "CVX", "GE", "HD", "JNJ", "KO", "MRK", "WMT", "XOM")


@pytest.mark.parametrize("name", [name for name in resolve.strategy_names() if resolve.strategy_class(name) not in INTRADAY])
def test_every_shipped_strategy_on_the_sample(name):
    panel = load_bars(source="sample", symbols=STOCKS, reference=["^GSPC"], start="2005-01-01", end="2012-12-31")
    made = agree(RunSpec(strategy=name, commission="0.1%", slippage="5bp"), panel)
    assert made.fills


@pytest.mark.parametrize("name", ["GoldenCross", "BuyAndHold"])
def test_splits_and_dividends_of_the_sample(name):
    panel = load_bars(source="sample", symbols=["AAPL", "IBM", "MSFT"])
    made = agree(RunSpec(strategy=name, cash=20_000, commission="0.005/share min 1"), panel)
    assert made.cash_events


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 5), limits=LIMITS, fractional=st.booleans(),
       close_only=st.booleans(), sizer=st.sampled_from(["EqualWeight", "TargetWeight", "FixedFraction", "InverseVolatility"]),
       cash=st.sampled_from([900.0, 20_000.0]), **COSTS)
def test_random_decisions_on_eventful_bars(seed, symbols, limits, fractional, close_only, sizer, cash, commission, slippage):
    panel = eventful(60, symbols, seed, close_only)
    agree(RunSpec(strategy=RANDOM, params=dict(seed=seed), cash=cash, fractional=fractional, sizer=sizer, limits=limits,
                  commission=commission, slippage=slippage), panel)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_sleeves_and_a_late_start(seed):
    panel = eventful(60, 4, seed)
    agree(RunSpec(strategy=RANDOM, params=dict(seed=seed), cash=10_000, sleeves={"a": "0.6: S0,S1", "b": "0.3"},
                  signal_start=str(panel.session[20])), panel)


def test_a_gap_up_ends_in_margin_with_the_same_reason():
    gap = bars(A=frame([[10, 10, 10, 10], [9, 9, 9, 9], [10, 20, 10, 20], [40, 40, 40, 40], [41, 41, 41, 41]]))
    made = agree(RunSpec(params=dict(fast=1, slow=2), cash=1_000), gap)
    assert [order.reason for order in made.rejected] == ["needs 1,960.00 at 40, 1,000.00 is at hand"]


@pytest.mark.parametrize("spec, reason", [
    (RunSpec(fill="session_close"), "fill = session_close"),
    (RunSpec(max_volume=0.1), "a cap on volume"),
    (RunSpec(sizer="SinglePeriod"), "SinglePeriod sizes from what is held"),
    (RunSpec(sizer_params={"rounding": "greedy"}), "rounding = greedy"),
    (RunSpec(sizer="backtrader.sizers:FixedSize"), "a plain Backtrader sizer"),
    (RunSpec(strategy="scripted:Script"), "a plain Backtrader strategy"),
])
def test_what_it_cannot_do_is_named(spec, reason):
    with pytest.raises(BadSpec, match=reason):
        engine.simulate(spec, bars(A=walk(30)))


def test_a_strategy_with_a_way_of_its_own_is_left_to_cerebro(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("from strategies import GoldenCross\n\n\nclass Own(GoldenCross):\n"
                    "    def notify_order(self, order):\n        super().notify_order(order)\n")
    assert obstacle(RunSpec(strategy=f"{file}:Own"), resolve.strategy_class(f"{file}:Own")) == "Own has notify_order of its own"
    file.write_text("from strategies import GoldenCross\n\n\nclass Own(GoldenCross):\n"
                    "    @classmethod\n    def signals(cls, bars, p):\n        return super().signals(bars, p)\n")
    assert obstacle(RunSpec(strategy=f"{file}:Own"), resolve.strategy_class(f"{file}:Own")) == ""
