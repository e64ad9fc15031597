"""The trials of a study that this process plays: asked for, kept alive, told; several processes may share the study.

Imports core, engine and optimize.study.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from core.errors import BadSpec, SourceUnavailable, StoreFailed
from core.space import Space
from engine.trials import Trials
from optimize.study import HEARTBEAT_S, address_of, distributions, params_of, quiet, reached

if TYPE_CHECKING:
    import optuna

OUTCOME = "outcome"  # user attribute of a trial that has no value: why
NAN, REFUSED, RULES, SURPLUS, STOPPED = "NaN", "refused", "against the rules", "surplus", "stopped"
MOST_REJECTED = 10  # points against the rules in a row, until one that meets them is proposed instead
DRAWS = 10_000  # to find it
LOOK_S = 1.0
POLL_S = 0.2
Answer = TypeVar("Answer")


def is_complete(trial: "optuna.trial.FrozenTrial") -> bool:
    return trial.state.name == "COMPLETE"


def counts(trial: "optuna.trial.FrozenTrial") -> bool:
    """Whether a trial was played to an end."""
    outcome = trial.user_attrs.get(OUTCOME)
    return is_complete(trial) or (trial.state.name == "PRUNED" and outcome is None) or (trial.state.name == "FAIL" and outcome == NAN)


class Claim:
    """A trial of ours between ask and tell."""

    def __init__(self, trial: "optuna.Trial", params: Mapping[str, Any]) -> None:
        self.trial, self.params, self.number = trial, params, trial.number
        self.folds: list[Trials] = []


class Claims:
    """The trials of a study that this process plays: asked for, kept alive, told; never more than were wanted."""

    def __init__(self, study: "optuna.Study", space: Space) -> None:
        self._study, self._space = study, space
        self._address = address_of(study)
        self._distributions = distributions(space)
        self._source = random.Random(len(study.get_trials(deepcopy=False)))
        self._mine: dict[int, Claim] = {}
        self._seen: set[int] = set()  # running trials of others
        self._pulse = _Pulse(study)
        self._looks_at = 0.0  # when to look through the study again
        self._next = 0  # number of trials there are in the study, as far as is known here
        self._multi = len(study.directions) > 1

    def __enter__(self) -> Self:
        self._pulse.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What is still out will be played by the next who comes; where the storage is gone, as trials of a dead process."""
        self._pulse.stop()
        with contextlib.suppress(SourceUnavailable, StoreFailed):
            for each in list(self._mine.values()):
                self._end(each, "FAIL", STOPPED)
                self._enqueue(each.trial.params)

    def take(self, wanted: int, batch: int) -> list[Claim]:
        """Up to `batch` new trials; none when the study has what is wanted. Waits for those of other processes.

        The study is looked through once a second, and before every batch that may be its last.
        """
        if self._next + batch <= wanted and time.monotonic() < self._looks_at:
            return [self._ask() for _ in range(batch)]
        while True:
            self._looks_at = time.monotonic() + LOOK_S
            known = self._known()
            others = [each for each in known if each.state.name == "RUNNING"]
            have = sum(map(counts, known))
            if have >= wanted:
                return []
            self._watch(others)
            if have + len(others) < wanted:
                asked = [self._ask() for _ in range(min(batch, wanted - have - len(others)))]
                kept = self._within(wanted, asked)
                if kept:
                    return kept
            time.sleep(POLL_S)

    def told(self, one: Claim, columns: Sequence[int], last: bool) -> str:
        """Tell Optuna what a trial has come to; "" when it is to be played on the next fold."""
        problem = one.folds[-1].problems[0]
        if problem:
            return self._end(one, "PRUNED", REFUSED, "refused", problem)
        values = np.mean([fold.measures[0, columns] for fold in one.folds], axis=0).tolist()
        if np.isnan(values).any():
            return self._end(one, "FAIL", NAN, "failed")
        if last:
            return self._finish(one, "complete", values=values)
        if not self._multi:  # Optuna prunes by one objective only
            self._reach(lambda: one.trial.report(values[0], len(one.folds)))
            if self._reach(one.trial.should_prune):
                return self._finish(one, "pruned", state="PRUNED")
        return ""

    def _end(self, one: Claim, state: str, outcome: str, name: str = "", problem: str = "") -> str:
        """A trial without a value, and why."""
        self._reach(lambda: one.trial.set_user_attr(OUTCOME, outcome))
        if problem:
            self._reach(lambda: one.trial.set_user_attr("problem", problem))
        return self._finish(one, name, state=state)

    def _finish(self, one: Claim, name: str, values: Sequence[float] | None = None, state: str | None = None) -> str:
        import optuna

        def tell() -> None:
            self._study.tell(one.trial, values, optuna.trial.TrialState[state] if state else None, skip_if_finished=True)

        self._reach(tell)
        self._mine.pop(one.number, None)
        self._pulse.drop(one.trial)
        return name

    def _ask(self) -> Claim:
        """A trial that meets the rules."""
        rejected = 0
        while True:
            with quiet():
                trial = self._reach(lambda: self._study.ask(self._distributions))
            one = Claim(trial, params_of(self._space, trial.params))
            self._mine[one.number] = one
            self._next = max(self._next, one.number + 1)
            self._pulse.add(trial)
            if self._space.allows(one.params):
                return one
            self._end(one, "PRUNED", RULES)
            rejected += 1
            if rejected % MOST_REJECTED == 0:
                self._enqueue(self._allowed())

    def _allowed(self) -> dict[str, Any]:
        for _ in range(DRAWS):
            point = self._space.sample(self._source)
            if self._space.allows(point):
                return {name: point[name] for name in self._distributions}
        rules = " and ".join(self._space.where)
        raise BadSpec(f"none of {DRAWS:,} sets of parameters drawn at random meets {rules}: widen the ranges or loosen the rules")

    def _enqueue(self, point: Mapping[str, Any]) -> None:
        self._reach(lambda: self._study.enqueue_trial(dict(point)))

    def _within(self, wanted: int, asked: list[Claim]) -> list[Claim]:
        """Those of ours that are among the first `wanted`; another process may have asked in the same moment."""
        if self._next <= wanted:
            return asked  # so few trials exist that none of these is one too many
        live = sorted(each.number for each in self._known() if each.state.name == "RUNNING" or counts(each))
        surplus = set(live[wanted:])
        for each in asked:
            if each.number in surplus:
                self._end(each, "FAIL", SURPLUS)
        return [each for each in asked if each.number not in surplus]

    def _watch(self, running: Sequence["optuna.trial.FrozenTrial"]) -> None:
        """Have the trials of dead processes failed and proposed again."""
        import optuna

        for each in running:
            if each.number not in self._seen:
                self._seen.add(each.number)
                self._pulse.beat(each._trial_id)  # one that died before its first beat would never be missed
        if running:
            with quiet():
                self._reach(lambda: optuna.storages.fail_stale_trials(self._study))

    def _known(self) -> list["optuna.trial.FrozenTrial"]:
        return self._reach(lambda: self._study.get_trials(deepcopy=False))

    def _reach(self, call: Callable[[], Answer]) -> Answer:
        return reached(self._address, call)


class _Pulse:
    """A thread that shows other processes that the trials of this one are being played."""

    def __init__(self, study: "optuna.Study") -> None:
        self._storage: Any = study._storage
        self._beats = hasattr(self._storage, "record_heartbeat")
        self._period = (self._beats and getattr(self._storage, "get_heartbeat_interval")()) or HEARTBEAT_S  # noqa: B009
        self._trials: set[int] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        if self._beats:
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._beats:
            self._thread.join()

    def add(self, trial: "optuna.Trial") -> None:
        with self._lock:
            self._trials.add(trial._trial_id)

    def drop(self, trial: "optuna.Trial") -> None:
        with self._lock:
            self._trials.discard(trial._trial_id)

    def beat(self, trial_id: int) -> None:
        """Record that a trial is alive."""
        from optuna.exceptions import StorageInternalError

        if self._beats:
            try:
                self._storage.record_heartbeat(trial_id)
            except StorageInternalError:  # the next ask or tell says what is wrong
                return

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            with self._lock:
                trials = list(self._trials)
            for trial in trials:
                self.beat(trial)
