"""Exponential-regression momentum against a slow fit of each window."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indicators import momentum

nan = math.nan


def fitted(window: np.ndarray, periods_per_year: float = 252) -> float:
    """Annualised slope times R2 of one window, in extended precision."""
    logs = np.log(window.astype(np.longdouble))
    bar = np.arange(len(window), dtype=np.longdouble)
    bar, logs = bar - bar.mean(), logs - logs.mean()
    if (window == window[0]).all():
        return 0.0
    slope = (bar * logs).sum() / (bar * bar).sum()
    explained = (bar * logs).sum() ** 2 / ((bar * bar).sum() * (logs * logs).sum())
    with np.errstate(over="ignore"):
        return float((np.exp(slope) ** periods_per_year - 1) * explained)


@settings(max_examples=30)
@given(values=hnp.arrays(float, st.tuples(st.integers(2, 30), st.integers(1, 2)),
                         elements=st.one_of(st.floats(0.5, 100), st.just(nan), st.sampled_from([64.0, 63.99]))),
       period=st.integers(2, 9))
def test_equals_a_fit_of_each_window(values, period):
    expected = np.full(values.shape, nan)
    for column in range(values.shape[1]):
        rows = np.flatnonzero(~np.isnan(values[:, column]))
        for at in range(period - 1, len(rows)):
            expected[rows[at], column] = fitted(values[rows[at - period + 1 : at + 1], column])
    np.testing.assert_allclose(momentum(values, period), expected, rtol=1e-10, atol=1e-11)


def test_equals_numpys_polynomial_fit_on_a_walk():
    prices = 50 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.001, 0.01, 300)))
    score = momentum(prices[:, None], 90)[:, 0]
    for row in range(89, 300):
        logs = np.log(prices[row - 89 : row + 1])
        slope = np.polyfit(np.arange(90), logs, 1)[0]
        explained = np.corrcoef(np.arange(90), logs)[0, 1] ** 2
        np.testing.assert_allclose(score[row], (math.exp(slope) ** 252 - 1) * explained, rtol=1e-10, atol=1e-12)


def test_steady_growth_scores_its_annual_rate():
    prices = 1.001 ** np.arange(30)[:, None]
    np.testing.assert_allclose(momentum(prices, 20)[19:], 1.001**252 - 1, rtol=1e-10)
    np.testing.assert_allclose(momentum(prices, 20, periods_per_year=1)[19:], 0.001, rtol=1e-10)


def test_a_flat_price_scores_nothing_and_a_price_of_zero_has_no_score():
    assert (momentum(np.full((10, 1), 7.1), 5)[4:] == 0).all()
    prices = np.array([[1.0], [0.0], [1.0], [2.0], [4.0]])
    np.testing.assert_allclose(momentum(prices, 2, periods_per_year=1)[:, 0], [nan, nan, nan, 1, 1])
    np.testing.assert_array_equal(momentum(-prices, 2)[:, 0], [nan] * 5)


@settings(max_examples=20)
@given(columns=st.sampled_from([1, 2, 63, 65, 130]), holes=st.sampled_from([0, 0.02, 0.3]), seed=st.integers(0, 10_000))
def test_many_columns_at_once_have_the_bits_of_each_alone_on_the_rows_asked_for(columns, holes, seed):
    random = np.random.default_rng(seed)
    values = 50 * np.exp(np.cumsum(random.normal(0, 0.02, (60, columns)), axis=0))
    values[random.random(values.shape) < holes] = nan
    values[: random.integers(0, 60), 0] = nan
    expected = np.full(values.shape, nan)
    for column in range(columns):
        there = ~np.isnan(values[:, column])
        expected[there, column] = momentum(values[there, column : column + 1], 7)[:, 0]
    rows = np.flatnonzero(random.random(60) < 0.3)
    np.testing.assert_array_equal(momentum(values, 7), expected)
    np.testing.assert_array_equal(momentum(values, 7, rows=rows), expected[rows])
