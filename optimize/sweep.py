"""`sweep`: try many sets of parameters, record every one, and say how much of the best to believe."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from core.bars import Bars
from core.errors import BadSpec, UsageError
from core.measures import MEASURES
from core.space import Dimension, Space, as_dimensions
from core.spec import RunSpec
from engine.build import default_of
from engine.cerebro import rare_collections
from engine.loading import load
from engine.resolve import strategy_class
from engine.trials import Player, player
from engine.twin.batch import compiled
from journal import Journal
from optimize import parity
from optimize.collected import Collected, Columns
from optimize.evidence import counted
from optimize.far_bars import FarBars
from optimize.gate import judge
from optimize.objective import Objective, read_objectives
from optimize.outcomes import block_counts, outcomes
from optimize.proposals import bound
from optimize.recorded import Recorded, head_of, trials_of
from optimize.result import Agreement, SweepResult
from optimize.searching import DEFAULT_TRIALS, Search
from optimize.statistics.effective import effective_trials
from optimize.statistics.overfitting import pbo

log = logging.getLogger(__name__)
MANY = 1_000_000  # trials beyond which a sweep wants to be asked for twice
Progress = Callable[[int, int, str], Any]


def sweep(spec: RunSpec, space: Space | Mapping[str, Any] | None = None, *, bars: Bars | None = None, store: Any = None,
          journal: Journal | None = None, progress: Progress | None = None, search: Search | None = None,
          **options: Any) -> SweepResult:
    """Try every set of parameters a search proposes.

        sweep(RunSpec(strategy="GoldenCross", symbols=("AAPL",)), {"fast": Range(5, 100, 5)}, method="grid")

    Args:
        spec: the run that the trials vary. space: what to try; None = the strategy's own; a mapping has the rules of the
            strategy's own.
        bars: what to play on, instead of what the spec's source delivers. store: as in `engine.run`.
        journal: where every trial is recorded; an interrupted sweep is gone on with. None records nothing.
        progress: called with (trials done, trials in all, rate and best so far).
        search: how; or the fields of `Search` by name.

    Raises:
        CerebrolabError: anything the user can put right; trials that were played before are in the ledger.
    """
    started = time.perf_counter()
    search = search or Search(**options)
    objectives = read_objectives(search.objective)
    space = _space_of(spec, space)
    far = None
    if bars is None:
        bars = load(spec, store)
        far = FarBars.of(spec, store, bars) if search.dask else None
    if far:
        log.info("the Dask workers load the bars from %s", far.place)
    played = player(spec, bars, search.engine)
    most = _bounded(space, search)
    collected = Collected(space.names, most)
    head = head_of(played, space, search.method, search.objective, search.seed, search.folds)
    with rare_collections(), Recorded(journal, head) as recorded:
        pruned = 0
        for batch in recorded.earlier():
            complete = ~np.isnan(batch.sum).any(axis=1)
            collected.add(*trials_of(batch, complete, block_counts(played.sessions, search.folds)))
            pruned += int((~complete).sum())
        told = _Telling(progress, most, objectives[0])
        if played.engine == "twin" and not compiled():
            told.text("compiling the twin, once: about a minute")
        for trials, outcome, stopped in outcomes(search, space, objectives, played, most, head.key, set(recorded.done.tolist()), far):
            taken = np.ones(len(trials), bool) if stopped else collected.add(trials, outcome)
            recorded.add(trials, outcome, taken)
            pruned += len(trials) * stopped
            told.batch(len(collected), outcome.measures)
        columns = collected.columns()
        best = _best(columns, objectives, collected)
        recorded.flush(finished=True)
        seconds = time.perf_counter() - started
    result = SweepResult(
        spec=played.spec, bars=bars, space=space, method=search.method, objectives=objectives, engine=played.engine,
        obstacle=played.obstacle, numbers=columns.numbers, columns=columns.columns, metrics=columns.metrics,
        kept=columns.kept, moments=columns.moments, best=best[0], front=best, best_run=None, agreement=Agreement(None),
        seconds=seconds, pruned=pruned, failed=collected.failed, sweep_id=recorded.sweep_id, warnings=_warnings(collected))
    if search.verify:
        result = _verified(result, played, search)
    return _judged(result, played, journal, head.strategy) if search.statistics else result


def _space_of(spec: RunSpec, space: Space | Mapping[str, Any] | None) -> Space:
    """The space with dimensions whose names are known."""
    own = getattr(strategy_class(spec.strategy), "space", Space())
    if space is None:
        if not own.dimensions:
            raise UsageError(f"{spec.strategy} states no space of its own: name what to try, such as -p fast=5:100:5")
        space = own
    elif not isinstance(space, Space):
        dimensions: dict[str, Dimension] = as_dimensions(space)
        space = Space(dimensions, own.where)
    for name in (*space.names, *space.ruled):
        default_of(spec, name)
    return space


def _bounded(space: Space, search: Search) -> int:
    """The most trials there can be.

    Raises:
        BadSpec: they are more than a million, and nobody said that this is meant.
    """
    most = bound(space, search.method, search.trials or DEFAULT_TRIALS)
    if most > MANY and not search.many:
        raise BadSpec(f"this sweep has up to {most:,} trials, more than {MANY:,}: use larger steps or method random, or say "
                      "that you mean it (--yes, or many=True)")
    return most


class _Telling:
    """Tells about progress: rate, and the best so far."""

    def __init__(self, progress: Progress | None, most: int, objective: Objective) -> None:
        self._progress, self._most, self._objective = progress, most, objective
        self._column = MEASURES.index(objective.metric)
        self._best, self._started = float("nan"), time.monotonic()

    def text(self, what: str) -> None:
        """Say what takes its time before the first trial."""
        log.info(what)
        if self._progress is not None:
            self._progress(0, self._most, what)

    def batch(self, done: int, measures: np.ndarray) -> None:
        """Some more trials are done."""
        if self._progress is None:
            return
        values = measures[:, self._column]
        values = values[~np.isnan(values)]
        if len(values):
            found = values[np.argmax(self._objective.score(values))]
            score = self._objective.score(np.array([self._best, found]))
            self._best = float(found if not score[0] >= score[1] else self._best)
        rate = done / max(time.monotonic() - self._started, 1e-3)
        self._progress(done, self._most, f"{rate:,.0f} trials/s, best {self._objective.metric} {self._best:.4g}")


# -- what came out --------------------------------------------------------------------------------------


def _best(columns: Columns, objectives: tuple[Objective, ...], collected: Collected) -> tuple[int, ...]:
    """Indices of the trials that none is better than in every objective, best by the first objective first.

    Raises:
        BadSpec: no trial could be played, or the objective is NaN for every one.
    """
    if not len(columns.numbers):
        raise BadSpec(f"none of {collected.failed} trials could be played: {collected.problem}" if collected.failed else
                      "there was nothing to try: widen the space")
    scores = np.column_stack([each.score(columns.metrics[each.metric]) for each in objectives])
    known = np.flatnonzero(~np.isnan(scores).any(axis=1))
    if not len(known):
        raise BadSpec(f"{', '.join(each.metric for each in objectives)} is not defined for any of "
                      f"{len(columns.numbers):,} trials (they never traded, or the bars are too few): choose another "
                      "objective or another space; the trials are kept")
    order = known[np.lexsort((known, *-scores[known, ::-1].T))]
    return (int(order[0]),) if len(objectives) == 1 else _front(order, scores[order])


def _front(order: np.ndarray, scores: np.ndarray) -> tuple[int, ...]:
    """Those of `order` that none is better than in every objective; by falling scores, so that the better come first."""
    front: list[int] = []
    best = np.empty_like(scores)
    for at, score in zip(order.tolist(), scores, strict=True):
        above = best[: len(front)]
        if not ((above >= score).all(axis=1) & (above > score).any(axis=1)).any():
            best[len(front)] = score
            front.append(at)
    return tuple(front)


def _warnings(collected: Collected) -> tuple[str, ...]:
    if not collected.failed:
        return ()
    return (f"{collected.failed:,} sets of parameters could not be played; the first: {collected.problem}",)


def _verified(result: SweepResult, played: Player, search: Search) -> SweepResult:
    """With the best trial's whole result, from Cerebro where the twin played."""
    if result.engine != "twin":
        return replace(result, best_run=played.result(result.params(result.best)))
    best = list(dict.fromkeys([result.best, *result.ranked(parity.BEST).tolist()]))
    indices = parity.chosen(best, len(result), search.seed)
    measured = result.metrics if search.folds == 1 else {}  # means over folds are of no single run
    trials = {int(result.numbers[at]): (result.params(at), {name: float(values[at]) for name, values in measured.items()})
              for at in indices}
    agreement, run = parity.compared(played, trials)
    return replace(result, agreement=agreement, best_run=run)


def _judged(result: SweepResult, played: Player, journal: Journal | None, strategy: str) -> SweepResult:
    """With the statistics of having tried so much."""
    if journal is None:
        effective, trials = effective_trials(result.moments), len(result)
    else:
        effective, trials = counted(journal.ledger, strategy, result.spec.symbols)
    overfitting = pbo(result.moments)
    verdict = judge(played.returns(result.params(result.best)), played.periods, max(effective, 1.0), overfitting, counted=trials)
    return replace(result, effective_trials=effective, ledger_trials=trials, pbo=overfitting.pbo,
                   deflated_sharpe=verdict.numbers["deflated_sharpe"])
