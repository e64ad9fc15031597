"""Buy-and-hold of a symbol and of the universe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame, ragged

from analyzers.benchmark import benchmark_equity
from core.bars import Bars
from core.errors import UnknownName


def test_a_symbol_with_dividends_reinvested():
    market = bars(A=frame([10, 9, 18, 6], dividend=[0, 1, 0, 0], split=[1, 1, 1, 3]))
    assert benchmark_equity(market, "A", 100.0) == pytest.approx([100, 100, 200, 200])


def test_cash_until_the_symbol_lists_and_the_last_price_after_it_is_gone():
    market = bars(LONG=frame([5] * 6), LATE=frame([10, 20], start="2020-01-06"))
    assert benchmark_equity(market, "LATE", 100.0) == pytest.approx([100, 100, 100, 200, 200, 200])
    assert benchmark_equity(market, "universe", 100.0) == pytest.approx([100, 100, 100, 150, 150, 150])


def test_the_universe_is_what_may_be_traded():
    market = Bars.from_frames({"A": frame([10, 20]), "IDX": frame([10, 90])}, reference=["IDX"])
    assert benchmark_equity(market, "universe", 100.0) == pytest.approx([100, 200])
    assert benchmark_equity(market, "IDX", 100.0) == pytest.approx([100, 900])
    only = Bars.from_frames({"IDX": frame([10, 90])}, reference=["IDX"])
    assert benchmark_equity(only, "universe", 100.0).tolist() == [100, 100]


def test_an_unknown_name():
    with pytest.raises(UnknownName, match="unknown benchmark 'SPX': did you mean 'SPY'"):
        benchmark_equity(bars(SPY=frame([1, 2])), "SPX", 100.0)


@given(st.integers(1, 200), st.integers(1, 5))
def test_it_starts_as_cash_and_the_universe_is_the_mean_of_its_symbols(seed, count):
    market = bars(**ragged(30, count, seed))
    alone = [benchmark_equity(market, symbol, 1000.0) for symbol in market.symbols]
    assert all(curve[0] == 1000 for curve in alone)
    np.testing.assert_allclose(benchmark_equity(market, "universe", 1000.0), np.mean(alone, axis=0))
