"""Walk-forward: choose in training, play out-of-sample, move on; the out-of-sample returns make one chain.

Source: Robert Pardo, "The Evaluation and Optimization of Trading Strategies" (2nd edition, 2008). Imports core,
analyzers, engine and its neighbours in optimize.
"""

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from analyzers import metrics
from analyzers.benchmark import benchmark_equity
from core.bars import Bars
from core.errors import BadSpec, UnknownName
from core.measures import MEASURES
from core.space import Space
from core.spec import RunSpec
from engine.build import default_of
from engine.trials import Player, Trials, player
from optimize import shared_bars
from optimize.chain import WalkForward, Window, chain_metrics, efficiency
from optimize.executors import Executor, Here, Processes
from optimize.memory import trials_together
from optimize.objective import Objective, read_objectives
from optimize.proposals import bound, proposals
from optimize.recipe import Recipe
from optimize.sweep import MANY
from optimize.windows import Span, spans

METHODS = ("grid", "random")
WINDOWS = 5
DRAWS = 100  # random trials where no number is given
Record = Callable[[Sequence[Mapping[str, Any]], Trials], None]


def meant_windows(test: str | None, windows: int | None, method: str, trials: int | None) -> int | None:
    """The number of test windows that is meant: 5 where neither it nor their length is given.

    Raises:
        BadSpec: a number of trials for a grid. UnknownName: the method.
    """
    if method not in METHODS:
        raise UnknownName.of("method", method, METHODS)
    if trials is not None and method == "grid":
        raise BadSpec(f"trials is {trials} and the grid has as many as it has points: drop it, or use --method random")
    return WINDOWS if test is None and windows is None else windows


def walk_forward(
    spec: RunSpec, space: Space, *, bars: Bars, train: str | None = None, test: str | None = None,
    windows: int | None = None, anchored: bool = False, embargo: int = 0, method: str = "grid", trials: int | None = None,
    objective: str = "sharpe", engine: str = "auto", jobs: int | None = None, seed: int | None = None,
    progress: Callable[[int, int], None] | None = None, record: Record | None = None,
) -> WalkForward:
    """Choose the best parameters in each training window, and play them in the test window that follows.

    The strategy sees all earlier bars and decides from the window's first session on. Of equally good trials the first
    is chosen. A window in which the objective is NaN for every trial (nothing traded) stays flat and is warned of.

    Args:
        spec: the run. space: what may vary. bars: what it is played on.
        train, test, windows, anchored, embargo: see `optimize.windows.spans`.
        method: "grid" plays every point of the space, "random" plays `trials` different draws (100 where not given),
            the same in every window. seed: of the draws, the spec's where not given.
        objective: as read by `optimize.objective.read_objectives`; the first one chooses.
        engine: as in `engine.trials.player`. jobs: threads (twin) or processes (Cerebro), as many as there
            are processors where not given.
        progress: called with the number of trials done, and of all.
        record: called with the trials of every training window and what came out of them.

    Raises:
        BadSpec: windows, trials or a space that leave nothing to play, a window in which no trial can be played, or an
            objective that is NaN for every trial of every window. UnknownName: method, objective, engine, parameter.
    """
    started = time.perf_counter()
    objectives = read_objectives(objective)
    jobs = (os.cpu_count() or 1) if jobs is None else jobs
    if jobs < 1:
        raise BadSpec(f"jobs is {jobs}: it must be 1 or more")
    points = _points(spec, space, method, trials, seed)
    sessions = np.unique(bars.session)
    steps = spans(sessions, train, test, windows, anchored, embargo)
    with ExitStack() as stack:
        walk = _Walk(spec, bars, sessions, engine, jobs, stack, points, objectives[0], len(steps), progress, record)
        played = [walk.step(each) for each in steps]
    if not any(window.params for window, _, _ in played):
        raise BadSpec(f"{objectives[0].metric} is NaN for every trial of every training window: nothing traded; "
                      "lengthen train or widen the space")
    return _chained(walk, played, dict(space=space, method=method, objectives=objectives, anchored=anchored), started)


class _Walk:
    """What all windows of a walk-forward share."""

    def __init__(self, spec: RunSpec, bars: Bars, sessions: np.ndarray, engine: str, jobs: int, stack: ExitStack,
                 points: list[dict[str, Any]], objective: Objective, steps: int,
                 progress: Callable[[int, int], None] | None, record: Record | None) -> None:
        self.spec, self.bars, self._sessions, self._engine, self._jobs = spec, bars, sessions, engine, jobs
        self._stack, self._points, self._objective, self._record = stack, points, objective, record
        self._shared: Path | None = None
        self._progress, self._done, self._all = progress, 0, steps * len(points)
        self.warnings: list[str] = []

    def step(self, span: Span) -> tuple[Window, np.ndarray, Player]:
        """Choose in training and play the choice: the window, its (S,) returns out-of-sample and who played them."""
        dates = self._dates(span)
        tried = self._train(dates[0], dates[1])
        scores = self._objective.score(tried.measures[:, MEASURES.index(self._objective.metric)])
        out = player(self.spec, self.bars, self._engine, dates[2], dates[3])
        flat = np.zeros(len(out.sessions))
        if np.isnan(scores).all():
            self.warnings.append(f"{self._objective.metric} is NaN for every trial from {dates[0]} to {dates[1]}: "
                                 f"flat from {dates[2]} to {dates[3]}")
            return Window(*dates, {}, {}, {}, len(self._points)), flat, out
        best = int(np.nanargmax(scores))
        params = dict(self._points[best])
        test = out.play([params])
        if test.problems[0]:
            self.warnings.append(f"{params} cannot be played from {dates[2]} to {dates[3]}, flat there: {test.problems[0]}")
        returns = flat if test.problems[0] else out.returns(params)
        window = Window(*dates, params, _named(tried.measures[best]), _named(test.measures[0]), len(self._points))
        return window, returns, out

    def _dates(self, span: Span) -> tuple[str, str, str, str]:
        session = self._sessions
        return str(session[span.first]), str(session[span.last - 1]), str(session[span.begin]), str(session[span.end - 1])

    def _train(self, start: str, end: str) -> Trials:
        numbered = list(enumerate(self._points))
        size = min(-(-len(numbered) // (4 * self._jobs)), trials_together(self.bars.shape))
        chunks = (numbered[at : at + size] for at in range(0, len(numbered), size))
        parts = {}
        with self._executor(start, end) as executor:
            for chunk, outcome in executor.play(chunks):
                parts[chunk[0][0]] = outcome
                self._done += len(chunk)
                if self._progress:
                    self._progress(self._done, self._all)
        tried = _joined([parts[first] for first in sorted(parts)])
        if all(tried.problems):
            raise BadSpec(f"no trial can be played from {start} to {end}: {tried.problems[0]}")
        self._count(tried.problems)
        if self._record:
            self._record(self._points, tried)
        return tried

    def _count(self, problems: Sequence[str]) -> None:
        """Warn of trials that cannot be played, once for all windows that have the same."""
        found = [problem for problem in problems if problem]
        warning = f"{len(found)} of {len(problems)} trials cannot be played, the first: {found[0]}" if found else ""
        if warning and warning not in self.warnings:
            self.warnings.append(warning)

    def _executor(self, start: str, end: str) -> Executor:
        found = player(self.spec, self.bars, self._engine, start, end)
        if found.engine == "twin" or self._jobs == 1:
            return Here(found, self._jobs)
        if self._shared is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cerebrolab-"))
            self._shared = shared_bars.write(self.bars, folder)
        return Processes(Recipe.of(self.spec, self._shared, self._engine, start, end), self._jobs)


def _points(spec: RunSpec, space: Space, method: str, trials: int | None, seed: int | None) -> list[dict[str, Any]]:
    """The sets of parameters that are tried in every window."""
    if method not in METHODS:
        raise UnknownName.of("method of a walk-forward", method, METHODS)
    if method == "grid" and trials is not None:
        raise BadSpec(f"trials is {trials} and the grid has as many as it has points: drop it, or use method random")
    if trials is not None and trials < 1:
        raise BadSpec(f"trials is {trials}: it is a number of draws, from 1 on")
    for name in (*space.names, *space.ruled):
        default_of(spec, name)
    most = bound(space, method, DRAWS if trials is None else trials)
    if most > MANY:
        raise BadSpec(f"each window has up to {most:,} trials, more than {MANY:,}: use larger steps or method random")
    found = proposals(space, method, DRAWS if trials is None else trials, spec.seed if seed is None else seed)
    return [params for _, params in found]


def _joined(parts: Sequence[Trials]) -> Trials:
    measures, total, square = (np.concatenate([getattr(part, name) for part in parts]) for name in ("measures", "sum", "square"))
    return Trials(measures, parts[0].count, total, square, tuple(problem for part in parts for problem in part.problems))


def _named(measures: np.ndarray) -> dict[str, float]:
    return dict(zip(MEASURES, measures.tolist(), strict=True))


def _chained(walk: _Walk, played: list[tuple[Window, np.ndarray, Player]], asked: dict[str, Any], started: float) -> WalkForward:
    spec, last = played[-1][2].spec.replace(signal_start=walk.spec.signal_start), played[-1][2]
    sessions = np.concatenate([out.sessions for _, _, out in played])
    returns = np.concatenate([each for _, each, _ in played])
    equity = spec.cash * np.cumprod(1.0 + returns)
    tested = walk.bars.between(sessions[0], sessions[-1])
    benchmark = metrics.session_last(tested.session, benchmark_equity(tested, spec.benchmark, spec.cash))[1]
    windows = tuple(window for window, _, _ in played)
    measured = chain_metrics(spec, walk.bars, windows, sessions, equity, benchmark)
    return WalkForward(
        spec=spec, bars=walk.bars, **asked, windows=windows, sessions=sessions, equity=equity, benchmark=benchmark,
        metrics=measured, efficiency=efficiency(windows, measured["cagr"]), engine=last.engine, obstacle=last.obstacle,
        warnings=tuple(walk.warnings), seconds=time.perf_counter() - started)
