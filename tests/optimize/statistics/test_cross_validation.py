"""Splits, paths and purging against skfolio; selection against a restatement."""

import warnings

import numpy as np
import pytest

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.cross_validation import cross_validate, paths, splits
from optimize.statistics.moments import moments_of


def noise(trials, sessions, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal((trials, sessions))


def peer(groups, tests, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skfolio.model_selection import CombinatorialPurgedCV

    return CombinatorialPurgedCV(n_folds=groups, n_test_folds=tests, **options)


def per_session(returns):
    return metrics.sharpe(returns, 1)


@pytest.mark.parametrize(("groups", "tests"), [(6, 2), (10, 2), (10, 8), (7, 3)])
def test_splits_and_paths_are_those_of_skfolio(groups, tests):
    theirs = peer(groups, tests)
    assert len(splits(groups, tests)) == theirs.n_splits
    assert paths(groups, tests).shape == (theirs.n_test_paths, groups)
    np.testing.assert_array_equal(splits(groups, tests), theirs.test_set_index)
    np.testing.assert_array_equal(paths(groups, tests), np.asarray(theirs.recombined_paths).T)


def test_the_example_of_the_book():
    """Six groups, two of them tests: 15 splits and 5 paths."""
    assert len(splits(6, 2)) == 15
    assert len(paths(6, 2)) == 5


@pytest.mark.parametrize(("purge", "embargo"), [(0, 0), (2, 0), (3, 5)])
def test_selection_is_that_of_skfolio_splits(purge, embargo):
    """A block as long as one row of theirs, so that whole blocks are the very sessions they purge."""
    length, groups = 3, 6
    returns = noise(20, groups * 10 * length)
    moments = moments_of(returns, groups * 10)
    found = cross_validate(moments, groups, 2, purge * length, embargo * length)
    theirs = peer(groups, 2, purged_size=purge, embargo_size=embargo)
    for split, (train, tests) in enumerate(theirs.split(np.zeros((groups * 10, 1)))):
        of_train, of_test = (
            returns.reshape(20, -1, length)[:, rows].reshape(20, -1) for rows in (train, np.concatenate(tests)))
        ratios = [per_session(each) for each in of_train]
        assert found.chosen[split] == np.argmax(ratios)
        assert found.in_sample[split] == pytest.approx(max(ratios))
        assert found.out_of_sample[split] == pytest.approx(per_session(of_test[np.argmax(ratios)]))


def test_a_path_is_put_together_from_its_splits():
    returns = noise(5, 600)
    found = cross_validate(moments_of(returns, 60), 6, 2)
    for path, row in enumerate(paths(6, 2)):
        pieces = [returns[found.chosen[split], 100 * group : 100 * group + 100] for group, split in enumerate(row)]
        assert found.paths[path] == pytest.approx(per_session(np.concatenate(pieces)))


def test_a_part_of_a_block_is_purged_whole():
    """The winner owes its lead to the block beside the test group alone."""
    returns = noise(2, 640)
    returns[1] -= returns[1].reshape(64, 10).mean(axis=1).repeat(10)
    returns[1, 320:330] += 1.0  # the first block of the sixth group
    moments = moments_of(returns)
    of_fifth = np.flatnonzero((splits(10, 1) == 4).any(axis=1))
    whole, purged = cross_validate(moments, 10, 1), cross_validate(moments, 10, 1, purge=1)
    assert whole.chosen[of_fifth] == 1
    assert purged.in_sample[of_fifth] < whole.in_sample[of_fifth]


def test_a_real_edge_is_found_on_every_path():
    returns = noise(100, 2_520)
    returns[42] += 0.002
    found = cross_validate(moments_of(returns))
    assert (found.chosen == 42).all()
    assert found.paths == pytest.approx(np.full(9, per_session(returns[42])))


def test_many_trials_go_in_chunks(monkeypatch):
    moments = moments_of(noise(50, 1_000))
    whole = cross_validate(moments)
    monkeypatch.setattr("optimize.statistics.cross_validation.ROWS", 7)
    for one, other in zip(cross_validate(moments), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_nothing_to_select_from_is_nan():
    found = cross_validate(moments_of(np.stack([np.zeros(640), np.full(640, np.nan)])))
    assert (found.chosen == -1).all()
    assert np.isnan(found.in_sample).all() and np.isnan(found.out_of_sample).all() and np.isnan(found.paths).all()


@pytest.mark.parametrize(("options", "words"), [
    (dict(tests=0), "got 0: lower tests"), (dict(tests=10), "got 10: lower tests"), (dict(groups=65), "65 groups need"),
    (dict(purge=-1), "got -1 and 0"), (dict(embargo=5_000, purge=5_000), "nothing to train on"),
    (dict(groups=40, tests=20), "take fewer groups"),
])
def test_bad_input(options, words):
    with pytest.raises(UsageError, match=words):
        cross_validate(moments_of(noise(3, 640)), **options)
