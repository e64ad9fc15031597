"""Probability of backtest overfitting: how often the best trial in-sample is below the median out-of-sample.

Combinatorially symmetric cross-validation on block moments: every half of the parts is in-sample once, so the Sharpe
ratios are exact while no return series is kept. Imports moments and core.errors.
"""

from functools import lru_cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numba import njit

from core.errors import UsageError
from optimize.statistics.moments import NO_SPREAD, Moments, merged, whole_sharpe

TRIALS_AT_ONCE = 1024
EVALUATIONS = 1_000_000_000  # Sharpe ratios in all; beyond it a random part of the splits is taken


class Overfitting(NamedTuple):
    """What selection by in-sample Sharpe ratio was worth out-of-sample, over K splits.

    Attributes:
        pbo: part of the splits whose logit is negative, a logit of 0 (the median) counting half; NaN below 2 trials.
        loss: part of the splits in which the selected trial lost money out-of-sample.
        slope, intercept: of the line out_of_sample = intercept + slope * in_sample (performance degradation).
        logits: (K,) log odds of the selected trial's relative rank out-of-sample.
        in_sample, out_of_sample: (K,) per-session Sharpe ratios of the selected trial.
    """

    pbo: float
    loss: float
    slope: float
    intercept: float
    logits: np.ndarray
    in_sample: np.ndarray
    out_of_sample: np.ndarray

    def pairs(self, most: int = 1000) -> np.ndarray:
        """(<= most, 2) in-sample and out-of-sample Sharpe ratios for a scatter plot, evenly taken from the splits."""
        rows = np.unique(np.linspace(0, len(self.logits) - 1, min(most, len(self.logits))).astype(np.int64))
        return np.column_stack([self.in_sample[rows], self.out_of_sample[rows]])


def pbo(moments: Moments, parts: int = 16, seed: int = 0) -> Overfitting:
    """Probability of backtest overfitting of M trials, over all C(parts, parts/2) splits of the sessions.

    Trials that never traded (no spread) or have NaN are left out; where a trial has no spread within one half its
    Sharpe ratio there is 0: it held cash. Ties share their mean rank; of equal trials in-sample the first is selected.
    More than about 78,000 trials see a seeded random part of the splits.

    Source: D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu, "The Probability of Backtest Overfitting", Journal of
    Computational Finance 20 (2017).

    Raises:
        UsageError: `parts` is odd or outside 2 to 20.
    """
    if parts % 2 or not 2 <= parts <= 20:
        raise UsageError(f"the sessions are cut into an even number of parts from 2 to 20, got {parts}: 16 is usual")
    known = np.flatnonzero(np.isfinite(whole_sharpe(moments)))
    available = min(parts, len(moments.count)) // 2 * 2
    if len(known) < 2 or available < 2:
        empty = np.empty(0)
        return Overfitting(np.nan, np.nan, np.nan, np.nan, empty, empty, empty)
    count, total, square = merged(moments, available)
    inside = _halves(available, min(max(200, EVALUATIONS // len(known)), comb(available, available // 2)), seed)
    in_sample, out_of_sample, below, ties = _select(
        count, _chunked(total[known]), _chunked(square[known]), len(known), inside)
    return _summary(in_sample, out_of_sample, (below + (ties + 1) / 2) / (len(known) + 1))


@lru_cache(maxsize=2)
def _halves(parts: int, most: int, seed: int) -> np.ndarray:
    """(K, parts) True where a part is in-sample: every half, or `most` of them at random."""
    chosen = np.array(list(combinations(range(parts), parts // 2)))
    if len(chosen) > most:
        chosen = chosen[np.random.default_rng(seed).choice(len(chosen), most, replace=False)]
    inside = np.zeros((len(chosen), parts), dtype=np.bool_)
    np.put_along_axis(inside, chosen, True, axis=1)
    return inside


def _chunked(values: np.ndarray) -> np.ndarray:
    """(chunks, parts, width) of (M, parts), filled up with zeros; a chunk fits in the processor's cache."""
    width = min(len(values), TRIALS_AT_ONCE)
    chunks = -(-len(values) // width)
    padded = np.zeros((chunks * width, values.shape[1]))
    padded[: len(values)] = values
    return np.ascontiguousarray(padded.reshape(chunks, width, -1).transpose(0, 2, 1))


def _summary(in_sample: np.ndarray, out_of_sample: np.ndarray, relative_rank: np.ndarray) -> Overfitting:
    logits = np.log(relative_rank / (1 - relative_rank))
    logits[np.abs(logits) < 1e-12] = 0.0
    apart = in_sample - in_sample.mean()
    spread = float(apart @ apart)
    slope = float(apart @ out_of_sample) / spread if spread > 0 else np.nan
    return Overfitting(
        pbo=float((logits < 0).mean() + (logits == 0).mean() / 2), loss=float((out_of_sample < 0).mean()), slope=slope,
        intercept=float(out_of_sample.mean() - slope * in_sample.mean()), logits=logits, in_sample=in_sample,
        out_of_sample=out_of_sample)


# -- compiled -----------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, error_model="numpy")
def _select(count, total, square, trials, inside):
    """Per split: both Sharpe ratios of the best trial in-sample, and the trials below and equal to it out-of-sample."""
    splits, chunks = len(inside), len(total)
    best, below, ties = np.zeros(splits, np.int64), np.zeros(splits), np.zeros(splits)
    in_sample, out_of_sample = np.full(splits, -np.inf), np.empty(splits)
    ratios, squares = np.empty(total.shape[2]), np.empty(total.shape[2])
    for chunk in range(chunks):
        first = chunk * total.shape[2]
        for split in range(splits):
            _ratios(count, total[chunk], square[chunk], inside[split], True, ratios, squares)
            for trial in range(min(len(ratios), trials - first)):
                if ratios[trial] > in_sample[split]:
                    in_sample[split], best[split] = ratios[trial], first + trial
    for split in range(splits):
        chunk, trial = divmod(best[split], total.shape[2])
        one = np.ascontiguousarray(total[chunk, :, trial : trial + 1])
        of_squares = np.ascontiguousarray(square[chunk, :, trial : trial + 1])
        _ratios(count, one, of_squares, inside[split], False, ratios[:1], squares[:1])
        out_of_sample[split] = ratios[0]
    for chunk in range(chunks):
        for split in range(splits):
            _ratios(count, total[chunk], square[chunk], inside[split], False, ratios, squares)
            for trial in range(min(len(ratios), trials - chunk * total.shape[2])):
                below[split] += ratios[trial] < out_of_sample[split]
                ties[split] += ratios[trial] == out_of_sample[split]
    return in_sample, out_of_sample, below, ties


@njit(cache=True, nogil=True, error_model="numpy")
def _ratios(count, total, square, inside, side, ratios, squares):
    """Sharpe ratios of every trial over the parts whose `inside` is `side`, into `ratios`; 0 without spread."""
    sessions = 0.0
    ratios[:] = 0.0
    squares[:] = 0.0
    for part in range(len(count)):
        if inside[part] == side:
            sessions += count[part]
            for trial in range(len(ratios)):
                ratios[trial] += total[part, trial]
                squares[trial] += square[part, trial]
    for trial in range(len(ratios)):
        mean = ratios[trial] / sessions
        spread = squares[trial] - ratios[trial] * mean
        moved = spread > NO_SPREAD * squares[trial]
        ratios[trial] = mean / np.sqrt(max(spread, 1e-300) / (sessions - 1)) if moved else 0.0
