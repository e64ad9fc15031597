"""Where the outcomes of a sweep come from: a grid, random draws or an Optuna study, played here, in processes or on Dask."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from core.blocks import edges
from core.errors import BadSpec
from core.space import Space
from engine.trials import Player, Trials, player
from optimize import shared_bars
from optimize.executors import Executor, Here, Processes
from optimize.far_bars import FarBars
from optimize.memory import trials_together
from optimize.objective import Objective
from optimize.proposals import Proposal, proposals
from optimize.recipe import Numbered, Recipe
from optimize.searching import DEFAULT_TRIALS, Search

LARGEST_CHUNK = 128  # trials of one compiled call
BATCH = 8  # trials that Optuna proposes together, for each worker


class Outcome(NamedTuple):
    """Some numbered trials and what came out of them; `pruned` ones were not played to their end."""

    trials: Numbered
    played: Trials
    pruned: bool = False


def outcomes(search: Search, space: Space, objectives: Sequence[Objective], played: Player, most: int, key: str,
             done: set[int], far: FarBars | None = None) -> Iterator[Outcome]:
    """Play what is not done yet.

    Args:
        played: the run's player. most: trials there can be. key: equal for equal sweeps on equal data.
        done: numbers of trials that are known already. far: how Dask workers load the player's bars; None = they are sent.

    Raises:
        CerebrolabError: as `proposals`, `optimize.search.search` and the executors.
    """
    with _places(search, played, far) as place:
        if not search.optuna:
            new = (each for each in proposals(space, search.method, search.trials or DEFAULT_TRIALS, search.seed)
                   if each[0] not in done)
            for trials, made in place(None, None).play(_chunks(new, played, search, most)):
                yield Outcome(trials, made)
            return
        folds = [place(start, end) for start, end in windows(played.sessions, search.folds)]
        yield from _proposed(search, space, objectives, folds, played, key, done)


def windows(sessions: np.ndarray, folds: int) -> list[tuple[str | None, str | None]]:
    """First and last date of consecutive windows of equal length; (None, None) is all of them.

    Raises:
        BadSpec: there are fewer than two sessions for each.
    """
    if folds == 1:
        return [(None, None)]
    borders = np.arange(folds + 1) * len(sessions) // folds
    if len(sessions) < 2 * folds:
        raise BadSpec(f"folds is {folds} and there are {len(sessions)} sessions: name fewer folds or more data")
    return [(str(sessions[first]), str(sessions[last - 1])) for first, last in pairwise(borders.tolist())]


def block_counts(sessions: np.ndarray, folds: int) -> np.ndarray:
    """(B,) int64 sessions in each block of a trial's moments, the blocks of all folds one after the other."""
    borders = np.arange(folds + 1) * len(sessions) // folds
    return np.concatenate([np.diff(edges(length)) for length in np.diff(borders).tolist()])


def _proposed(search: Search, space: Space, objectives: Sequence[Objective], folds: list[Executor], played: Player, key: str,
              done: set[int]) -> Iterator[Outcome]:
    """What Optuna proposes, and what the study has from elsewhere that is not known here."""
    from optimize.search import finished, replayed
    from optimize.search import search as searched
    from optimize.study import close_study, open_study

    study = open_study(search.storage, search.study or key, objectives, search.method, search.seed, space, {"sweep": key})
    try:
        here = set(done)
        workers = search.jobs or os.cpu_count() or 1
        trials = search.trials or DEFAULT_TRIALS
        for one in searched(study, space, objectives, folds, trials, batch=BATCH * workers if search.dask else BATCH):
            here.add(one.number)
            yield Outcome([(one.number, one.params)], one.trials, one.state == "pruned")
        missing = [each for each in finished(study, space) if each[0] not in here]
        for numbered in _chunks(iter(missing), played, search, len(missing)):
            for trials_again, made in replayed(folds, numbered):
                yield Outcome(trials_again, made)
    finally:
        close_study(study)


def _chunks(found: Iterator[Proposal], played: Player, search: Search, most: int) -> Iterator[list[Proposal]]:
    """Large enough that a compiled call is worth it, smaller towards the end so that all workers end together."""
    workers = search.jobs or os.cpu_count() or 1
    left, least = most, max(most // (16 * workers), 1)
    largest = min(LARGEST_CHUNK, trials_together(played.traded.shape))
    while True:
        size = min(max(left // (4 * workers), least), largest) if played.engine == "twin" else 1 if most <= 1000 else 4
        chunk = list(islice(found, size))
        if not chunk:
            return
        yield chunk
        left -= len(chunk)


@contextmanager
def _places(search: Search, played: Player, far: FarBars | None) -> Iterator[Any]:
    """A function from a window (start, end) to the executor that plays it."""
    jobs = search.jobs or os.cpu_count() or 1
    with ExitStack() as stack:
        if search.dask is None and (played.engine == "twin" or jobs == 1):
            def place(start: str | None, end: str | None) -> Executor:
                whole = start is None and end is None
                own = played if whole else player(played.spec, played.bars, search.engine, start, end)
                return stack.enter_context(Here(own, jobs))
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cerebrolab-"))
            where = far or shared_bars.write(played.bars, folder)

            def place(start: str | None, end: str | None) -> Executor:
                recipe = Recipe.of(played.spec, where, search.engine, start, end)
                if search.dask is None:
                    return stack.enter_context(Processes(recipe, jobs))
                from optimize.dask_cluster import Dask

                return stack.enter_context(Dask(recipe, search.dask))
        yield place
