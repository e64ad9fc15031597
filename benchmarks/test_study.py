"""What a sweep by Optuna's methods costs for each trial beyond Optuna itself: same sampler, storage, space and trials."""

import itertools
import time

import numpy as np
import optuna
import pytest

from core.measures import MEASURES
from core.space import Range, Space
from engine.trials import Trials
from optimize.objective import read_objectives
from optimize.search import search
from optimize.study import close_study, distributions, open_study, quiet

TRIALS = 200
SPACE = Space({"fast": Range(5, 100, 5), "slow": Range(50, 300, 10)})
SHARPE = read_objectives("sharpe")
COLUMN = MEASURES.index("sharpe")


class Trivial:
    """An executor that answers at once."""

    def play(self, chunks):
        for chunk in chunks:
            measures, moments = np.zeros((len(chunk), len(MEASURES))), np.zeros((len(chunk), 1))
            measures[:, COLUMN] = [value(params) for _, params in chunk]
            yield chunk, Trials(measures, np.array([2]), moments, moments, ("",) * len(chunk))


def value(params):
    return -((params["fast"] - 40) ** 2) - (params["slow"] - 200) ** 2


def peer(study, batch):
    """Optuna's own ask and tell."""
    varied = distributions(SPACE)
    for _ in range(TRIALS // batch):
        with quiet():
            asked = [study.ask(varied) for _ in range(batch)]
        for trial in asked:
            study.tell(trial, value(trial.params))


class Inside:
    """Adds up the time that is spent in a study's own ask and tell."""

    def __init__(self, study):
        self.seconds = 0.0
        for name in ("ask", "tell"):
            setattr(study, name, self._timed(getattr(study, name)))

    def _timed(self, call):
        def timed(*args, **options):
            started = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


@pytest.mark.parametrize(("method", "batch", "storage"), [("tpe", 8, "file"), ("nsga2", 8, "memory"), ("nsga2", 1, "file")])
def test_the_overhead_of_a_trial(benchmark, pair, tmp_path, method, batch, storage):
    files = itertools.count()
    alone, own, beyond = [], [], []

    def timed(play):
        study = open_study(None if storage == "memory" else tmp_path / f"{next(files)}.db", "one", SHARPE, method, 1, SPACE)
        inside = Inside(study)
        started = time.perf_counter()
        play(study)
        seconds = time.perf_counter() - started
        complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state == optuna.trial.TrialState.COMPLETE]
        assert len(complete) == TRIALS
        close_study(study)
        return seconds, seconds - inside.seconds

    def ours():
        seconds, rest = timed(lambda study: list(search(study, SPACE, SHARPE, [Trivial()], TRIALS, batch, batch)))
        own.append(seconds)
        beyond.append(rest)

    for _ in range(3):
        alone.append(timed(lambda study: peer(study, batch))[0])
        ours()
    others, mine, rest = (float(np.median(each)) / TRIALS * 1000 for each in (alone, own, beyond))
    benchmark.extra_info["overhead_ms"] = rest
    pair.lines.append(f"{method} by {batch}, {storage}: Optuna alone {others:.2f} ms a trial, ours {mine:.2f} ms, of which beyond "
                      f"Optuna's own ask and tell {rest:.2f} ms")
    benchmark.pedantic(ours, rounds=1)
