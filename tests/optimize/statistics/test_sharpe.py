"""Published numbers, simulations and statsmodels for the errors of Sharpe ratios."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import norm

from core.errors import UsageError
from optimize.statistics.sharpe import (
    closed_maximum,
    deflated_sharpe,
    expected_maximum,
    long_run_variance,
    minimum_backtest_length,
    minimum_track_record,
    probabilistic_sharpe,
    standard_error,
)

DAYS = 250
EXAMPLE = dict(sharpe=2.5 / math.sqrt(DAYS), n=5 * DAYS, variance=0.5 / DAYS, skew=-3.0, kurtosis=10.0)


def autoregressive(coefficient, paths, sessions, seed=0):
    shocks = np.random.default_rng(seed).standard_normal((sessions, paths))
    shocks[0] /= math.sqrt(1 - coefficient**2)
    for session in range(1, sessions):
        shocks[session] += coefficient * shocks[session - 1]
    return shocks.T


def test_the_worked_example_of_the_deflated_sharpe_ratio():
    assert deflated_sharpe(trials=100, **EXAMPLE) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(trials=46, **EXAMPLE) == pytest.approx(0.9505, abs=5e-5)
    normal = EXAMPLE | dict(skew=0.0, kurtosis=3.0)
    assert deflated_sharpe(trials=88, **normal) == pytest.approx(0.9505, abs=5e-4)  # their N for normal returns


def test_the_probabilistic_sharpe_ratio_of_normal_returns():
    assert probabilistic_sharpe(0.1, 0.1, 500) == pytest.approx(0.5)
    assert probabilistic_sharpe(0.1, 0.0, 501) == pytest.approx(norm.cdf(0.1 * math.sqrt(500 / 1.005)))
    assert probabilistic_sharpe(0.1, 0.0, 501, skew=-3, kurtosis=10) < probabilistic_sharpe(0.1, 0.0, 501)


def test_the_published_track_record_lengths():
    """Years of daily, weekly and monthly normal returns that show an annual 2 is above 1 (paper of 2012)."""
    for periods, years in ((252, 2.73), (52, 2.83), (12, 3.24)):
        length = minimum_track_record(2 / math.sqrt(periods), 1 / math.sqrt(periods))
        assert length / periods == pytest.approx(years, abs=0.01)
    assert minimum_track_record(0.1, 0.1) == math.inf


@given(st.floats(0.02, 0.5), st.floats(-2, 2), st.floats(6, 20))
def test_the_track_record_length_is_where_the_probability_reaches_the_level(sharpe, skew, kurtosis):
    length = minimum_track_record(sharpe, 0.01, skew, kurtosis, 0.9)
    assert probabilistic_sharpe(sharpe, 0.01, length, skew, kurtosis) == pytest.approx(0.9)


def test_forty_five_trials_make_five_years_look_like_a_sharpe_of_one():
    assert closed_maximum(45) ** 2 == pytest.approx(5.0, abs=0.01)  # the paper's figure, by its closed form
    assert minimum_backtest_length(45, 1.0) == pytest.approx(5.0, rel=0.03)
    assert minimum_backtest_length(45, 2.0) == pytest.approx(minimum_backtest_length(45, 1.0) / 4)
    assert minimum_backtest_length(45, 0.0) == minimum_backtest_length(45, -1.0) == math.inf
    assert minimum_backtest_length(1, 1.0) == 0


@pytest.mark.parametrize("trials", [2, 3.5, 10, 1_000, 1e6])
def test_expected_maximum_against_adaptive_quadrature(trials):
    def density(x):
        return x * trials * math.exp(norm.logpdf(x) + (trials - 1) * norm.logcdf(x))

    assert expected_maximum(trials) == pytest.approx(integrate.quad(density, -10, 12, limit=500)[0], abs=1e-9)


def test_expected_maximum_of_few():
    assert expected_maximum(1) == 0
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi))
    assert expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi))
    for trials in (5, 50, 5_000, 1e9):
        assert closed_maximum(trials) == pytest.approx(expected_maximum(trials), rel=0.03)
    with pytest.raises(UsageError, match="got 0.5"):
        expected_maximum(0.5)


def test_standard_error_without_autocorrelation_is_that_of_mertens():
    returns = np.random.default_rng(1).gamma(2.0, 0.01, 200_000) - 0.015  # skew 1.41, kurtosis 6
    ratio = returns.mean() / returns.std()
    expected = math.sqrt((1 - math.sqrt(2) * ratio + 5 / 4 * ratio**2) / len(returns))
    assert standard_error(returns) == pytest.approx(expected, rel=0.03)
    assert standard_error(returns, 0.0) == pytest.approx(1 / math.sqrt(len(returns)), rel=0.03)


@pytest.mark.parametrize("coefficient", [-0.1, 0.0, 0.2])
def test_standard_error_is_the_spread_of_sharpe_ratios_of_dependent_returns(coefficient):
    returns = autoregressive(coefficient, 400, 2_520) + 0.1
    ratios = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    errors = [standard_error(each) for each in returns]
    assert np.mean(errors) == pytest.approx(ratios.std(), rel=0.1)
    assert np.std(errors) < 0.15 * np.mean(errors)


def test_long_run_variance_is_newey_west_of_statsmodels():
    from statsmodels.stats.sandwich_covariance import S_hac_simple

    values = autoregressive(0.4, 1, 1_000)[0]
    centred = (values - values.mean())[:, None]
    peers = [S_hac_simple(centred, nlags=lags).item() / 1_000 for lags in range(4, 30)]
    assert np.min(np.abs(np.array(peers) / long_run_variance(values) - 1)) < 1e-12


def test_caution_lets_autocorrelation_widen_the_error_only():
    reverting, trending = autoregressive(-0.3, 1, 2_520)[0] + 0.1, autoregressive(0.3, 1, 2_520)[0] + 0.1
    assert standard_error(reverting, 0.0, cautious=True) == pytest.approx(1 / math.sqrt(2_520), rel=1e-3)
    assert standard_error(reverting, 0.0) < 0.9 / math.sqrt(2_520)
    assert standard_error(trending, cautious=True) == standard_error(trending)


def test_a_strongly_reverting_series_keeps_a_positive_variance():
    values = np.tile([1.0, -1.0], 50) + 0.01 * np.random.default_rng(0).standard_normal(100)
    assert long_run_variance(values) > 0


def test_no_standard_error_without_spread():
    assert math.isnan(standard_error(np.full(100, 0.1)))
    assert math.isnan(standard_error(np.array([0.1, 0.2])))
