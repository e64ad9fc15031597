"""The effective number of trials against independent, equal, clustered and equicorrelated trials."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimize.statistics.effective import effective_trials
from optimize.statistics.moments import Moments, moments_of
from optimize.statistics.sharpe import expected_maximum


def noise(trials, sessions=2_520, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal((trials, sessions))


@pytest.mark.parametrize("trials", [10, 100, 1_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_independent_trials_all_count(trials, seed):
    assert effective_trials(moments_of(noise(trials, seed=seed))) == pytest.approx(trials, rel=0.1)


def test_a_hundred_thousand_independent_trials():
    random = np.random.default_rng(3)
    moments = Moments(np.full(64, 40.0), random.standard_normal((100_000, 64)), np.full((100_000, 64), 41.0))
    assert effective_trials(moments) == pytest.approx(100_000, rel=0.15)


def test_copies_count_once():
    assert effective_trials(moments_of(np.repeat(noise(1), 1_000, axis=0))) == pytest.approx(1, abs=1e-3)
    levered = np.arange(1, 21)[:, None] * noise(1) + 0.001
    assert effective_trials(moments_of(levered)) == pytest.approx(1, abs=1e-3)


def test_clusters_count_as_many():
    assert effective_trials(moments_of(np.repeat(noise(20), 50, axis=0))) == pytest.approx(20, rel=0.1)


def test_an_inverse_is_another_trial():
    assert effective_trials(moments_of(noise(1) * [[1.0], [-1.0]])) == 2


@pytest.mark.parametrize("correlation", [0.2, 0.5, 0.8])
def test_equicorrelated_trials_have_the_expected_maximum_of_theory(correlation):
    """E max = sqrt(1 - correlation) x that of independent ones; 64 blocks know a correlation to about 0.1 at best."""
    found = []
    for seed in range(8):
        common = noise(1, seed=100 + seed)
        returns = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * noise(200, seed=seed)
        found.append(expected_maximum(effective_trials(moments_of(returns))))
    expected = math.sqrt(1 - correlation) * expected_maximum(200)
    assert np.mean(found) == pytest.approx(expected, rel=0.06)
    assert np.std(found) < 0.15 * expected


def test_neighbours_on_a_line_against_a_direct_simulation():
    random, correlation = np.random.default_rng(4), 0.95
    distance = np.abs(np.subtract.outer(np.arange(100), np.arange(100)))
    root = np.linalg.cholesky(correlation**distance)
    direct = (root @ random.standard_normal((100, 20_000))).max(axis=0).mean()
    found = [expected_maximum(effective_trials(moments_of(root @ noise(100, seed=seed)))) for seed in range(4)]
    assert np.mean(found) == pytest.approx(direct, rel=0.06)


def test_trials_that_never_traded_or_have_no_number_count_for_nothing():
    returns = noise(50)
    idle = np.concatenate([returns, np.zeros((500, 2_520)), np.full((5, 2_520), np.nan)])
    assert effective_trials(moments_of(idle)) == pytest.approx(effective_trials(moments_of(returns)))
    assert effective_trials(moments_of(np.zeros((3, 100)))) == 1
    assert effective_trials(moments_of(noise(1))) == 1


def test_three_blocks_tell_nothing():
    assert effective_trials(moments_of(np.repeat(noise(1, 6), 7, axis=0))) == 7


@settings(max_examples=30)
@given(trials=st.integers(1, 40), sessions=st.integers(2, 300), seed=st.integers(0, 1_000))
def test_between_one_and_all(trials, sessions, seed):
    assert 1 <= effective_trials(moments_of(noise(trials, sessions, seed))) <= trials
