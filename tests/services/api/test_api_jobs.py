"""Jobs in real processes: the result is the engine's own and in the journal; they are cancelled, they wait, they are lost with the API."""

import json
import os
import random
import signal
import time

import httpx
import pytest
from api_settings import settings_in
from served import serving

import engine
from core.spec import RunSpec
from engine.varying import read_space
from journal import Journal
from scripts import sweep
from services.api.app import create_app
from services.job_files import KEPT, Job, JobFiles
from services.tasks import Backtest

SPEC = {"strategy": "GoldenCross", "symbols": ["AAPL", "IBM"], "start": "2011-01-03", "end": "2011-12-30", "params": {"fast": 5, "slow": 20}}
SWEEP = {"spec": {**SPEC, "params": {}}, "vary": {"fast": "3:5:1", "slow": [20, 30]}, "jobs": 1, "verify": False}


def until(client, path, *states):
    """The job once it is in one of these states, and every progress it told on the way."""
    told, end = [], time.monotonic() + 120
    while time.monotonic() < end:
        job = client.get(path).json()
        told.append(job["progress"])
        if job["state"] in states:
            return job, told
        time.sleep(0.02)
    raise AssertionError(job)


def process_of(app):
    """The id of the process of the job that runs, once it has begun."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for process in list(app.state.jobs._processes.values()):
            return process.pid
        time.sleep(0.005)
    raise AssertionError("no process has begun")


def gone(pid):
    """Whether a process has ended, within some seconds."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_backtest_is_that_of_the_command_and_is_recorded(client, app, settings):
    asked = client.post("/v1/backtests", json=SPEC)
    assert (asked.status_code, asked.json()["state"], asked.json()["progress"]) == (202, "waiting", 0.0)
    job, told = until(client, asked.headers["location"], "done", "failed")
    want = engine.run(RunSpec(**SPEC))
    assert job["problem"] is None and told == sorted(told) and len(set(told)) > 3 and told[-1] == 1.0
    run = app.state.journal.run(job["run"])
    assert (run.strategy, run.spec["params"], run.fingerprint) == ("GoldenCross", SPEC["params"], want.bars.fingerprint)
    assert [(row.symbol, float(row.size), float(row.price)) for row in app.state.journal.executions(run.id)] == [
        (fill.symbol, fill.size, fill.price) for fill in want.fills]
    assert app.state.journal.ledger.sweeps("GoldenCross")[-1].method == "backtest"  # counted as a trial, as by the command
    told = json.loads(json.dumps(want.summary()).replace("NaN", "null").replace("Infinity", "null"))
    assert {name: value for name, value in job["summary"].items() if name in told and name != "seconds"} == {
        name: value for name, value in told.items() if name != "seconds"}
    assert (settings.runs_dir / job["id"] / "report.html").samefile(job["links"]["report"]) and run.directory == str(settings.runs_dir / job["id"])

    one = client.get(job["links"]["run"]).json()
    assert (one["id"], one["final_value"], one["cash"]) == (run.id, f"{run.final_value:f}", "100000.0")
    measured = client.get(job["links"]["metrics"]).json()
    assert measured["metrics"] == one["metrics"] == {name: told[name] for name in one["metrics"]}
    assert [each["run"] for each in measured["history"]] == [run.id]
    again = app.state.journal.record_run(engine.run(RunSpec(**{**SPEC, "params": {"fast": 7, "slow": 20}})))
    listed = client.get("/v1/runs", params={"strategy": "GoldenCross", "symbol": "IBM", "limit": 1}).json()
    assert [each["id"] for each in listed["runs"]] == [again]
    assert [each["id"] for each in client.get(listed["next"]).json()["runs"]] == [run.id]
    assert client.get("/v1/runs", params={"symbol": "MSFT"}).json() == {"runs": [], "next": None}
    history = client.get(f"/v1/runs/{again}/metrics").json()["history"]
    assert [(each["run"], each["params"]["fast"]) for each in history] == [(run.id, 5), (again, 7)]


def test_a_backtest_tells_how_far_it_has_played(tmp_path):
    told = []
    with Journal(tmp_path / "journal.db") as journal:
        Backtest(RunSpec(**SPEC)).play(settings_in(tmp_path), journal, tmp_path / "report", lambda part, text: told.append((part, text)))
    parts = [part for part, text in told if text == "playing 252 bars"]
    assert len(set(parts)) > 80 and parts == sorted(parts) and parts[0] == 0.3 and 0.69 < parts[-1] < 0.7


@pytest.mark.soak
def test_a_sweep_is_that_of_the_command_and_is_recorded(client, app):
    import optimize
    from core.space import Choice, Range

    job, told = until(client, client.post("/v1/sweeps", json=SWEEP).headers["location"], "done", "failed")
    assert job["problem"] is None and told == sorted(told)
    want = optimize.sweep(RunSpec(**SWEEP["spec"]), {"fast": Range(3, 5, 1), "slow": Choice(20, 30)}, verify=False)
    assert job["summary"]["best"]["params"] == want.params(want.best) and job["summary"]["trials"] == len(want) == 6
    assert app.state.journal.ledger.count(job["sweep"]) == 6
    assert job["run"] is None or app.state.journal.run(job["run"]).spec["params"] == want.params(want.best)


def test_jobs_wait_their_turn_are_cancelled_and_are_lost_with_the_api(tmp_path):
    settings = settings_in(tmp_path)
    app = create_app(settings)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        first, second, third = (client.post("/v1/backtests", json={**SPEC, "params": {"fast": at, "slow": 20}}).headers["location"]
                                for at in (5, 6, 7))
        until(client, first, "running")
        assert [client.get(each).json()["state"] for each in (second, third)] == ["waiting", "waiting"]
        pid = process_of(app)
        for path in (third, first):
            over = client.delete(path).json()
            assert (over["state"], over["run"], over["problem"]) == ("cancelled", None, None)
        assert gone(pid) and client.delete(first).json()["state"] == "cancelled"
        until(client, second, "running")
        pid = process_of(app)
        states = {each["id"]: each["state"] for each in client.get("/v1/jobs").json()["jobs"]}
        assert list(states.values()) == ["cancelled", "running", "cancelled"]
        assert [each["state"] for each in client.get("/v1/jobs?state=running&kind=backtest&limit=1").json()["jobs"]] == ["running"]
    assert gone(pid)
    assert not list(settings.runs_dir.glob("*")) if settings.runs_dir.exists() else True
    with Journal(settings.journal) as journal:
        assert journal.runs() == [] and journal.ledger.sweeps() == []
    with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        lost = client.get(second).json()
        assert lost["state"] == "lost" and lost["problem"]["detail"] == "the API ended before this job was over: ask for it again"
        assert lost["problem"]["instance"] == second and {each["id"] for each in client.get("/v1/jobs").json()["jobs"]} == set(states)


def test_a_process_that_is_killed_fails_its_job_only(client, app):
    path = client.post("/v1/backtests", json=SPEC).headers["location"]
    until(client, path, "running")
    os.kill(process_of(app), signal.SIGKILL)
    job, _ = until(client, path, "failed")
    assert (job["problem"]["status"], job["problem"]["type"]) == (500, "urn:cerebrolab:problem:job-crashed") and job["run"] is None
    assert client.get("/health").status_code == 200


def test_what_goes_wrong_in_the_process_is_a_problem_of_the_job(client):
    asked = {**SPEC, "start": "1901-01-02", "end": "1901-12-30"}
    job, _ = until(client, client.post("/v1/backtests", json=asked).headers["location"], "failed")
    assert (job["problem"]["status"], job["problem"]["title"]) == (404, "No bars") and "1901-01-02" in job["problem"]["detail"]


@pytest.mark.parametrize(("body", "status", "words"), [
    ({"strategy": "GoldenCros"}, 404, "did you mean 'GoldenCross'"), ({"strategy": "mine.py"}, 422, "not taken from outside"),
    ({"params": {"fats": 1}}, 404, "did you mean 'fast'"), ({"params": {"fast": 300}}, 422, "fast=300 is not below"),
    ({"cash": -1}, 422, "cash is -1"), ({"quantity": -1}, 422, "quantity is -1"), ({"start": "2013-01-01"}, 422, "start 2013-01-01 is after end"),
    ({"interval": "x"}, 422, "interval 'x'"), ({"sectors": "/etc/passwd"}, 422, "sectors '/etc/passwd'"), ({"cahs": 1}, 422, "cahs: "),
    ({"params": {"fast": 10**400}}, 422, "fast is 1000"), ({"sizer": "EqualWeigth"}, 404, "did you mean 'EqualWeight'"),
    ({"limits": {"max_wight": 1}}, 404, "did you mean 'max_weight'"), ({"seed": -1}, 422, "seed is -1"), ({"symbols": "AAPL"}, 422, "symbols: "),
])
def test_bad_specifications_begin_no_job(client, app, body, status, words):
    before = len(app.state.jobs.jobs())
    for path, asked in (("/v1/backtests", {**SPEC, **body}), ("/v1/sweeps", {**SWEEP, "spec": {**SPEC, **body}})):
        if path == "/v1/sweeps" and "not below" in words:
            continue  # what varies may resolve it
        answer = client.post(path, json=asked)
        assert answer.status_code == status and words in answer.json()["detail"], answer.text
    assert len(app.state.jobs.jobs()) == before


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({"vary": {"fats": "1:3"}}, 404, "did you mean 'fast'"), ({"vary": {"fast": "5:1"}}, 422, "fast: the range 5:1"),
    ({"vary": {"fast": []}}, 422, "a choice of no values"), ({"vary": {"fast": [5, 5]}}, 422, "names a value twice"),
    ({"vary": {"fast": 5, "slow": 20}}, 422, "nothing varies: name what to vary"), ({"method": "gird"}, 404, "did you mean 'grid'"), ({"objective": "shrpe"}, 404, "sharpe"),
    ({"where": ["fast <"]}, 422, "the rule 'fast <'"), ({"trials": 5}, 422, "trials is 5"), ({"method": "random", "trials": 0}, 422, "trials: "),
    ({"engine": "gpu"}, 422, "engine: "), ({"storage": "sqlite:///x"}, 422, "storage: "), ({"dask": "tcp://x"}, 422, "dask: "),
])
def test_bad_sweeps_begin_no_job(client, changes, status, words):
    answer = client.post("/v1/sweeps", json={**SWEEP, **changes})
    assert answer.status_code == status and words in answer.json()["detail"], answer.text


@pytest.mark.parametrize(("vary", "texts"), [
    ({"fast": "5:50:5", "slow": [100, 200]}, ("fast=5:50:5", "slow=100,200")), ({"fast": "5,6", "sizer.across": "chosen"}, ("fast=5,6", "sizer.across=chosen")),
    ({"slow": 100}, ("slow=100",)), ({}, ()), ({"fast": [7]}, ("fast=7",)),
    ({"fast": "7"}, ("fast=7",)),
])
def test_what_varies_is_understood_as_by_the_command(vary, texts):
    spec = RunSpec(strategy="GoldenCross", symbols=("AAPL",))
    found, space = read_space(spec, vary, ("3 * fast < slow",))
    want, other = read_space(spec, sweep.varying(texts), ("3 * fast < slow",))
    assert (found.with_assignments({}), space.to_dict(), space.where) == (want, other.to_dict(), other.where)


def test_unknown_jobs_and_runs(client):
    for path in ("/v1/jobs/none", "/v1/runs/987654", "/v1/runs/987654/metrics"):
        assert client.get(path).status_code == 404
    assert client.delete("/v1/jobs/none").status_code == 404
    assert client.get("/v1/jobs?state=idle").status_code == 422


def test_the_record_of_jobs_forgets_the_oldest_and_survives_damage(tmp_path):
    files = JobFiles(tmp_path)
    files.open()
    for at in range(KEPT + 3):
        files.keep(Job(f"{at:05}", "backtest", {}, "2020-01-01T00:00:00Z", state="done" if at else "running", summary={"x": float("nan")}))
    assert len(files.jobs()) == len(list(tmp_path.glob("*.json"))) == KEPT and files.job("00000").summary == {"x": None}
    files.close()
    (tmp_path / "00007.json").write_text("{")
    again = JobFiles(tmp_path)
    again.open()
    assert (again.job("00000").state, len(again.jobs())) == ("lost", KEPT - 1)
    again.close()


@pytest.mark.soak
def test_whenever_a_job_is_cancelled_the_journal_is_whole(client, app):
    source, journal = random.Random(20261122), app.state.journal
    for at in range(int(os.environ.get("SOAK_POINTS", "20"))):
        before = {run.id for run in journal.runs()}
        what, body = (("/v1/backtests", {**SPEC, "params": {"fast": 5 + at, "slow": 90}}), ("/v1/sweeps", SWEEP))[at % 2]
        path = client.post(what, json=body).headers["location"]
        until(client, path, "running")
        time.sleep(source.uniform(0.0, 9.0))
        over = client.delete(path).json()
        if over["state"] == "running":  # its result was recorded already: it is not cancelled any more
            over, _ = until(client, path, "done", "failed")
        new = {run.id for run in journal.runs()} - before
        assert over["state"] in ("done", "cancelled") and new == ({over["run"]} if over["run"] else set()), over
        for run in new:
            assert len(journal.executions(run)) == journal.run(run).fills


@pytest.mark.soak
def test_a_sweep_by_optuna(client):
    asked = {**SWEEP, "method": "tpe", "trials": 4, "vary": {"fast": "3:9:1"}, "spec": {**SPEC, "params": {"slow": 20}}}
    job, _ = until(client, client.post("/v1/sweeps", json=asked).headers["location"], "done", "failed")
    assert job["problem"] is None and job["summary"]["trials"] == 4
