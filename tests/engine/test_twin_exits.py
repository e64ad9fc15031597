"""Protective exits in the compiled twin against Cerebro: the same orders, fills and account, to the last bit."""

from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, walk
from twins import COSTS, LIMITS, RANDOM, agree, eventful

from core.spec import RunSpec
from feeds.load import load_bars

EXITS = st.fixed_dictionaries({}, optional=dict(
    stop=st.sampled_from([0.002, 0.01, 0.05]), trail=st.sampled_from([0.005, 0.02, 0.06]),
    profit=st.sampled_from([0.003, 0.02, 0.05, 1.0]), bars=st.sampled_from([1, 2, 5, 12])))
QUIET = [100, 101, 99, 100]


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 5), exits=EXITS, limits=LIMITS, fractional=st.booleans(),
       close_only=st.booleans(), sizer=st.sampled_from(["EqualWeight", "TargetWeight", "FixedFraction", "InverseVolatility"]),
       cash=st.sampled_from([900.0, 20_000.0]), density=st.sampled_from([0.05, 0.1, 0.3, 0.8]),
       shorts=st.sampled_from([0.0, 0.2, 0.6]), **COSTS)
def test_random_decisions_with_exits(seed, symbols, exits, limits, fractional, close_only, sizer, cash, density, shorts,
                                     commission, slippage):
    panel = eventful(60, symbols, seed, close_only)
    agree(RunSpec(strategy=RANDOM, params=dict(seed=seed, density=density, shorts=shorts), cash=cash, fractional=fractional,
                  sizer=sizer, limits=limits, exits=exits, commission=commission, slippage=slippage), panel)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), exits=EXITS)
def test_sleeves_and_a_late_start_with_exits(seed, exits):
    panel = eventful(60, 4, seed)
    agree(RunSpec(strategy=RANDOM, params=dict(seed=seed), cash=10_000, sleeves={"a": "0.6: S0,S1", "b": "0.3"},
                  signal_start=str(panel.session[20]), exits=exits), panel)


def test_every_exit_fires_on_the_sample():
    """A barred symbol leaves its share to the others, so wishes are asked for again on the way."""
    panel = load_bars(source="sample", symbols=["AMD", "BAC", "CVX", "GE", "KO"], start="2005-01-01", end="2012-12-31")
    made = agree(RunSpec(strategy=RANDOM, params=dict(density=0.05), sizer="EqualWeight", sizer_params=dict(across="chosen"),
                         exits=dict(stop=0.05, trail=0.07, profit=0.08, bars=40), commission="0.1%"), panel)
    assert {fill.intent for fill in made.fills} == {"enter", "resize", "exit", "stop", "trail", "profit", "time"}


def test_there_may_be_more_orders_than_decisions():
    made = agree(RunSpec(strategy=RANDOM, params=dict(density=0.9, shorts=0.5), cash=10_000,
                         exits=dict(stop=0.01, trail=0.02, profit=0.03)), bars(A=walk(200)))
    assert len(made.orders) > 400  # of at most 200 decisions


def test_a_stop_on_the_entry_bar_is_in_the_equity_of_that_bar():
    fall = bars(A=frame([[9, 9, 9, 9], [8, 8, 8, 8], [10, 10, 10, 10], [10, 10, 5, 8], [8, 8, 8, 8]]))
    made = agree(RunSpec(params=dict(fast=1, slow=2), cash=1_000, exits=dict(stop=0.1)), fall)
    assert [(fill.price, fill.intent) for fill in made.fills] == [(10, "enter"), (9, "stop")]
    assert made.equity.tolist() == [1_000, 1_000, 1_000, 902, 902]
