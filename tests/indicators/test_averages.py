"""The average has Backtrader's bits: exact window sums, over a symbol's own bars."""

import math

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_bars import bars, walk

from core.errors import BadSpec
from indicators import crossed, on, sma


@given(values=hnp.arrays(float, st.tuples(st.integers(1, 40), st.integers(1, 3)),
                         elements=st.one_of(st.floats(0.01, 1e5), st.just(math.nan))),
       period=st.integers(1, 12))
def test_equals_the_exact_sum_of_each_window_divided_by_its_length(values, period):
    average = sma(values, period)
    for column in range(values.shape[1]):
        own = [(row, value) for row, value in enumerate(values[:, column]) if not math.isnan(value)]
        expected = np.full(len(values), math.nan)
        for at in range(period - 1, len(own)):
            window = [value for _, value in own[at - period + 1 : at + 1]]
            expected[own[at][0]] = math.fsum(window) / period
        np.testing.assert_array_equal(average[:, column], expected)


@pytest.mark.parametrize("period", [0, -1, 2.5])
def test_a_period_that_is_no_count_is_refused(period):
    with pytest.raises(BadSpec, match=str(period)):
        sma(np.ones((3, 1)), period)


def test_average_and_crossing_equal_backtraders_own():
    class Indicators(bt.Strategy):
        def __init__(self):
            self.fast, self.slow = bt.ind.SMA(period=5), bt.ind.SMA(period=20)
            self.cross = bt.ind.CrossOver(self.fast, self.slow)

    made = np.round(walk(600), 1)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=made))
    cerebro.addstrategy(Indicators)
    theirs = cerebro.run()[0]
    panel = on(bars(A=made))
    fast, slow = panel.sma(5), panel.sma(20)
    np.testing.assert_array_equal(fast[4:, 0], np.array(theirs.fast.array)[4:])
    np.testing.assert_array_equal(slow[19:, 0], np.array(theirs.slow.array)[19:])
    np.testing.assert_array_equal(crossed(fast, slow)[20:, 0], np.array(theirs.cross.array)[20:])


def test_touching_and_parting_on_the_other_side_is_one_crossing():
    first = np.array([[1.0], [2.0], [2.0], [3.0], [2.0], [1.0]])
    second = np.full((6, 1), 2.0)
    assert crossed(first, second)[:, 0].tolist() == [0, 0, 0, 1, 0, -1]
    assert crossed(first[::-1].copy(), second)[:, 0].tolist() == [0, 0, 1, 0, 0, -1]


def test_a_panel_is_computed_once_and_cannot_be_changed():
    panel = bars(A=walk(50))
    assert on(panel) is on(panel)
    assert on(panel).sma(5) is on(panel).sma(5)
    with pytest.raises(ValueError, match="read-only"):
        on(panel).sma(5)[0] = 1
    assert on(panel.upto(20)).sma(5) is not on(panel).sma(5)
