"""The compiled twin beside Cerebro: eventful markets, anything a spec may say, and the comparison."""

import numpy as np
from hypothesis import strategies as st
from made_bars import ragged

import engine
from core.bars import Bars

RANDOM = "random_decisions:RandomDecisions"
COSTS = dict(
    commission=st.sampled_from(["none", "0.1%", "0.01/share min 2"]), slippage=st.sampled_from(["none", "10bp", "0.02/share"]))
LIMITS = st.fixed_dictionaries({}, optional=dict(
    cash_buffer=st.sampled_from([0.0, 0.1]), max_weight=st.sampled_from([0.2, 0.5]), max_gross=st.sampled_from([0.7, 2.0]),
    max_positions=st.sampled_from([1, 2]), min_position=st.sampled_from([100, 2_000]), min_cash=st.just(500),
    max_position=st.sampled_from([3_000, 9_000]), max_correlation=st.just(0.5)))


def agree(spec, panel):
    """Run both; returns the twin's result."""
    ours, theirs = engine.simulate(spec, panel), engine.run(spec, bars=panel)
    assert repr(ours.orders) == repr(theirs.orders)
    assert ours.fills == theirs.fills
    assert ours.cash_events == theirs.cash_events
    np.testing.assert_array_equal(ours.equity, theirs.equity)
    np.testing.assert_array_equal(ours.cash, theirs.cash)
    assert repr(ours.metrics) == repr(theirs.metrics)
    return ours


def eventful(rows, symbols, seed, close_only=False):
    """Ragged walks with splits, dividends with and without pay dates; one may know closes only."""
    random, market = np.random.default_rng(seed), ragged(rows, symbols, seed)
    for at, (symbol, made) in enumerate(market.items()):
        length = len(made)
        split, dividend = np.ones(length), np.zeros(length)
        if length > 8:
            split[random.integers(2, length, 2)] = random.choice([2.0, 1.5, 0.1, 3.0], 2)
            dividend[random.integers(2, length, 3)] = random.choice([0.25, 1.0], 3)
        paid = made.index.to_numpy().astype("datetime64[D]") + random.integers(0, 12)
        made = made.assign(split=split, dividend=dividend, pay_date=np.where(at % 2, paid, np.datetime64("NaT")))
        market[symbol] = made.drop(columns=["open", "high", "low"]) if close_only and at == 1 else made
    return Bars.from_frames(market)
