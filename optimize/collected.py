"""Collected: the trials of a sweep as they come in, in columns, with a bound on what is kept of each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.measures import MEASURES
from engine.trials import Trials
from optimize.statistics.moments import Moments

MOST_KEPT = 20_000  # trials whose block moments are kept: 20 MB


class Columns(NamedTuple):
    """All trials in order of their numbers; fields as in `optimize.result.SweepResult`."""

    numbers: np.ndarray
    columns: dict[str, np.ndarray]
    metrics: dict[str, np.ndarray]
    kept: np.ndarray
    moments: Moments


class Collected:
    """Takes batches of trials in any order.

    Args:
        names: of the parameters. most: trials there can be at most; of many, every n-th keeps its moments.

    Attributes:
        failed: trials that could not be played. problem: why the first of them could not.
    """

    def __init__(self, names: Sequence[str], most: int) -> None:
        self._stride = -(-most // MOST_KEPT) if most else 1
        self._numbers: list[np.ndarray] = []
        self._values: dict[str, list[Any]] = {name: [] for name in names}
        self._measures: list[np.ndarray] = []
        self._kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._count = np.ones(1)
        self._seen: set[int] = set()
        self.failed = 0
        self.problem = ""

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, trials: Sequence[tuple[int, Mapping[str, Any]]], outcome: Trials) -> np.ndarray:
        """Take a batch; returns (m,) bool, which of its trials are new and could be played."""
        listed = [number for number, _ in trials]
        new = self._new(listed, outcome.problems)
        taken = np.array(new, bool)
        for name, values in self._values.items():
            values += [params[name] for (_, params), fresh in zip(trials, new, strict=True) if fresh]
        numbers = np.array(listed, np.int64)
        kept = taken & (numbers % self._stride == 0)
        self._count = outcome.count
        self._numbers.append(numbers[taken])
        self._measures.append(outcome.measures[taken])
        self._kept.append((numbers[kept], outcome.sum[kept], outcome.square[kept]))
        return taken

    def _new(self, numbers: list[int], problems: Sequence[str]) -> list[bool]:
        """Which of a batch could be played and are not known yet."""
        new = []
        for number, problem in zip(numbers, problems, strict=True):
            new.append(not problem and number not in self._seen)
            if problem:
                self.failed += 1
                self.problem = self.problem or problem
            else:
                self._seen.add(number)
        return new

    def columns(self) -> Columns:
        """Everything taken so far."""
        numbers = np.concatenate([np.empty(0, np.int64), *self._numbers])
        order = np.argsort(numbers)
        table = np.concatenate([np.empty((0, len(MEASURES))), *self._measures])[order]
        kept = np.concatenate([np.empty(0, np.int64), *(numbers for numbers, _, _ in self._kept)])
        rows = np.argsort(kept)
        blank = np.empty((0, len(self._count)))
        moments = Moments(np.asarray(self._count, np.float64), *(
            np.concatenate([blank, *(part[at] for part in self._kept)])[rows] for at in (1, 2)))
        return Columns(
            numbers[order], {name: _column(values)[order] for name, values in self._values.items()},
            {name: table[:, at] for at, name in enumerate(MEASURES)}, np.searchsorted(numbers[order], kept[rows]), moments)


def _column(values: list[Any]) -> np.ndarray:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.int64 if all(isinstance(value, int) for value in values) else np.float64)
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
