"""PBO against a plain restatement on return matrices, and where the answer is known."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress, rankdata

from core.errors import UsageError
from optimize.statistics import overfitting
from optimize.statistics.moments import moments_of
from optimize.statistics.overfitting import pbo


def noise(trials, sessions=640, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal((trials, sessions))


def ratio(returns):
    """Sharpe ratios of (M, S) returns, 0 without spread."""
    spread = returns.std(axis=1, ddof=1)
    return np.divide(returns.mean(axis=1), spread, out=np.zeros(len(returns)), where=spread > 1e-12)


def restated(returns, parts):
    """(in-sample, out-of-sample, logit) of each split, from the returns themselves."""
    pieces, rows = np.split(np.arange(returns.shape[1]), parts), []
    for chosen in combinations(range(parts), parts // 2):
        inside = np.concatenate([pieces[part] for part in chosen])
        outside = np.concatenate([pieces[part] for part in range(parts) if part not in chosen])
        first, second = ratio(returns[:, inside]), ratio(returns[:, outside])
        best = first.argmax()
        rank = rankdata(second)[best] / (len(returns) + 1)
        rows.append((first[best], second[best], np.log(rank / (1 - rank))))
    return np.array(rows).T


@pytest.mark.parametrize(("trials", "parts"), [(2, 2), (7, 4), (50, 8), (1_100, 8)])
def test_the_restatement_agrees(trials, parts):
    returns = noise(trials)
    returns[:, :200] *= 2
    found, (in_sample, out_of_sample, logits) = pbo(moments_of(returns), parts), restated(returns, parts)
    np.testing.assert_allclose(found.in_sample, in_sample, rtol=1e-9)
    np.testing.assert_allclose(found.out_of_sample, out_of_sample, rtol=1e-9)
    np.testing.assert_allclose(found.logits, logits, atol=1e-9)
    assert found.pbo == pytest.approx(np.mean(logits < -1e-12) + np.mean(np.abs(logits) < 1e-12) / 2)
    assert found.loss == np.mean(out_of_sample < 0)
    line = linregress(in_sample, out_of_sample)
    assert (found.slope, found.intercept) == pytest.approx((line.slope, line.intercept))


@settings(max_examples=25)
@given(st.integers(2, 12), st.integers(0, 1_000), st.booleans())
def test_the_restatement_agrees_on_ties_and_idle_halves(trials, seed, copied):
    """Trials that hold cash for whole parts, and copies of one another."""
    returns = noise(trials, 64, seed)
    returns[::3, :32] = 0
    returns[1::3, 32:] = 0
    if copied:
        returns[1::2] = returns[: len(returns) // 2 * 2 : 2]
    found, (in_sample, _, logits) = pbo(moments_of(returns, 32), 4), restated(returns, 4)
    np.testing.assert_allclose(found.in_sample, in_sample, rtol=1e-9)
    np.testing.assert_allclose(found.logits, logits, atol=1e-9)


def test_every_half_is_in_sample_once():
    assert len(pbo(moments_of(noise(3))).logits) == 12_870


def test_a_real_edge_is_not_overfitted():
    returns = noise(20)
    returns[7] += 0.005
    found = pbo(moments_of(returns))
    assert found.pbo == found.loss == 0
    np.testing.assert_allclose(found.logits, np.log(20))


def test_selection_on_noise_says_nothing():
    found = [pbo(moments_of(noise(40, seed=seed)), 10).pbo for seed in range(100)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)


def test_a_trial_that_won_in_turns_is_overfitted():
    """Each trial wins in one half of the history and loses as much in the other."""
    sign = np.repeat(np.array([[1, -1], [-1, 1], [1, -1], [-1, 1]]), 320, axis=1)
    found = pbo(moments_of(noise(4) + 0.004 * sign), 2)
    assert found.pbo == found.loss == 1


def test_copies_are_all_the_median():
    found = pbo(moments_of(np.repeat(noise(1), 9, axis=0)), 8)
    assert found.pbo == 0.5 and not found.logits.any()


def test_trials_without_spread_or_number_are_left_out():
    returns = noise(10)
    padded = np.concatenate([np.zeros((5, 640)), returns, np.full((1, 640), np.nan)])
    assert pbo(moments_of(padded), 8).pbo == pbo(moments_of(returns), 8).pbo


def test_one_trial_or_no_history_has_no_answer():
    for returns in (noise(1), np.zeros((5, 640)), noise(5, 3), noise(5, 0)):
        found = pbo(moments_of(returns))
        assert np.isnan(found.pbo) and len(found.logits) == 0
        assert found.pairs().shape == (0, 2)


def test_a_short_history_has_fewer_parts():
    assert len(pbo(moments_of(noise(5, 13))).logits) == 20  # six blocks


def test_very_many_trials_see_a_part_of_the_splits(monkeypatch):
    moments = moments_of(noise(50))
    monkeypatch.setattr(overfitting, "EVALUATIONS", 50 * 3_000)
    some = pbo(moments)
    assert len(some.logits) == 3_000
    monkeypatch.undo()
    assert some.pbo == pytest.approx(pbo(moments).pbo, abs=0.05)


def test_pairs_are_few():
    found = pbo(moments_of(noise(5)))
    assert found.pairs(100).shape == (100, 2)
    np.testing.assert_array_equal(found.pairs(20_000), np.column_stack([found.in_sample, found.out_of_sample]))


@pytest.mark.parametrize("parts", [0, 3, 22])
def test_bad_parts(parts):
    with pytest.raises(UsageError, match=f"got {parts}"):
        pbo(moments_of(noise(3)), parts)
