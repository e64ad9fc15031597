"""`search`: Optuna proposes, the executors play, Optuna is told; any number of processes may share the study.

Imports core, engine, optimize.claims, optimize.executors, optimize.objective and optimize.study.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from core.errors import UsageError
from core.measures import MEASURES
from core.space import Space
from engine.trials import Trials
from optimize.claims import Claim, Claims, is_complete
from optimize.executors import Executor
from optimize.objective import Objective
from optimize.recipe import Numbered
from optimize.study import params_of

if TYPE_CHECKING:
    import optuna

MOST_REFUSED = 64  # trials in a row that the strategy refuses


class Played(NamedTuple):
    """A trial that was played, or refused.

    Attributes:
        number: Optuna's. params: names as in `-p`. state: "complete", "pruned", "failed" (the objective is NaN) or
            "refused" (could not be played, and does not count).
        trials: one row; with folds the measures are means over the folds played, their blocks one after the other, NaN
            in a fold that was not played.
    """

    number: int
    params: Mapping[str, Any]
    trials: Trials
    state: str


def search(study: "optuna.Study", space: Space, objectives: Sequence[Objective], folds: Sequence[Executor], trials: int,
           batch: int = 8, chunk: int = 1) -> Iterator[Played]:
    """Play trials until the study has `trials` of them, over all processes and sessions; finished ones are kept.

    Args:
        study: of `open_study`. folds: an executor for each consecutive window; the objective is the mean over them, and a
            trial that is below the median of the others so far is not played on. batch: trials that are proposed
            together. chunk: trials in a chunk of the executor.

    Raises:
        BadSpec: the rules of the space allow (almost) nothing. UsageError: the strategy refuses everything, or the
            objective is NaN for every trial. SourceUnavailable, StoreFailed: the storage does not answer any more.
    """
    with Claims(study, space) as claims:
        refused = 0
        while True:
            asked = claims.take(trials, batch)
            if not asked:
                break
            for played in _play(claims, asked, objectives, folds, chunk):
                refused = refused + 1 if played.state == "refused" else 0
                yield played
                if refused >= MOST_REFUSED:
                    raise UsageError(f"the strategy refused {refused} sets of parameters in a row, the last, {dict(played.params)}: "
                                     f"{played.trials.problems[0]}; narrow the ranges")
    known = study.get_trials(deepcopy=False)
    if known and not any(trial.values for trial in known):
        names = ", ".join(each.metric for each in objectives)
        raise UsageError(f"{names} is NaN for every one of {trials} trials: choose another objective, or a longer period")


def finished(study: "optuna.Study", space: Space) -> list[tuple[int, dict[str, Any]]]:
    """Number and parameters of the trials that earlier sessions, or other processes, have completed."""
    return [(trial.number, params_of(space, trial.params)) for trial in study.get_trials(deepcopy=False) if is_complete(trial)]


def replayed(folds: Sequence[Executor], trials: Numbered) -> Iterator[tuple[Numbered, Trials]]:
    """Trials, and what comes out of each when it is played on every fold."""
    rows: dict[int, list[Trials]] = {number: [] for number, _ in trials}
    for executor in folds:
        for part, made in executor.play([trials]):
            for at, (number, _) in enumerate(part):
                rows[number].append(_row(made, at))
    for one in trials:
        yield [one], _joined(rows[one[0]], folds_missing=0)


def _play(claims: Claims, asked: list[Claim], objectives: Sequence[Objective], folds: Sequence[Executor],
          chunk: int) -> Iterator[Played]:
    """Play a batch, fold after fold; what has come to an end is told."""
    alive = {each.number: each for each in asked}
    columns = [MEASURES.index(each.metric) for each in objectives]
    for fold, executor in enumerate(folds):
        numbered = [(each.number, each.params) for each in alive.values()]
        for part, rows in executor.play(numbered[at : at + chunk] for at in range(0, len(numbered), chunk)):
            for at, (number, _) in enumerate(part):
                one = alive[number]
                one.folds.append(_row(rows, at))
                state = claims.told(one, columns, last=fold == len(folds) - 1)
                if state:
                    del alive[number]
                    yield Played(number, one.params, _joined(one.folds, folds_missing=len(folds) - fold - 1), state)


def _row(rows: Trials, at: int) -> Trials:
    part = slice(at, at + 1)
    return Trials(rows.measures[part], rows.count, rows.sum[part], rows.square[part], rows.problems[part])


def _joined(folds: Sequence[Trials], folds_missing: int) -> Trials:
    if len(folds) == 1 and not folds_missing:
        return folds[0]
    last = folds[-1]
    blank = np.full_like(last.sum, np.nan)
    return Trials(np.mean([fold.measures for fold in folds], axis=0),
                  np.concatenate([fold.count for fold in folds] + [last.count] * folds_missing),
                  np.concatenate([fold.sum for fold in folds] + [blank] * folds_missing, axis=1),
                  np.concatenate([fold.square for fold in folds] + [blank] * folds_missing, axis=1), last.problems)
