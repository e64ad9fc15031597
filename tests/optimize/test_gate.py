"""The verdict by hand, its lines, its edges, and a small version of its promise."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from core.errors import UsageError
from optimize.gate import judge
from optimize.statistics.moments import moments_of, whole_sharpe
from optimize.statistics.overfitting import pbo
from optimize.statistics.sharpe import expected_maximum, standard_error

YEAR, SESSIONS = 252, 2_520


def returns_of(sharpe, sessions=SESSIONS, seed=0):
    """Returns with exactly this annual Sharpe ratio."""
    values = np.random.default_rng(seed).standard_normal(sessions)
    values = (values - values.mean()) / values.std(ddof=1)
    return 0.01 * (values + sharpe / math.sqrt(YEAR))


def test_the_deflated_sharpe_ratio_by_its_definition():
    returns = returns_of(1.5)
    numbers = judge(returns, YEAR, 38).numbers
    luck = standard_error(returns, 0.0, cautious=True) * expected_maximum(38)
    assert numbers["luck_sharpe"] == pytest.approx(luck * math.sqrt(YEAR))
    assert numbers["luck_sharpe"] == pytest.approx(2.14 / math.sqrt(10), rel=0.05)  # of ten years and 38 trials
    expected = norm.cdf((1.5 / math.sqrt(YEAR) - luck) / standard_error(returns, cautious=True))
    assert numbers["deflated_sharpe"] == pytest.approx(expected)
    assert numbers["sharpe"] == pytest.approx(1.5)
    assert numbers["probabilistic_sharpe"] == pytest.approx(norm.cdf(1.5 / numbers["standard_error"]))
    assert numbers["minimum_backtest_length"] == pytest.approx((expected_maximum(38) / 1.5) ** 2)


def test_one_trial_is_only_asked_to_be_above_zero():
    numbers = judge(returns_of(1.0), YEAR, 1).numbers
    assert numbers["luck_sharpe"] == numbers["minimum_backtest_length"] == 0
    assert numbers["deflated_sharpe"] == numbers["probabilistic_sharpe"]


def test_more_trials_raise_the_bar():
    found = [judge(returns_of(1.6), YEAR, trials).numbers["deflated_sharpe"] for trials in (1, 10, 100, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.95 > found[-1]


def test_a_passed_run_says_why():
    verdict = judge(returns_of(2.5), YEAR, 38, overfitting=0.1, agreement=True, counted=1_000)
    assert verdict.passed
    assert len(verdict.reasons) == 3
    assert verdict.reasons[0].startswith("deflated Sharpe 1.00 reaches 0.95: 1,000 trials (38 effective) explain an ")
    assert verdict.reasons[0].endswith("the run has 2.50 over 10.0 years")
    assert verdict.numbers["trials"] == 1_000 and verdict.numbers["effective_trials"] == 38


def test_a_failed_run_says_only_what_it_failed():
    verdict = judge(returns_of(0.8), YEAR, 38, overfitting=0.1, agreement=True)
    assert not verdict.passed
    assert len(verdict.reasons) == 1 and "is below 0.95" in verdict.reasons[0]


@pytest.mark.parametrize(("effective", "counted", "words"), [
    (1, 1, " 1 trial (1 effective) "), (2.34, 10, " 10 trials (2.3 effective) "),
    (1_234.4, 5_000, " 5,000 trials (1,234 effective) ")])
def test_trials_are_counted_in_words(effective, counted, words):
    assert words in judge(returns_of(2.5), YEAR, effective, counted=counted).reasons[0]


def test_each_criterion_can_fail_alone():
    good = returns_of(2.5)
    overfitted = judge(good, YEAR, 38, overfitting=0.62)
    assert len(overfitted.reasons) == 1
    assert overfitted.reasons[0].startswith("probability of backtest overfitting 0.62 is above 0.5: ")
    assert overfitted.reasons[0].endswith("falls below the median out-of-sample in 62.0% of the splits")
    different = judge(good, YEAR, 38, agreement="first difference: fill 3, AAPL 10 != 11")
    assert different.reasons == ("twin and Cerebro disagree: first difference: fill 3, AAPL 10 != 11",)
    assert not judge(good, YEAR, 38, agreement=False).passed
    assert judge(good, YEAR, 38, overfitting=0.5, agreement=np.True_).passed


def test_moments_give_both_numbers_of_trials():
    random = np.random.default_rng(1)
    sweep = np.repeat(0.01 * random.standard_normal((10, SESSIONS)), 20, axis=0)
    numbers = judge(sweep[0], YEAR, moments_of(sweep), pbo(moments_of(sweep), 8)).numbers
    assert numbers["trials"] == 200
    assert numbers["effective_trials"] == pytest.approx(10, rel=0.15)
    assert 0 <= numbers["pbo"] <= 1


def test_a_pbo_that_is_not_known_is_not_judged():
    unknown = pbo(moments_of(returns_of(2.5)))
    assert math.isnan(unknown.pbo)
    assert judge(returns_of(2.5), YEAR, 1, unknown).passed


def test_a_value_just_below_the_bar_does_not_look_as_if_it_met_it():
    for sharpe in np.linspace(0.4, 0.7, 60):
        verdict = judge(returns_of(sharpe), YEAR, 1)
        shown = float(verdict.reasons[0].split()[2])
        assert (shown >= 0.95) == verdict.passed


@pytest.mark.parametrize(("returns", "words"), [
    ([], "0 sessions are too few to judge, at least 60"),
    (returns_of(9.0, 59), "59 sessions are too few"),
    (np.zeros(500), "all 500 sessions are equal"),
    (np.full(500, 0.01), "all 500 sessions are equal"),
    (np.r_[np.nan, np.zeros(499)], "1 of 500 returns are not finite"),
    (np.r_[np.inf, np.zeros(10)], "1 of 11 returns are not finite"),
])
def test_nothing_to_judge_fails_with_a_reason(returns, words):
    verdict = judge(np.array(returns), YEAR, 5)
    assert not verdict.passed
    assert words in verdict.reasons[0]


def test_bad_input():
    with pytest.raises(UsageError, match="got 0: 252"):
        judge(returns_of(1.0), 0, 5)
    for returns in (returns_of(1.0), np.zeros(100)):
        with pytest.raises(UsageError, match="got 0"):
            judge(returns, YEAR, 0)


def sweeps_passed(sweeps, edge, correlation, sessions=SESSIONS):
    """How many of the sweeps of 50 trials pass; one unknown trial has this true annual Sharpe ratio."""
    random, passed = np.random.default_rng(6), 0
    for _ in range(sweeps):
        common, own = random.standard_normal(sessions), random.standard_t(4, (50, sessions)) / math.sqrt(2)
        returns = 0.01 * (math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own)
        returns[random.integers(50)] += 0.01 * edge / math.sqrt(YEAR)
        moments = moments_of(returns)
        passed += judge(returns[whole_sharpe(moments).argmax()], YEAR, moments, pbo(moments, 8)).passed
    return passed


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_noise_rarely_passes_and_an_edge_mostly_does(correlation):
    assert sweeps_passed(40, 0.0, correlation) <= 3
    assert sweeps_passed(20, 2.0, correlation) >= 15


def test_noise_rarely_passes_on_the_shortest_history():
    assert sweeps_passed(200, 0.0, 0.0, sessions=60) <= 10
