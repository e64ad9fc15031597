"""Block moments against the returns they came from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.moments import Moments, edges, merged, moments_of, sharpe, whole_sharpe


def noise(trials, sessions, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal((trials, sessions)) + 0.0004


def test_by_hand():
    moments = moments_of(np.array([0.1, -0.1, 0.0, 0.2, 0.3]), blocks=2)
    np.testing.assert_array_equal(moments.count, [2, 3])
    np.testing.assert_allclose(moments.sum, [[0.0, 0.5]], atol=1e-15)
    np.testing.assert_allclose(moments.square, [[0.02, 0.13]])


@given(sessions=st.integers(0, 3_000), blocks=st.integers(1, 100))
def test_borders(sessions, blocks):
    border = edges(sessions, blocks)
    length = np.diff(border)
    assert border[0] == 0 and border[-1] == sessions and len(length) <= blocks
    assert length.max() - length.min() <= 1
    assert sessions < 2 or length.min() >= 2
    assert len(length) == blocks or length.max() <= 3 or sessions < 2


def test_sharpe_is_that_of_the_metrics():
    returns = noise(5, 501)
    expected = [metrics.sharpe(each, 252) / np.sqrt(252) for each in returns]
    np.testing.assert_allclose(whole_sharpe(moments_of(returns)), expected, rtol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 5, 16, 63, 64, 100])
def test_merged_blocks_are_the_moments_of_longer_stretches(groups):
    moments = moments_of(noise(3, 1_003))
    few = merged(moments, groups)
    assert few.sum.shape == (3, min(groups, 64))
    assert few.count.sum() == 1_003
    np.testing.assert_allclose(whole_sharpe(few), whole_sharpe(moments), rtol=1e-12)


def test_merging_keeps_the_order_of_time():
    few = merged(moments_of(np.repeat([1.0, 2.0, 3.0, 4.0], 25), blocks=8), 4)
    np.testing.assert_allclose(few.sum, [[25.0, 50.0, 75.0, 100.0]])


def test_no_spread_is_nan():
    constant = np.full(1_001, 0.1)
    assert np.isnan(whole_sharpe(moments_of(np.stack([constant, 0 * constant])))).all()
    assert np.isnan(sharpe(np.array(1.0), np.array(0.1), np.array(0.01)))
    assert np.isnan(whole_sharpe(moments_of(np.r_[np.nan, constant])))


@pytest.mark.parametrize("sessions", [0, 1])
def test_no_history(sessions):
    moments = moments_of(np.zeros((3, sessions)))
    assert moments.sum.shape == (3, 1)
    assert np.isnan(whole_sharpe(moments)).all()


def test_bad_input():
    with pytest.raises(UsageError, match="got 0: raise blocks"):
        edges(100, 0)
    with pytest.raises(UsageError, match="got 0: raise groups"):
        merged(Moments(np.ones(4), np.ones((1, 4)), np.ones((1, 4))), 0)
