"""Timing luck: one and the same strategy on every rebalance day it could have had. Imports core and engine."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzers.metrics import sessions_a_year
from core.errors import BadSpec
from core.measures import MEASURES
from engine.trials import Player


class TimingLuck(NamedTuple):
    """What the choice of the rebalance day alone was worth.

    Attributes:
        played: (offset, its measures), in the order of the offsets.
        luck: annual standard deviation of the returns between the offsets, NaN for a single one.
    """

    played: tuple[tuple[dict[str, Any], dict[str, float]], ...]
    luck: float

    def spread(self, metric: str) -> tuple[float, float]:
        """Lowest and highest value of a measure; NaN where no offset has one."""
        values = np.array([measures[metric] for _, measures in self.played])
        known = values[~np.isnan(values)]
        return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def timing_luck(played_by: Player, params: Mapping[str, Any], offsets: Mapping[str, Sequence[Any]]) -> TimingLuck:
    """Play one trial on all of its rebalance days.

    The standard deviation between the offsets is taken in each block of sessions, so that days on which they only trade
    at other moments even out. Source: C. Hoffstein, J. Sibears and N. Faber, "Rebalance Timing Luck: The Difference
    between Hired and Fired", Journal of Index Investing 10 (2019).

    Args:
        params: the trial. offsets: parameter -> all its values (a strategy's `timing`), each combination is played.

    Raises:
        BadSpec: there is no offset, or one cannot be played.
    """
    moved = [dict(zip(offsets, values, strict=True)) for values in itertools.product(*offsets.values())] if offsets else []
    if not moved:
        raise BadSpec(f"{played_by.spec.strategy} names no rebalance offsets: state timing = {{parameter: values}} in it")
    trials = played_by.play([{**params, **offset} for offset in moved])
    for offset, problem in zip(moved, trials.problems, strict=True):
        if problem:
            raise BadSpec(f"offset {offset} cannot be played: {problem}")
    measures = [dict(zip(MEASURES, row, strict=True)) for row in trials.measures.tolist()]
    return TimingLuck(tuple(zip(moved, measures, strict=True)),
                      dispersion(trials.sum, trials.count, sessions_a_year(played_by.bars)))


def dispersion(sums: np.ndarray, count: np.ndarray, periods: float) -> float:
    """Annual standard deviation (ddof=1) between K return series, from their (K, B) block sums of `count` (B,) sessions."""
    if len(sums) < 2:
        return np.nan
    return float(np.sqrt(sums.var(axis=0, ddof=1).sum() / count.sum() * periods))
