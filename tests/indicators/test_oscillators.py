"""Oscillators: by hand, and against loops over a symbol's own bars."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indicators import ema, macd, rate_of_change, rsi

nan = math.nan
panels = hnp.arrays(float, st.tuples(st.integers(1, 30), st.integers(1, 2)),
                    elements=st.one_of(st.floats(0.01, 1e4), st.just(nan), st.sampled_from([3.0, 4.0])))


def strength_of(changes: list[float], period: int) -> float:
    """Relative strength index after these changes."""
    rise = sum(max(change, 0) for change in changes[:period]) / period
    fall = sum(max(-change, 0) for change in changes[:period]) / period
    for change in changes[period:]:
        rise = (rise * (period - 1) + max(change, 0)) / period
        fall = (fall * (period - 1) + max(-change, 0)) / period
    if rise == fall == 0:
        return 50.0
    return 100 * rise / (rise + fall)


@settings(max_examples=30)
@given(values=panels, period=st.integers(1, 6))
def test_relative_strength_equals_a_loop(values, period):
    expected = np.full(values.shape, nan)
    for column in range(values.shape[1]):
        rows = np.flatnonzero(~np.isnan(values[:, column]))
        changes = np.diff(values[rows, column]).tolist()
        for at in range(period, len(rows)):
            expected[rows[at], column] = strength_of(changes[:at], period)
    np.testing.assert_allclose(rsi(values, period), expected, rtol=1e-10, atol=1e-10)


@settings(max_examples=30)
@given(values=panels, period=st.integers(1, 6))
def test_rate_of_change_equals_a_loop(values, period):
    expected = np.full(values.shape, nan)
    for column in range(values.shape[1]):
        rows = np.flatnonzero(~np.isnan(values[:, column]))
        for before, now in zip(rows, rows[period:], strict=False):
            expected[now, column] = values[now, column] / values[before, column] - 1
    np.testing.assert_allclose(rate_of_change(values, period), expected, rtol=1e-10, atol=1e-15)


def test_relative_strength_by_hand():
    values = np.array([[10.0], [11.0], [10.0], [10.0], [13.0]])
    np.testing.assert_allclose(rsi(values, 2)[:, 0], [nan, nan, 50, 50, 100 * 1.625 / 1.75])
    assert rsi(np.array([[1.0], [2.0], [3.0]]), 2)[2, 0] == 100
    assert rsi(np.array([[3.0], [2.0], [1.0]]), 2)[2, 0] == 0
    assert rsi(np.ones((3, 1)), 2)[2, 0] == 50


def test_rate_of_change_by_hand():
    np.testing.assert_allclose(rate_of_change(np.array([[100.0], [nan], [105.0], [0.0], [3.0]]), 1)[:, 0],
                               [nan, nan, 0.05, -1, nan])


def test_macd_is_the_difference_of_two_averages_and_the_average_of_that():
    values = np.random.default_rng(3).uniform(10, 20, (60, 2))
    line, signal, histogram = macd(values, 3, 8, 4)
    np.testing.assert_array_equal(line, ema(values, 3) - ema(values, 8))
    np.testing.assert_array_equal(np.isnan(signal[:, 0]), np.arange(60) < 10)
    np.testing.assert_allclose(signal[10], line[7:11].mean(axis=0))
    np.testing.assert_allclose(signal[11], signal[10] * 0.6 + line[11] * 0.4)
    np.testing.assert_array_equal(histogram, line - signal)
