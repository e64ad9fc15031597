"""What every indicator promises: own bars only, nothing from later, nothing from outside its window, to the last bit."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import indicators
from core.errors import BadSpec
from indicators import own_bars

PERIOD = 4
# name -> function of a panel, own bars that a value depends on (None = all before it)
FINITE = {
    "sma": (lambda values: indicators.sma(values, PERIOD), PERIOD),
    "wma": (lambda values: indicators.wma(values, PERIOD), PERIOD),
    "true_range": (lambda values: indicators.true_range(values * 1.5, values * 0.5, values), 2),
    "deviation": (lambda values: indicators.deviation(values, PERIOD), PERIOD),
    "zscore": (lambda values: indicators.zscore(values, PERIOD, ddof=1), PERIOD),
    "correlation": (lambda values: indicators.correlation(values, values * values, PERIOD), PERIOD),
    "rate_of_change": (lambda values: indicators.rate_of_change(values, PERIOD), PERIOD + 1),
    "momentum": (lambda values: indicators.momentum(values, PERIOD), PERIOD),
    "bollinger": (lambda values: indicators.bollinger(values, PERIOD)[1], PERIOD),
}
RECURSIVE = {
    "ema": lambda values: indicators.ema(values, PERIOD),
    "wilder": lambda values: indicators.wilder(values, PERIOD),
    "atr": lambda values: indicators.atr(values * 1.5, values * 0.5, values, PERIOD),
    "rsi": lambda values: indicators.rsi(values, PERIOD),
    "macd": lambda values: indicators.macd(values, 2, 4, 3)[2],
}
EVERY = {**{name: compute for name, (compute, _) in FINITE.items()}, **RECURSIVE}
SCALE_FREE = ["zscore", "correlation", "rate_of_change", "momentum", "rsi"]

prices = st.one_of(st.floats(0.01, 1e5), st.floats(1e-12, 1e12), st.just(math.nan), st.sampled_from([10.0, 10.01, 0.1]))
panels = hnp.arrays(float, st.tuples(st.integers(1, 25), st.integers(1, 3)), elements=prices)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=30)
@given(values=panels)
def test_a_column_among_others_has_the_bits_of_its_own_bars_alone(name, values):
    together = EVERY[name](values)
    assert together.shape == values.shape
    for column in range(values.shape[1]):
        there = ~np.isnan(values[:, column])
        expected = np.full(len(values), math.nan)
        expected[there] = EVERY[name](values[there, column : column + 1])[:, 0]
        np.testing.assert_array_equal(together[:, column], expected)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=30)
@given(values=panels, data=st.data())
def test_cutting_the_future_changes_no_bit_of_the_past(name, values, data):
    row = data.draw(st.integers(0, len(values) - 1))
    np.testing.assert_array_equal(EVERY[name](values[: row + 1]), EVERY[name](values)[: row + 1])


@pytest.mark.parametrize("name", FINITE)
@settings(max_examples=30)
@given(values=panels, others=panels, data=st.data())
def test_bars_outside_the_window_change_no_bit(name, values, others, data):
    compute, bars = FINITE[name]
    column = values[~np.isnan(values[:, 0]), :1]
    assume(len(column))
    row = data.draw(st.integers(0, len(column) - 1))
    start = max(row + 1 - bars, 0)
    assume(row + 1 >= bars)
    window = column[start : row + 1]
    moved = np.concatenate([others[:, :1], window, others[::-1, :1]])
    np.testing.assert_array_equal(compute(moved)[len(others) + len(window) - 1], compute(column)[row])


@pytest.mark.parametrize("name", SCALE_FREE)
@settings(max_examples=30)
@given(values=panels, power=st.integers(-30, 30))
def test_prices_times_a_power_of_two_change_no_bit_of_what_has_no_unit(name, values, power):
    np.testing.assert_array_equal(EVERY[name](values * 2.0**power), EVERY[name](values))


@pytest.mark.parametrize("name", ["sma", "wma", "ema", "wilder", "true_range", "atr", "deviation", "bollinger", "macd"])
@settings(max_examples=30)
@given(values=panels, power=st.integers(-30, 30))
def test_prices_times_a_power_of_two_scale_the_rest(name, values, power):
    np.testing.assert_array_equal(EVERY[name](values * 2.0**power), EVERY[name](values) * 2.0**power)


@pytest.mark.parametrize("name", EVERY)
def test_a_panel_without_rows_or_with_too_few_is_answered_with_nan(name):
    assert EVERY[name](np.ones((0, 2))).shape == (0, 2)
    assert np.isnan(EVERY[name](np.ones((1, 2)))).all()
    assert np.isnan(EVERY[name](np.full((9, 2), math.nan))).all()


@pytest.mark.parametrize("period", [0, -1, 2.5, math.nan, math.inf, None, "ten", True, [5]])
@pytest.mark.parametrize("compute", [
    indicators.sma, indicators.wma, indicators.ema, indicators.wilder, indicators.deviation, indicators.zscore,
    indicators.rsi, indicators.rate_of_change, indicators.momentum, indicators.bollinger, indicators.macd,
    lambda values, period: indicators.atr(values, values, values, period),
    lambda values, period: indicators.correlation(values, values, period),
])
def test_a_period_that_is_no_count_of_bars_is_refused_in_one_line(compute, period):
    with pytest.raises(BadSpec, match="a whole number from [12] on") as caught:
        compute(np.ones((3, 1)), period)
    assert repr(period) in str(caught.value) and "\n" not in str(caught.value)


def test_whole_numbers_of_any_type_are_periods():
    assert [own_bars.window_length(period) for period in (3, 3.0, np.int64(3), np.float32(3))] == [3, 3, 3, 3]


@pytest.mark.parametrize("values", [np.arange(12.0).reshape(4, 3), np.array([[math.nan, 1, math.nan], [2, 3, math.nan], [math.nan, 4, 5], [6, 7, 8]])])
def test_the_first_bars_of_each_column_stand_below_each_other(values):
    expected = np.full((2, 3), math.nan)
    for column in range(3):
        own = values[~np.isnan(values[:, column]), column][:2]
        expected[: len(own), column] = own
    np.testing.assert_array_equal(own_bars.first_bars(values, 2), expected)


def test_first_bars_that_are_not_there_are_missing():
    np.testing.assert_array_equal(own_bars.first_bars(np.array([[1.0, math.nan], [2.0, 5.0]]), 2), [[1, 5], [2, math.nan]])
