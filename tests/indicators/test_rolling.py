"""Rolling statistics: against exact arithmetic on each window, pandas, and by hand."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.errors import BadSpec
from indicators import correlation, correlation_matrix, deviation, zscore

nan = math.nan
panels = hnp.arrays(float, st.tuples(st.integers(1, 25), st.integers(1, 3)),
                    elements=st.one_of(st.floats(0.01, 1e5), st.just(nan), st.sampled_from([7.0, 7.1])))


def exact(values) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def centred(values: list[Fraction]) -> list[Fraction]:
    mean = sum(values) / max(len(values), 1)
    return [value - mean for value in values]


@settings(max_examples=30)
@given(values=panels, period=st.integers(2, 8), ddof=st.sampled_from([0, 1]))
def test_deviation_and_zscore_equal_exact_arithmetic(values, period, ddof):
    spread, score = np.full(values.shape, nan), np.full(values.shape, nan)
    for column in range(values.shape[1]):
        rows = np.flatnonzero(~np.isnan(values[:, column]))
        for at in range(period - 1, len(rows)):
            parts = centred(exact(values[rows[at - period + 1 : at + 1], column]))
            wide = math.sqrt(sum(part * part for part in parts) / (period - ddof))
            spread[rows[at], column] = wide
            score[rows[at], column] = float(parts[-1]) / wide if wide else nan
    np.testing.assert_allclose(deviation(values, period, ddof), spread, rtol=1e-10)
    np.testing.assert_allclose(zscore(values, period, ddof), score, rtol=1e-10, atol=1e-12)


@settings(max_examples=30)
@given(first=panels, data=st.data(), period=st.integers(2, 8))
def test_correlation_equals_exact_arithmetic_on_common_bars(first, data, period):
    second = data.draw(hnp.arrays(float, len(first), elements=st.one_of(st.floats(0.01, 100), st.just(nan))))
    expected = np.full(first.shape, nan)
    for column in range(first.shape[1]):
        rows = np.flatnonzero(~np.isnan(first[:, column] + second))
        for at in range(period - 1, len(rows)):
            window = rows[at - period + 1 : at + 1]
            ours, theirs = centred(exact(first[window, column])), centred(exact(second[window]))
            spread = sum(part * part for part in ours) * sum(part * part for part in theirs)
            if spread:
                mixed = sum(one * other for one, other in zip(ours, theirs, strict=True))
                expected[window[-1], column] = math.copysign(math.sqrt(mixed * mixed / spread), mixed)
    np.testing.assert_allclose(correlation(first, second, period), expected, rtol=1e-9, atol=1e-9)


def test_by_hand():
    values = np.array([[2.0], [4.0], [nan], [6.0], [6.0], [6.0]])
    np.testing.assert_array_equal(deviation(values, 2)[:, 0], [nan, 1, nan, 1, 0, 0])
    np.testing.assert_array_equal(zscore(values, 2)[:, 0], [nan, 1, nan, 1, nan, nan])
    np.testing.assert_allclose(correlation(values, -values, 2)[:, 0], [nan, -1, nan, -1, nan, nan])


def test_a_flat_price_has_no_deviation_whatever_its_digits():
    assert (deviation(np.full((100, 1), 0.1), 7)[6:] == 0).all()
    assert np.isnan(zscore(np.full((100, 1), 0.1), 7)).all()


def test_small_moves_of_a_large_price_are_not_lost():
    values = 1e9 + np.array([[0.0], [1.0], [0.0], [1.0]])
    np.testing.assert_array_equal(deviation(values, 4)[3], [0.5])


def test_equals_pandas_on_a_walk():
    walk = 50 + np.cumsum(np.random.default_rng(1).normal(size=(500, 4)), axis=0)
    frame = pd.DataFrame(walk)
    rolling = frame.rolling(20)
    np.testing.assert_allclose(deviation(walk, 20), rolling.std(ddof=0), rtol=1e-10)
    np.testing.assert_allclose(zscore(walk, 20, ddof=1), (frame - rolling.mean()) / rolling.std(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(correlation(walk, walk[:, 1], 20), rolling.corr(frame[1]), atol=1e-9)


@settings(max_examples=30)
@given(values=hnp.arrays(float, st.tuples(st.integers(0, 20), st.integers(1, 4)),
                         elements=st.one_of(st.floats(-10, 10).map(lambda value: round(value, 3)), st.just(nan))))
def test_the_matrix_holds_the_correlation_of_every_pair_on_its_common_rows(values):
    matrix = correlation_matrix(values)
    np.testing.assert_array_equal(matrix, matrix.T)
    for one in range(values.shape[1]):
        for other in range(values.shape[1]):
            rows = ~np.isnan(values[:, one] + values[:, other])
            ours, theirs = (centred(exact(values[rows, column])) for column in (one, other))
            spread = sum(part * part for part in ours) * sum(part * part for part in theirs)
            if spread == 0:
                assert math.isnan(matrix[one, other])
                continue
            mixed = sum(mine * yours for mine, yours in zip(ours, theirs, strict=True))
            assert matrix[one, other] == pytest.approx(math.copysign(math.sqrt(mixed * mixed / spread), mixed), abs=1e-9)


def test_bad_arguments_are_refused():
    with pytest.raises(BadSpec, match="ddof=2"):
        deviation(np.ones((3, 1)), 2, ddof=2)
    with pytest.raises(BadSpec, match="window of 1 bars.*from 2 on"):
        zscore(np.ones((3, 1)), 1, ddof=1)
    with pytest.raises(BadSpec, match="shape"):
        correlation_matrix(np.ones(3))
