"""The stationary bootstrap against arch, against its own theory, and its coverage on dependent returns."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.bootstrap import block_length, intervals, resampled
from optimize.statistics.paths import HEADLINES, every_path, headlines

YEAR = 252


def autoregressive(coefficient, sessions, seed=0, paths=1):
    values = np.random.default_rng(seed).standard_normal((sessions, paths))
    values[0] /= np.sqrt(1 - coefficient**2)
    for session in range(1, sessions):
        values[session] += coefficient * values[session - 1]
    return values.T * 0.01


def arch_length(values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from arch.bootstrap import optimal_block_length

    return optimal_block_length(values).loc[0, "stationary"]


@pytest.mark.parametrize("sessions", [40, 250, 2_520])
@pytest.mark.parametrize("coefficient", [-0.4, 0.0, 0.3, 0.95])
def test_block_length_is_that_of_arch(sessions, coefficient):
    values = autoregressive(coefficient, sessions, seed=sessions)[0]
    assert block_length(values) == pytest.approx(max(1.0, arch_length(values)))


@pytest.mark.parametrize("values", [np.full(500, 0.1), np.zeros(500), np.array([0.1, 0.2, 0.1]), np.empty(0)])
def test_block_length_without_anything_to_see(values):
    assert block_length(values) == 1


@pytest.mark.parametrize("restart", [1.0, 0.2, 0.02])
def test_variance_of_the_mean_is_the_exact_one(restart):
    """Politis and Romano (1994), lemma 1: variance of the resampled mean, given the sample."""
    values, draws = autoregressive(0.6, 100)[0], 20_000
    n, lag = len(values), np.arange(1, 100)
    centred = values - values.mean()
    circular = np.array([centred @ np.roll(centred, -step) for step in range(n)]) / n
    exact = (circular[0] + 2 * ((1 - lag / n) * (1 - restart) ** lag * circular[1:]).sum()) / n
    means = resampled(values, restart, draws, 1)[:, 0] / n
    assert means.mean() == pytest.approx(values.mean(), abs=4 * np.sqrt(exact / draws))
    assert means.var() == pytest.approx(exact, rel=0.05)


def test_headlines_are_those_of_the_metrics():
    returns = autoregressive(0.1, 504, paths=3) + 0.0005
    found = headlines(every_path(returns), 504, YEAR)
    for path, each in enumerate(returns):
        equity = np.cumprod(1 + each)
        growth, fall = equity[-1] ** 0.5 - 1, metrics.max_drawdown(equity, 1.0)
        expected = (
            equity[-1] - 1, growth, metrics.volatility(each, YEAR), metrics.sharpe(each, YEAR),
            metrics.sortino(each, YEAR), growth / fall, fall)
        np.testing.assert_allclose([found[name][path] for name in HEADLINES], expected)


def test_headlines_of_nothing_and_of_ruin():
    found = headlines(every_path(np.array([[0.0, 0.0, 0.0], [0.5, -1.2, 0.5]])), 3, YEAR)
    assert np.isnan([found[name][0] for name in ("sharpe", "sortino", "calmar")]).all()
    assert [found[name][0] for name in ("total_return", "cagr", "volatility", "max_drawdown")] == [0, 0, 0, 0]
    assert found["cagr"][1] == -1
    assert found["total_return"][1] == pytest.approx(1.5 * -0.2 - 1)
    assert found["max_drawdown"][1] == pytest.approx(1.2)


def covered(coefficient, paths, sessions, level):
    """Part of the paths whose 90% interval holds the true Sharpe ratio (annual 1)."""
    spread = 0.01 / np.sqrt(1 - coefficient**2)
    returns = autoregressive(coefficient, sessions, 7, paths) + spread / np.sqrt(YEAR)
    ends = np.array([intervals(each, YEAR, level, 300)["sharpe"] for each in returns])
    return np.mean((ends[:, 0] < 1) & (ends[:, 1] > 1))


@pytest.mark.parametrize("coefficient", [-0.2, 0.0, 0.3])
def test_coverage(coefficient):
    assert 0.82 <= covered(coefficient, 200, 500, 0.9) <= 0.95


def test_dependence_widens_the_interval():
    """Sessions drawn one by one would miss the truth far more often."""
    values = autoregressive(0.5, 2_000)[0]
    low, high = intervals(values, YEAR)["sharpe"]
    single = headlines(resampled(values, 1.0, 2_000, 0), 2_000, YEAR)["sharpe"]
    assert high - low > 1.4 * np.subtract(*np.quantile(single, (0.975, 0.025)))


def test_a_seed_repeats_and_another_does_not():
    values = autoregressive(0.1, 300)[0]
    assert intervals(values, YEAR, seed=3) == intervals(values, YEAR, seed=3)
    assert intervals(values, YEAR, seed=3) != intervals(values, YEAR, seed=4)


@settings(max_examples=20)
@given(st.integers(2, 200), st.integers(0, 1_000))
def test_ends_are_ordered_and_hold_the_middle(sessions, seed):
    ends = intervals(autoregressive(0.0, sessions, seed)[0], YEAR, 0.9, draws=100)
    assert tuple(ends) == HEADLINES
    for low, high in ends.values():
        assert np.isnan(low) or low <= high


def test_what_is_not_defined_is_nan():
    assert np.isnan(list(intervals(np.array([0.01]), YEAR).values())).all()
    idle = intervals(np.zeros(100), YEAR)
    assert np.isnan(idle["sharpe"]).all() and idle["total_return"] == (0, 0)


@pytest.mark.parametrize(("options", "words"), [(dict(level=1.0), "got 1.0: 0.95"), (dict(draws=0), "got 0: 2000")])
def test_bad_input(options, words):
    with pytest.raises(UsageError, match=words):
        intervals(np.zeros(10), YEAR, **options)
