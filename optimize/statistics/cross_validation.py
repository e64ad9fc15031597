"""Combinatorial purged cross-validation: many out-of-sample paths through one history, on block moments.

A group is a run of consecutive blocks; purge and embargo drop whole blocks beside a test group, so that no return
series is needed and every trial of a sweep can be selected from. Imports moments and core.errors.
"""

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np

from core.errors import UsageError
from optimize.statistics.moments import Moments, group_edges, sharpe

ROWS = 16_384
MOST_SPLITS = 100_000


class CrossValidation(NamedTuple):
    """Selection of the best trial in-sample on K splits, and the P paths put together from their test groups.

    Attributes:
        chosen: (K,) trial with the best Sharpe ratio in-sample, -1 where no trial has one.
        in_sample, out_of_sample: (K,) per-session Sharpe ratios of the chosen trial.
        paths: (P,) per-session Sharpe ratio of each whole path, every session out-of-sample once.
    """

    chosen: np.ndarray
    in_sample: np.ndarray
    out_of_sample: np.ndarray
    paths: np.ndarray


def splits(groups: int = 10, tests: int = 2) -> np.ndarray:
    """(K, tests) the test groups of each of the K = C(groups, tests) splits, in lexicographic order.

    Raises:
        UsageError: not 1 <= tests < groups, or more than 100,000 splits.
    """
    if not 1 <= tests < groups:
        raise UsageError(f"test groups are 1 or more and fewer than all {groups} groups, got {tests}: lower tests")
    if math.comb(groups, tests) > MOST_SPLITS:
        raise UsageError(f"{tests} test groups of {groups} make {math.comb(groups, tests):,} splits: take fewer groups")
    return np.array(list(combinations(range(groups), tests)))


def paths(groups: int = 10, tests: int = 2) -> np.ndarray:
    """(P, groups) the split from which path p takes group g; P = tests / groups * C(groups, tests).

    The p-th path takes from each group the p-th split that tests it, so that no test is used twice.
    Source: M. Lopez de Prado, "Advances in Financial Machine Learning" (2018), chapter 12.
    """
    tested = splits(groups, tests)
    return np.array([np.flatnonzero((tested == group).any(axis=1)) for group in range(groups)]).T


def cross_validate(
    moments: Moments, groups: int = 10, tests: int = 2, purge: int = 0, embargo: int = 0
) -> CrossValidation:
    """Select the best Sharpe ratio in-sample on every split and follow it through its test groups.

    purge: sessions left out of training on both sides of a test group; embargo: further ones after it. Both are rounded
    up to whole blocks: of ten daily years in 64 blocks, 39 or 40 sessions each.

    Raises:
        UsageError: fewer blocks than groups, a negative purge or embargo, or nothing left to train on.
    """
    if min(purge, embargo) < 0:
        raise UsageError(f"purge and embargo are 0 sessions or more, got {purge} and {embargo}: correct them")
    if len(moments.count) < groups:
        raise UsageError(f"{groups} groups need as many blocks, got {len(moments.count)}: lower groups or add sessions")
    tested = splits(groups, tests)
    test, train = _masks(moments.count, groups, tested, purge, embargo)
    if not train.any(axis=1).all():
        raise UsageError(f"a purge of {purge} and an embargo of {embargo} leave nothing to train on: lower them")
    chosen, in_sample = _best(moments, train)
    out_of_sample = _followed(moments, chosen, test)
    border = group_edges(len(moments.count), groups)
    home = np.repeat(np.arange(groups), np.diff(border))  # the group of each block
    trial = chosen[paths(groups, tests)][:, home]
    return CrossValidation(chosen, in_sample, out_of_sample, _along(moments, trial))


def _masks(
    count: np.ndarray, groups: int, tested: np.ndarray, purge: int, embargo: int
) -> tuple[np.ndarray, np.ndarray]:
    """(K, B) blocks tested, and blocks trained on, in each split."""
    border = group_edges(len(count), groups)
    home = np.repeat(np.arange(groups), np.diff(border))
    test = (tested[:, :, None] == home).any(axis=1)
    train = ~test
    for split, numbers in enumerate(tested):
        for group in numbers:
            before = _blocks_within(count[: border[group]][::-1], purge)
            after = _blocks_within(count[border[group + 1] :], purge + embargo)
            train[split, border[group] - before : border[group + 1] + after] = False
    return test, train


def _blocks_within(count: np.ndarray, sessions: int) -> int:
    """How many of these blocks, in order, are touched by this many sessions."""
    return int(np.searchsorted(np.cumsum(count), sessions) + 1) if sessions and len(count) else 0


def _best(moments: Moments, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per split the first trial with the highest Sharpe ratio over the blocks of `train`, and that ratio."""
    weight = train.T.astype(np.float64)
    chosen, best = np.full(len(train), -1), np.full(len(train), -np.inf)
    for start in range(0, len(moments.sum), ROWS):
        rows = slice(start, start + ROWS)
        ratio = sharpe(moments.count @ weight, moments.sum[rows] @ weight, moments.square[rows] @ weight)
        ratio = np.where(np.isfinite(ratio), ratio, -np.inf)
        top, at = ratio.max(axis=0), ratio.argmax(axis=0)
        chosen, best = np.where(top > best, start + at, chosen), np.maximum(top, best)
    return chosen, np.where(chosen < 0, np.nan, best)


def _followed(moments: Moments, chosen: np.ndarray, test: np.ndarray) -> np.ndarray:
    """(K,) Sharpe ratio of the chosen trial over its test blocks."""
    total, square = (np.where(test, each[chosen], 0.0).sum(axis=1) for each in moments[1:])
    return np.where(chosen < 0, np.nan, sharpe(test @ moments.count, total, square))


def _along(moments: Moments, trial: np.ndarray) -> np.ndarray:
    """(P,) Sharpe ratio of each path, whose trial in block b is trial[p, b]."""
    block = np.arange(len(moments.count))
    total, square = (each[trial, block].sum(axis=1) for each in moments[1:])
    return np.where((trial < 0).any(axis=1), np.nan, sharpe(moments.count.sum(), total, square))
