"""Plateau: how the best trial of a sweep stands among its neighbours; a lone peak is likely to be luck.

On a grid the neighbours are one step away in one dimension; elsewhere they are the nearest trials. Imports core,
optimize.result and scipy.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from core.space import Choice, Dimension, Range
from optimize.result import SweepResult

NONE = -1  # no neighbour


class Plateau(NamedTuple):
    """The best trial among its neighbours, in units of the first objective's metric.

    Attributes:
        metric: name of the metric. best: its value at the best trial.
        neighbours: indices of the best trial's neighbours that were tried.
        mean, worst: over the neighbours that have a value; NaN where none has.
        positive: part of the neighbours with a value above 0; NaN without a neighbour.
        robust: index of the trial with the best mean of itself and its neighbours, the first of equal ones; trials
            without a neighbour are passed over where others have one. number: its number in the sweep.
        robust_mean: that mean.
    """

    metric: str
    best: float
    neighbours: tuple[int, ...]
    mean: float
    worst: float
    positive: float
    robust: int
    number: int
    robust_mean: float


def plateau(result: SweepResult) -> Plateau | None:
    """The plateau of a sweep's best trial; None without a best trial or without a number to change.

    Texts and switches have no order: on a grid neighbours share them; elsewhere two different ones are as far apart as
    the ends of a range.
    """
    dimensions = {name: each for name, each in result.space.dimensions.items()
                  if (result.columns[name] != result.columns[name][0]).any()} if result.best >= 0 else {}
    if not any(_ordered(each) for each in dimensions.values()):
        return None
    columns = [result.columns[name] for name in dimensions]
    if result.method == "grid":
        places = np.column_stack([_places(each, values) for each, values in zip(dimensions.values(), columns, strict=True)])
        near = grid_neighbours(places, [_ordered(each) for each in dimensions.values()])
    else:
        points = np.column_stack([_scaled(each, values) for each, values in zip(dimensions.values(), columns, strict=True)])
        near = nearest_neighbours(points, 2 * len(dimensions))
    return _measured(result, near)


def _measured(result: SweepResult, near: np.ndarray) -> Plateau:
    objective = result.objectives[0]
    means = neighbourhood_means(objective.score(result.objective), near)
    neighbours = near[result.best][near[result.best] != NONE]
    values = result.objective[neighbours]
    known = values[~np.isnan(values)]
    worst = (np.max if objective.minimize else np.min)(known) if len(known) else np.nan
    robust = int(np.nanargmax(means))
    return Plateau(
        metric=objective.metric, best=float(result.objective[result.best]), neighbours=tuple(neighbours.tolist()),
        mean=float(known.mean()) if len(known) else np.nan, worst=float(worst),
        positive=float((values > 0).mean()) if len(values) else np.nan,
        robust=robust, number=int(result.numbers[robust]), robust_mean=float(objective.score(means[robust])))


# -- on arrays ----------------------------------------------------------------------------------------


def neighbourhood_means(scores: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(M,) mean of each score and those of its neighbours, NaN ones left out; NaN where a trial's own score is.

    NaN too for trials without a neighbour that has a score, unless no trial has one.

    Args:
        scores: (M,). near: (M, K) indices of neighbours, -1 where there is none.
    """
    known = ~np.isnan(scores)
    total, count = np.where(known, scores, 0.0), known.astype(np.int64)
    for column in near.T:
        there = (column != NONE) & known[column]
        total = total + np.where(there, scores[column], 0.0)
        count = count + there
    candidates = known & (count > 1)
    if not candidates.any():
        candidates = known
    return np.divide(total, count, out=np.full(len(scores), np.nan), where=candidates)


def grid_neighbours(places: np.ndarray, ordered: Sequence[bool]) -> np.ndarray:
    """(M, 2K) index of the trial one step down and one up in each of the K ordered dimensions; -1 where there is none.

    Args:
        places: (M, D) place of each trial in each dimension, from 0. ordered: for each dimension, whether it has steps.
    """
    lengths = places.max(axis=0) + 3  # a step beyond either end is a place of its own
    strides = np.cumprod(np.r_[1, lengths[::-1]])[-2::-1]
    key = (places + 1) @ strides
    order = np.argsort(key, kind="stable")
    steps = strides[np.asarray(ordered, dtype=bool)]
    near = np.empty((len(key), 2 * len(steps)), dtype=np.int64)
    for at, step in enumerate(np.repeat(steps, 2)):
        wanted = key + (step if at % 2 else -step)
        found = order[np.minimum(np.searchsorted(key[order], wanted), len(order) - 1)]
        near[:, at] = np.where(key[found] == wanted, found, NONE)
    return near


def nearest_neighbours(points: np.ndarray, count: int) -> np.ndarray:
    """(M, count) indices of the nearest other points by Euclidean distance, nearest first; -1 where there are fewer.

    Of equal points only the first is a neighbour, of others than its equals.
    """
    from scipy.spatial import KDTree

    own, first, copy = np.unique(points, axis=0, return_index=True, return_inverse=True)
    copy = copy.reshape(-1)
    near = np.full((len(points), count), NONE, dtype=np.int64)
    asked = min(count + 1, len(own))
    if asked > 1:
        found = KDTree(own).query(own, k=asked)[1]
        near[:, : asked - 1] = first[found[:, 1:]][copy]  # the nearest of all is the point itself
    return near


# -- places and distances -----------------------------------------------------------------------------


def _ordered(dimension: Dimension) -> bool:
    values = dimension.values if isinstance(dimension, Choice) else ()
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _places(dimension: Dimension, values: np.ndarray) -> np.ndarray:
    """Place of each value in the dimension: by size, or as listed where it has no order."""
    if not _ordered(dimension):
        listed = {dimension[at]: at for at in range(len(dimension))}
        return np.array([listed[value] for value in values])
    steps = np.sort([float(dimension[at]) for at in range(len(dimension))])
    return np.searchsorted((steps[1:] + steps[:-1]) / 2, values.astype(np.float64))


def _scaled(dimension: Dimension, values: np.ndarray) -> np.ndarray:
    """(M, 1) values from 0 to 1, by logarithm where the range is; (M, n) for n values without order, all 1 apart."""
    if not _ordered(dimension):
        texts = np.array(list(map(str, values)))
        return (texts[:, None] == np.unique(texts)) / np.sqrt(2)
    numbers = values.astype(np.float64)
    if isinstance(dimension, Range) and dimension.log:
        numbers = np.log(numbers)
    return ((numbers - numbers.min()) / np.ptp(numbers))[:, None]
