"""The average has Backtrader's bits: exact window sums, over a symbol's own bars."""

import math

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_bars import bars, walk

from indicators import crossed, ema, in_while_above, on, sma, wilder, wma


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


@given(values=hnp.arrays(float, st.integers(1, 30), elements=st.floats(-1e300, 1e300)), period=st.integers(1, 6))
def test_sums_are_exact_even_of_numbers_of_very_different_size(values, period):
    average = sma(values[:, None] / 8, period)[:, 0]
    expected = [math.fsum(values[end - period : end] / 8) / period for end in range(period, len(values) + 1)]
    np.testing.assert_array_equal(average[period - 1 :], expected)


@settings(max_examples=30)
@given(columns=st.integers(1, 20), period=st.integers(1, 12), digits=st.sampled_from([1, 30]), seed=st.integers(0, 10_000))
def test_many_columns_at_once_have_the_bits_of_each_alone(columns, period, digits, seed):
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (40, columns)) * 10.0 ** random.integers(-digits, digits, (40, columns))
    values[random.random(values.shape) < random.choice([0, 0.05], columns)] = math.nan
    expected = np.hstack([sma(values[:, column : column + 1], period) for column in range(columns)])
    np.testing.assert_array_equal(sma(values, period), expected)


@pytest.mark.parametrize("columns", [1, 20])
@pytest.mark.parametrize("rows", [[], [0], [3, 4, 17, 29], list(range(30))])
def test_an_average_on_some_rows_is_cut_from_the_average_on_all(columns, rows):
    values = np.random.default_rng(3).normal(50, 10, (30, columns))
    values[5, 0] = math.nan
    np.testing.assert_array_equal(sma(values, 4, rows=np.array(rows, dtype=int)), sma(values, 4)[rows])


def test_smoothing_leaves_its_input_as_it_is():
    values = np.array([[1.0], [2.0], [6.0]])
    np.testing.assert_array_equal(wilder(values, 2)[:, 0], [math.nan, 1.5, 3.75])
    np.testing.assert_array_equal(values[:, 0], [1, 2, 6])


def own_values(column):
    """Rows and values of a column's own bars."""
    rows = np.flatnonzero(~np.isnan(column))
    return rows, column[rows]


@given(values=hnp.arrays(float, st.tuples(st.integers(1, 40), st.integers(1, 3)),
                         elements=st.one_of(st.floats(0.01, 1e5), st.just(math.nan))),
       period=st.integers(1, 12))
def test_weighted_and_smoothed_averages_equal_loops_over_own_bars(values, period):
    weights = range(1, period + 1)
    panels = {"wma": wma(values, period), "ema": ema(values, period), "wilder": wilder(values, period)}
    expected = {name: np.full(values.shape, math.nan) for name in panels}
    for column in range(values.shape[1]):
        rows, own = own_values(values[:, column])
        running = {}
        for at in range(period - 1, len(own)):
            window = own[at - period + 1 : at + 1]
            weighted = math.fsum(weight * value for weight, value in zip(weights, window, strict=True))
            expected["wma"][rows[at], column] = weighted / sum(weights)
            for name, part in (("ema", 2 / (period + 1)), ("wilder", 1 / period)):
                before = running.get(name)
                running[name] = np.mean(window) if before is None else before * (1 - part) + own[at] * part
                expected[name][rows[at], column] = running[name]
    for name, panel in panels.items():
        np.testing.assert_allclose(panel, expected[name], rtol=1e-10, err_msg=name)


def test_averages_by_hand():
    values = np.array([[1.0], [2.0], [math.nan], [6.0], [3.0]])
    np.testing.assert_array_equal(sma(values, 2)[:, 0], [math.nan, 1.5, math.nan, 4.0, 4.5])
    np.testing.assert_allclose(wma(values, 2)[:, 0], [math.nan, 5 / 3, math.nan, 14 / 3, 4.0])
    np.testing.assert_allclose(ema(values, 2)[:, 0], [math.nan, 1.5, math.nan, 4.5, 3.5])
    np.testing.assert_allclose(wilder(values, 2)[:, 0], [math.nan, 1.5, math.nan, 3.75, 3.375])


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
    np.testing.assert_array_equal(in_while_above(first, second, np.ones(1, bool))[:, 0], [np.nan, np.nan, np.nan, 1, np.nan, 0])
