"""The gate's promise: of sweeps over noise at most 5% pass, of sweeps with a planted edge most do.

    python -m pytest benchmarks/test_gate.py --benchmark-only

Each repetition is a sweep of 100 trials over ten daily years; its best trial is judged as a user's would be.
"""

import warnings
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from optimize.gate import judge
from optimize.statistics.bootstrap import block_length, intervals
from optimize.statistics.effective import effective_trials
from optimize.statistics.moments import Moments, merged, moments_of, sharpe, whole_sharpe
from optimize.statistics.overfitting import pbo

TRIALS, SESSIONS, YEAR = 100, 2_520, 252
NOISE, PLANTED = 1_000, 400
DAILY = 0.01


def gaussian(random):
    return random.standard_normal((TRIALS, SESSIONS))


def student(random):
    """Student t with 3 degrees of freedom, from normals over chi-squares made of three more."""
    return gaussian(random) / np.sqrt(random.chisquare(3, (TRIALS, SESSIONS)) / 3) / np.sqrt(3)


def autoregressive(coefficient):
    return lambda random: lfilter([1.0], [1.0, -coefficient], gaussian(random), axis=1)


def equicorrelated(correlation):
    def draw(random):
        return np.sqrt(correlation) * random.standard_normal(SESSIONS) + np.sqrt(1 - correlation) * gaussian(random)
    return draw


def neighbours(correlation):
    """A line of parameters, each correlated with the next."""
    def draw(random):
        values = gaussian(random)
        values[1:] *= np.sqrt(1 - correlation**2)
        return lfilter([1.0], [1.0, -correlation], values, axis=0)
    return draw


def clustered(random):
    """GARCH(1, 1) volatility common to all trials (persistence 0.98), with independent signs and sizes."""
    shocks, variance = random.standard_normal(SESSIONS), np.ones(SESSIONS)
    for session in range(1, SESSIONS):
        variance[session] = 0.02 + (0.08 * shocks[session - 1] ** 2 + 0.90) * variance[session - 1]
    return gaussian(random) * np.sqrt(variance)


WORLDS = {
    "gaussian": gaussian, "Student t3": student, "AR(1) 0.2": autoregressive(0.2), "AR(1) -0.1": autoregressive(-0.1),
    "equicorrelated 0.5": equicorrelated(0.5), "equicorrelated 0.9": equicorrelated(0.9),
    "neighbours 0.9": neighbours(0.9), "neighbours 0.99": neighbours(0.99), "volatility clusters": clustered,
    "gaussian, 60 sessions": lambda random: gaussian(random)[:, :60],
}


def passes(returns):
    """Whether the best of (M, S) trials passes; the PBO is asked only where the rest is met, with the same verdict."""
    moments = moments_of(returns)
    best = returns[np.nanargmax(whole_sharpe(moments))]
    verdict = judge(best, YEAR, moments)
    return verdict.passed and judge(best, YEAR, verdict.numbers["effective_trials"], pbo(moments)).passed


def rate(world, repetitions, edge=0.0):
    """Sweeps passed; with an edge, one unknown trial has this true annual Sharpe ratio."""
    random, passed = np.random.default_rng(20), 0
    with threadpool_limits(1):  # matrices this small only wait for a second core
        for _ in range(repetitions):
            returns = DAILY * WORLDS[world](random)
            if edge:
                returns[random.integers(TRIALS)] += DAILY * edge / np.sqrt(YEAR)
            passed += passes(returns)
    return passed


def bounds(passed, repetitions):
    """Wilson's 95% interval of a rate (1927)."""
    z = NormalDist().inv_cdf(0.975)
    part, scale = passed / repetitions, 1 + z * z / repetitions
    centre = (part + z * z / (2 * repetitions)) / scale
    half = z / scale * np.sqrt(part * (1 - part) / repetitions + z * z / (4 * repetitions**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def line(name, passed, repetitions):
    low, high = bounds(passed, repetitions)
    return (f"gate, {name}: {passed} of {repetitions:,} sweeps pass, {passed / repetitions:.1%} "
            f"({low:.1%} to {high:.1%})")


@pytest.mark.parametrize("world", WORLDS)
def test_noise_does_not_pass(benchmark, pair, world):
    passed = benchmark.pedantic(rate, (world, NOISE), rounds=1)
    pair.lines.append(line(f"noise, {world}", passed, NOISE))
    assert passed <= 0.05 * NOISE


@pytest.mark.parametrize("world", ["gaussian", "neighbours 0.9"])
@pytest.mark.parametrize(("edge", "least"), [(1.0, 0.0), (1.75, 0.8), (2.5, 0.95)])
def test_a_planted_edge_passes(benchmark, pair, world, edge, least):
    passed = benchmark.pedantic(rate, (world, PLANTED, edge), rounds=1)
    pair.lines.append(line(f"true annual Sharpe {edge}, {world}", passed, PLANTED))
    assert passed >= least * PLANTED


# -- speed ------------------------------------------------------------------------------------------------


def test_intervals_of_every_headline(benchmark, pair):
    """2,000 draws of ten daily years, beside arch's stationary bootstrap of mean and deviation alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from arch.bootstrap import StationaryBootstrap

    returns = DAILY * (np.random.default_rng(1).standard_normal(SESSIONS) + 0.05)
    length = block_length(returns)

    def peer():
        drawn = StationaryBootstrap(length, returns, seed=1)
        ratios = drawn.apply(lambda values: np.sqrt(YEAR) * values.mean() / values.std(ddof=1), 2_000)
        return np.quantile(ratios, (0.025, 0.975))

    np.testing.assert_allclose(intervals(returns, YEAR)["sharpe"], peer(), atol=0.06)
    pair.compare("bootstrap intervals, 2,000 x 2,520", lambda: intervals(returns, YEAR), peer)
    benchmark.pedantic(intervals, (returns, YEAR), rounds=3)


def test_pbo_of_1000_trials(benchmark, pair):
    """12,870 splits, beside two matrix products of numpy on the same moments."""
    moments = moments_of(gaussian(np.random.default_rng(1)).repeat(10, axis=0)[:, :640] * DAILY)
    halves = np.zeros((12_870, 16))
    np.put_along_axis(halves, np.array(list(combinations(range(16), 8))), 1.0, axis=1)

    def peer():
        count, total, square = merged(moments, 16)
        first = sharpe(count @ halves.T, total @ halves.T, square @ halves.T)
        second = sharpe(count @ (1 - halves).T, total @ (1 - halves).T, square @ (1 - halves).T)
        chosen = np.take_along_axis(second, first.argmax(axis=0)[None], axis=0)
        rank = (second < chosen).sum(axis=0) + (np.isclose(second, chosen).sum(axis=0) + 1) / 2
        return (rank / (len(total) + 1) < 0.5).mean()

    assert abs(pbo(moments).pbo - peer()) < 0.01
    pair.compare("PBO, 1,000 trials x 12,870 splits", lambda: pbo(moments), peer, rounds=3)
    benchmark.pedantic(pbo, (moments,), rounds=3)


@pytest.mark.parametrize("trials", [1_000, 1_000_000])
def test_effective_number_of_trials(benchmark, trials):
    """Sketches of 64 blocks; beside it nothing fits: the correlation matrix of a million has 8 TB."""
    random = np.random.default_rng(1)
    moments = Moments(np.full(64, 39.0), random.standard_normal((trials, 64)), np.broadcast_to(40.0, (trials, 64)))
    assert 0.8 * trials < benchmark.pedantic(effective_trials, (moments,), rounds=2) <= trials
