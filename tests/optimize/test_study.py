"""Optuna's studies: proposals, rules, refusals, pruning, resuming, sharing, and storages that do not answer."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import numpy as np
import optuna
import pytest
from postgres_server import started, stop

import optimize
from core.errors import BadSpec, SourceUnavailable, StoreFailed, UnknownName, UsageError
from core.measures import MEASURES
from core.space import Choice, Range, Space
from engine.trials import Trials
from optimize.objective import read_objectives
from optimize.search import finished, search
from optimize.study import close_study, distributions, open_study, quiet

ROOT = Path(optimize.__file__).parent.parent
SHARPE = read_objectives("sharpe")
SPACE = Space({"fast": Range(1, 20), "slow": Range(2, 60, 2), "risk": Range(0.1, 1.0)}, where=("fast < slow",))


class Made:
    """An executor with a formula instead of bars."""

    def __init__(self, formula, shift=0.0):
        self.formula, self.shift, self.played = formula, shift, []

    def play(self, chunks):
        for chunk in chunks:
            measures = np.full((len(chunk), len(MEASURES)), np.nan)
            problems = []
            for at, (number, params) in enumerate(chunk):
                self.played.append((number, params))
                found = self.formula(params)
                problems.append(found if isinstance(found, str) else "")
                if not isinstance(found, str):
                    measures[at, MEASURES.index("sharpe")] = found + self.shift
                    measures[at, MEASURES.index("max_drawdown")] = params.get("risk", 0.0)
            moments = np.ones((len(chunk), 2))
            yield chunk, Trials(measures, np.array([5, 5]), moments, moments, tuple(problems))


def hill(params):
    return -abs(params["fast"] - 7) - abs(params["slow"] - 30) / 4 - params.get("risk", 0.0)


@pytest.fixture(name="studies")
def _studies(tmp_path):
    opened = []

    def make(storage=tmp_path / "study.db", name="one", objectives=SHARPE, method="tpe", space=SPACE, **options):
        opened.append(open_study(storage, name, objectives, method, 1, space, **options))
        return opened[-1]

    yield make
    for study in opened:
        close_study(study)


@pytest.mark.parametrize("method", ["tpe", "cmaes", "nsga2"])
@pytest.mark.parametrize("storage", [None, "file"])
def test_every_method_plays_the_trials_that_were_asked_for(studies, tmp_path, method, storage):
    study = studies(storage and tmp_path / "deep" / "study.db", method=method)
    made = Made(hill)
    found = list(search(study, SPACE, SHARPE, [made], trials=30, batch=4, chunk=2))
    assert [each.state for each in found] == ["complete"] * 30
    assert len({each.number for each in found}) == 30 == len(made.played)
    assert all(SPACE.allows(each.params) for each in found)
    for each in found:
        assert study.trials[each.number].value == each.trials.measures[0, MEASURES.index("sharpe")] == hill(each.params)
    assert sorted(finished(study, SPACE)) == sorted((each.number, each.params) for each in found)


def test_tpe_ends_nearer_the_best_than_it_began(studies):
    found = list(search(studies(None), SPACE, SHARPE, [Made(hill)], trials=80, batch=1))
    values = [hill(each.params) for each in found]
    assert np.mean(values[-20:]) > np.mean(values[:20]) + 3


def test_the_same_seed_proposes_the_same(studies):
    first, second = (list(search(studies(None), SPACE, SHARPE, [Made(hill)], trials=20)) for _ in range(2))
    assert [each.params for each in first] == [each.params for each in second]


def test_values_lie_on_their_steps(studies):
    space = Space({"a": Range(0.1, 0.35, 0.1), "b": Range(1, 100, log=True), "c": Range(0.001, 1.0, log=True),
                   "d": Choice("x", "y"), "e": Choice(True, False), "f": Choice(5), "g": Range(3, 10, 5), "h": Range(2.0, 2.0),
                   "i": Range(10, 95, 10, log=True)})
    seen = [each.params for each in search(studies(None, space=space), space, SHARPE, [Made(lambda _: 0.5)], trials=60)]
    assert {params["a"] for params in seen} == {0.1, 0.2, 0.3}
    assert {params["g"] for params in seen} == {3, 8} and {params["d"] for params in seen} == {"x", "y"}
    assert all(isinstance(params["b"], int) and 0.001 <= params["c"] <= 1 for params in seen)
    assert {params["f"] for params in seen} == {5} and {params["h"] for params in seen} == {2.0}
    assert {params["i"] for params in seen} <= set(range(10, 91, 10))
    assert not {"f", "h"} & distributions(space).keys()


def test_several_objectives(studies):
    both = read_objectives("sharpe,max_drawdown")
    study = studies(None, objectives=both, method="nsga2")
    found = list(search(study, SPACE, both, [Made(hill), Made(hill)], trials=20))
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert all(study.trials[each.number].values == [hill(each.params), each.params["risk"]] for each in found)


def test_points_against_the_rules_are_not_played_and_do_not_count(studies):
    space = Space({"fast": Range(1, 100), "slow": Range(1, 100)}, where=("fast == slow",))  # one in a hundred
    study, made = studies(None, space=space), Made(hill)
    found = list(search(study, space, SHARPE, [made], trials=12))
    assert len(found) == len(made.played) == 12 and all(each.params["fast"] == each.params["slow"] for each in found)
    rejected = [trial for trial in study.trials if trial.user_attrs.get("outcome") == "against the rules"]
    assert len(rejected) == len(study.trials) - 12 < 12 * 11


def test_a_space_that_allows_nothing_is_one_clear_line(studies):
    space = Space({"fast": Range(1, 10), "slow": Range(20, 30)}, where=("fast > slow",))
    with pytest.raises(BadSpec, match="none of 10,000 sets .* meets fast > slow"):
        list(search(studies(None, space=space), space, SHARPE, [Made(hill)], trials=5))


def test_refusals_do_not_count_and_an_unplayable_strategy_is_one_clear_line(studies):
    study = studies(None)
    odd = Made(lambda params: "fast must be even" if params["fast"] % 2 else hill(params))
    found = list(search(study, SPACE, SHARPE, [odd], trials=10))
    assert sum(each.state == "complete" for each in found) == 10
    refused = [each for each in found if each.state == "refused"]
    assert refused and all(each.params["fast"] % 2 and each.trials.problems == ("fast must be even",) for each in refused)
    assert study.trials[refused[0].number].user_attrs == {"outcome": "refused", "problem": "fast must be even"}
    with pytest.raises(UsageError, match="refused 64 sets of parameters in a row.*: never; narrow the ranges"):
        list(search(studies(None), SPACE, SHARPE, [Made(lambda _: "never")], trials=10))


def test_nan_is_a_failed_trial_that_counts_and_nothing_else_is_one_clear_line(studies):
    study = studies(None)
    found = list(search(study, SPACE, SHARPE, [Made(lambda params: np.nan if params["fast"] > 5 else 1.0)], trials=20))
    assert len(found) == 20 and {each.state for each in found} == {"complete", "failed"}
    assert all((study.trials[each.number].state.name == "FAIL") == (each.state == "failed") for each in found)
    kept = []
    with pytest.raises(UsageError, match="sharpe is NaN for every one of 7 trials: choose another objective"):
        kept.extend(search(studies(None), SPACE, SHARPE, [Made(lambda _: np.nan)], trials=7))


def test_folds_are_played_one_after_the_other_and_the_median_prunes(studies):
    study = studies(None)
    folds = [Made(hill, shift) for shift in (0.0, 1.0, 5.0)]
    found = list(search(study, SPACE, SHARPE, folds, trials=40, batch=2))
    pruned = [each for each in found if each.state == "pruned"]
    assert len(found) == 40 and 5 < len(pruned) < 35
    assert len(folds[0].played) == 40 > len(folds[1].played) >= len(folds[2].played) == 40 - len(pruned)
    for each in found:
        trial = study.trials[each.number]
        steps = len(trial.intermediate_values)
        assert each.trials.sum.shape == (1, 6) and len(each.trials.count) == 6
        if each.state == "complete":
            assert trial.value == pytest.approx(hill(each.params) + 2) and not np.isnan(each.trials.sum).any()
            assert each.trials.measures[0, MEASURES.index("sharpe")] == pytest.approx(trial.value)
        else:
            assert trial.state.name == "PRUNED" and np.isnan(each.trials.sum).sum() == 2 * (3 - steps)


def test_a_study_goes_on_where_it_was_left(studies):
    first = list(search(studies(), SPACE, SHARPE, [Made(hill)], trials=10))
    made = Made(hill)
    again = studies()
    second = list(search(again, SPACE, SHARPE, [made], trials=16))
    assert len(second) == 6 == len(made.played) and not {each.number for each in first} & {each.number for each in second}
    assert not [each for each in second if each.params in [other.params for other in first[:6]]]
    assert list(search(again, SPACE, SHARPE, [made], trials=16)) == []


def test_what_ctrl_c_interrupted_is_played_first_the_next_time(studies):
    class Interrupted(Made):
        def play(self, chunks):
            for at, outcome in enumerate(super().play(chunks)):
                if at == 2:
                    raise KeyboardInterrupt
                yield outcome

    made = Interrupted(hill)
    with pytest.raises(KeyboardInterrupt):
        list(search(studies(), SPACE, SHARPE, [made], trials=20, batch=8))
    study = studies()
    assert [trial.state.name for trial in study.trials].count("COMPLETE") == 2
    assert not [trial for trial in study.trials if trial.state.name == "RUNNING"]
    found = list(search(study, SPACE, SHARPE, [Made(hill)], trials=20, batch=8))
    assert len(found) == 18 and made.played[2][1] in [each.params for each in found[:8]]


def test_another_space_or_objective_under_the_same_name_is_one_clear_line(studies):
    studies(about={"data": "abc"})
    with pytest.raises(BadSpec, match="'one' has another space: .*; name another study"):
        studies(space=Space({"fast": Range(1, 5)}), about={"data": "abc"})
    with pytest.raises(BadSpec, match=r"another objective: \['sharpe'\], not \['cagr'\]"):
        studies(objectives=read_objectives("cagr"), about={"data": "abc"})
    with pytest.raises(BadSpec, match="another data: abc, not def"):
        studies(about={"data": "def"})
    studies(name="two", about={"data": "def"})


@pytest.mark.parametrize(("method", "space", "objective", "message"), [
    ("cmaes", {"fast": Range(1, 9), "kind": Choice("a", "b")}, "sharpe", "kind is a choice: use --method tpe"),
    ("cmaes", {"fast": Range(1, 9), "slow": Choice(3)}, "sharpe", "fast is the only one"),
    ("cmaes", {"fast": Range(1, 9), "slow": Range(1, 9)}, "sharpe,cagr", "one objective, not 2: use --method nsga2"),
    ("tpe", {"fast": Choice(1)}, "sharpe", "no parameter varies"),
    ("tpe", {}, "sharpe", "no parameter varies"),
])
def test_what_a_method_cannot_search_is_one_clear_line(tmp_path, method, space, objective, message):
    with pytest.raises(BadSpec, match=message):
        open_study(tmp_path / "study.db", "one", read_objectives(objective), method, 1, Space(space))
    assert not (tmp_path / "study.db").exists()


def test_an_unknown_method_is_one_clear_line(studies):
    with pytest.raises(UnknownName, match="unknown method 'tep': did you mean 'tpe'"):
        studies(method="tep")


def test_a_server_that_does_not_answer_is_one_clear_line_without_its_password(studies):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceUnavailable) as caught:
        studies(f"postgresql://me:geheim@127.0.0.1:{port}/base")
    text = str(caught.value)
    assert f"me:***@127.0.0.1:{port}/base did not answer (tried 3 times)" in text and "finished trials are kept" in text
    assert "geheim" not in text and "\n" not in text and caught.value.exit_code == 2


def test_a_file_that_cannot_hold_a_study_is_one_clear_line(studies, tmp_path):
    (tmp_path / "text").write_text("no database, but long enough to be taken for one by its size " * 20)
    with pytest.raises(StoreFailed, match="text cannot hold a study: file is not a database"):
        studies(tmp_path / "text")
    with pytest.raises(StoreFailed, match="name another file"):
        studies(tmp_path / "text" / "study.db")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreFailed, match="folder did not answer.*unable to open"):
        studies(tmp_path / "folder")
    with pytest.raises(BadSpec, match="not understood"):
        studies("://nowhere")
    with pytest.raises(UsageError, match="no driver for oracle"):
        studies("oracle+nothing://host/base")


def test_optunas_dashboard_shows_the_study_and_its_trials(studies, tmp_path):
    import optuna_dashboard

    list(search(studies(), SPACE, SHARPE, [Made(hill)], trials=5))
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'study.db'}")
    app = optuna_dashboard.wsgi(storage)

    def answer(path):
        asked = {"PATH_INFO": path}
        setup_testing_defaults(asked)
        statuses = []
        body = b"".join(app(asked, lambda status, *_: statuses.append(status)))
        assert statuses == ["200 OK"]
        return json.loads(body)

    [shown] = answer("/api/studies")["study_summaries"]
    assert shown["study_name"] == "one" and shown["directions"] == ["maximize"]
    trials = answer(f"/api/studies/{shown['study_id']}")["trials"]
    complete = [trial for trial in trials if trial["state"] == "Complete"]
    assert len(complete) == 5 and {param["name"] for param in complete[0]["params"]} == set(SPACE.names)
    storage.remove_session()
    storage.engine.dispose()


SESSION = """
import sys, time
sys.path.insert(0, {tests!r})
import test_study as own
from optimize.search import search
from optimize.study import open_study
def slowly(params):
    time.sleep(0.02)
    return own.hill(params)
study = open_study({storage!r}, "one", own.SHARPE, "tpe", 1, own.SPACE, grace_s=6)
for each in search(study, own.SPACE, own.SHARPE, [own.Made(slowly)], trials={trials}, batch=3):
    print(each.number, flush=True)
"""


def session(storage, trials):
    code = SESSION.format(tests=str(Path(__file__).parent), storage=str(storage), trials=trials)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": path})


def shared_by_two(study, storage, trials):
    """One of two processes is killed in mid-sweep; a third joins; the study ends with exactly the trials wanted."""
    killed, other = session(storage, trials), session(storage, trials)
    with killed, other:
        told = [int(killed.stdout.readline()) for _ in range(4)]
        killed.send_signal(signal.SIGKILL)
        with session(storage, trials) as third:
            outputs = [process.communicate(timeout=100) for process in (other, third)]
            told += [int(line) for output, _ in outputs for line in output.split()]
            assert [process.returncode for process in (other, third)] == [0, 0], outputs
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") == trials and "RUNNING" not in states
    assert len(told) == len(set(told)) and trials - 4 <= len(told) <= trials  # what was told but not printed when it was killed
    stale = [trial for trial in study.trials if trial.state.name == "FAIL" and "outcome" not in trial.user_attrs]
    for trial in stale:  # mostly two; none where it was killed between two batches
        again = [each for each in study.trials if each.number > trial.number and trial.params.items() <= each.params.items()]
        waits = [each for each in study.trials if each.state.name == "WAITING"]  # for a process that has more to do
        assert again or waits, (trial, [(each.number, each.state.name, each.params, each.user_attrs, each.system_attrs) for each in study.trials])


def test_processes_share_a_file_and_one_is_killed(studies, tmp_path):
    shared_by_two(studies(), tmp_path / "study.db", 60)


def test_a_waiting_trial_is_taken_by_one_process_only(studies, monkeypatch):
    from optuna.storages._rdb import models

    read = models.TrialModel.find_or_raise_by_id.__func__

    def slowly(kind, *arguments, **options):
        found = read(kind, *arguments, **options)
        time.sleep(0.2)  # both have read that it waits before one of them changes it
        return found

    both = [studies(), studies()]
    both[0].enqueue_trial({})
    monkeypatch.setattr(models.TrialModel, "find_or_raise_by_id", classmethod(slowly))
    with ThreadPoolExecutor(2) as threads, quiet():
        numbers = [trial.number for trial in threads.map(lambda study: study.ask(), both)]
    assert sorted(numbers) == [0, 1]


@pytest.fixture(name="postgres")
def _postgres():
    with started() as server:
        yield server


@pytest.mark.soak
def test_processes_share_a_postgresql_server_and_one_is_killed(studies, postgres):
    address = postgres.get_uri()
    assert address.startswith("postgresql://")
    shared_by_two(studies(address), address, 60)


@pytest.mark.slow
def test_a_server_that_stops_in_mid_sweep_is_one_clear_line_and_finished_trials_are_kept(studies, postgres):
    address, kept = postgres.get_uri(), []
    with pytest.raises(SourceUnavailable, match=r"did not answer \(tried 3 times\).*finished trials are kept"):
        for each in search(studies(address), SPACE, SHARPE, [Made(hill)], trials=50, batch=4):
            kept.append(each.number)
            if len(kept) == 10:
                stop(postgres)
    postgres.ensure_postgres_running()
    again = studies(address)
    assert set(kept) <= {number for number, _ in finished(again, SPACE)}
    list(search(again, SPACE, SHARPE, [Made(hill)], trials=20))
    assert [trial.state.name for trial in again.trials].count("COMPLETE") == 20
