"""What is asked of the API and takes its time: walk-forwards, recommendations, verdicts and fetches do what their commands do."""

import json
import time

import httpx
import numpy as np
import pandas as pd
import pytest
from alpaca_commands import point_at
from api_settings import settings_in
from made_bars import walk
from served import serving

import engine
from brokers.local_alpaca import LocalAlpaca
from core.bars import Bars
from core.spec import RunSpec
from engine.deciding import deciding
from engine.loading import load
from engine.varying import read_space
from feeds import stores
from journal import Journal
from optimize import judged, walk_forward
from optimize.recommend import recommend
from reports import write
from services.api.app import create_app
from services.comparing import compared, compared_on
from services.job_files import Job, JobFiles

pytestmark = pytest.mark.slow

SPEC = {"strategy": "GoldenCross", "symbols": ["AAPL", "IBM"], "start": "2009-01-02", "end": "2012-12-31", "cash": 50_000}
WALK = {"vary": {"fast": "3:6:1", "slow": [20, 30]}, "windows": 3, "embargo": 2, "jobs": 1}


def over(client, path, body=None):
    """The job that a request begins, once it is over."""
    answer = client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    while job["state"] in ("waiting", "running"):
        time.sleep(0.02)
        job = client.get(answer.headers["location"]).json()
    return job


def test_a_walk_forward_is_that_of_the_command(app, client):
    job = over(client, "/v1/walkforwards", {"spec": SPEC, **WALK})
    spec, space = read_space(RunSpec.from_dict(SPEC), WALK["vary"])
    walk = walk_forward(spec, space, bars=load(spec, None), windows=3, embargo=2, jobs=1, seed=spec.seed)
    assert job["state"] == "done", job["problem"]
    assert job["kind"] == "walkforward" and job["summary"]["sharpe"] == pytest.approx(walk.metrics["sharpe"], abs=0)
    assert [each["params"] for each in job["summary"]["windows"]] == [dict(each.params) for each in walk.windows]
    assert client.get(f"/v1/jobs/{job['id']}/report").text.startswith("<!DOCTYPE html>")
    recorded = [each for each in app.state.journal.ledger.sweeps("GoldenCross") if each.method == "walkforward"]
    assert sum(app.state.journal.ledger.count(each.id) for each in recorded) == walk.trials
    assert [each["kind"] for each in client.get("/v1/jobs?kind=walkforward").json()["jobs"]] == ["walkforward"]


def test_a_recommendation_is_that_of_the_command(client):
    names = ["GoldenCross", "MeanReversion"]
    job = over(client, "/v1/recommendations", {"symbol": "AAPL", "source": "sample", "strategies": names, "windows": 2, "trials": 4, "period": "8y"})
    spec = compared_on("AAPL", "sample", "8y", "0.1%", 0)
    found = recommend(spec, names, lambda each: load(each, None), windows=2, trials=4)
    assert job["state"] == "done", job["problem"]
    assert [each["strategy"] for each in job["summary"]["candidates"]] == [each.strategy for each in found.candidates]
    assert np.allclose([each["deflated"] for each in job["summary"]["candidates"]], [each.deflated for each in found.candidates])
    assert job["summary"]["recommended"] == (found.best.strategy if found.best else None)
    assert "BuyAndHold" not in compared() and "GoldenCross" in compared()


def test_a_verdict_is_that_of_the_command_and_is_recorded(app, client):
    run = over(client, "/v1/backtests", {**SPEC, "params": {"fast": 5, "slow": 20}})["run"]
    job = over(client, f"/v1/runs/{run}/verdict")
    expected = judged(engine.run(RunSpec.from_dict({**SPEC, "params": {"fast": 5, "slow": 20}})), app.state.journal)
    assert job["state"] == "done", job["problem"]
    assert job["summary"]["passed"] == expected.passed and job["summary"]["reasons"] == list(expected.reasons)
    row = app.state.journal.run(run)
    kept = app.state.journal.ledger.verdict(row.strategy_source, deciding(RunSpec.from_dict(row.spec)), row.symbols)
    assert (kept.run_id, kept.passed, kept.id) == (run, expected.passed, job["summary"]["verdict"])
    assert client.post("/v1/runs/999999/verdict").status_code == 404


@pytest.mark.parametrize("path, body, said", [
    ("/v1/walkforwards", {"spec": SPEC, "vary": {"fast": "3:6:1"}, "trials": 5}, "trials"),
    ("/v1/walkforwards", {"spec": {**SPEC, "strategy": "mine.py:Mine"}, "vary": {}}, "mine.py"),
    ("/v1/walkforwards", {"spec": SPEC, "vary": {"fat": "3:6:1"}}, "fast"),
    ("/v1/walkforwards", {"spec": SPEC, "vary": {"fast": "3:6:1"}, "train": "soon", "test": "1y"}, "soon"),
    ("/v1/walkforwards", {"spec": SPEC, "vary": {"fast": "3:6:1"}, "train": "3y", "test": "0d"}, "0d"),
    ("/v1/recommendations", {"symbol": "AAPL", "source": "nope"}, "nope"),
    ("/v1/recommendations", {"symbol": "AAPL", "source": "csv:DIR"}, "csv"),
    ("/v1/recommendations", {"symbol": "AAPL", "strategies": ["Golden"]}, "GoldenCross"),
    ("/v1/recommendations", {"symbol": "A,B"}, "more than one"),
    ("/v1/store/fetches", {"symbols": ["AAPL"], "source": "sample"}, "yahoo"),
    ("/v1/store/fetches", {"symbols": ["AAPL"], "source": "csv:DIR"}, "csv"),
    ("/v1/store/fetches", {"symbols": ["AAPL"], "calendar": "MOON"}, "MOON"),
])
def test_what_cannot_be_done_is_said_at_once(client, path, body, said):
    before = client.get("/v1/jobs").json()["total"]
    answer = client.post(path, json=body)
    assert 400 <= answer.status_code < 500 and said in answer.json()["detail"]
    assert client.get("/v1/jobs").json()["total"] == before


def test_bars_are_fetched_into_the_store_and_what_is_missing_is_shown(tmp_path, monkeypatch):
    bars = Bars.from_frames({"AAA": walk(20, start="2024-01-02").drop(pd.Timestamp("2024-01-15"))})  # a holiday
    with LocalAlpaca(bars, now="2024-02-05T12:00:00-05:00") as alpaca:
        point_at(monkeypatch, alpaca)
        _fetches(tmp_path)


def _fetches(tmp_path):
    settings = settings_in(tmp_path)
    with serving(create_app(settings, rate=0)) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/v1/store").json()["series"] == []
        for start, end in (("2024-01-02", "2024-01-05"), ("2024-01-16", "2024-01-19")):
            job = over(client, "/v1/store/fetches", {"symbols": ["AAA"], "source": "alpaca", "start": start, "end": end})
            assert job["state"] == "done", job["problem"]
        (series,) = client.get("/v1/store").json()["series"]
        assert (series["symbol"], series["first"], series["last"], series["bars"], series["sessions"]) == ("AAA", "2024-01-02", "2024-01-19", 8, 8)
        assert series["holes"] == [{"start": "2024-01-08", "end": "2024-01-12", "sessions": 5}]  # the 15th is a holiday
        assert {each["kind"] for each in client.get("/v1/store/findings").json()} == {"hole", "stale"}
        assert stores.opened(settings.store).list()[0].bars == 8


EVIL = "import pathlib\nimport backtrader as bt\n\npathlib.Path({mark!r}).touch()\n\n\nclass X(bt.Strategy):\n    pass\n"


@pytest.mark.parametrize("inside", [False, True])
def test_a_verdict_runs_no_code_of_a_folder_that_somebody_named(tmp_path, inside):
    settings = settings_in(tmp_path)
    result = engine.run(RunSpec.from_dict({**SPEC, "params": {"fast": 5, "slow": 20}}))
    directory = (settings.runs_dir if inside else tmp_path) / "evil"
    write(result, directory)
    mark = tmp_path / "mark"
    (directory / "x.py").write_text(EVIL.format(mark=str(mark)))
    told = json.loads((directory / "result.json").read_text())
    told["spec"] |= {"strategy": f"{directory}/x.py:X", "params": {}}
    (directory / "result.json").write_text(json.dumps(told))
    with serving(create_app(settings, rate=0)) as address, httpx.Client(base_url=address, timeout=60) as client:
        with Journal(settings.journal) as journal:
            journal.record_run(result, str(directory))
        if inside:
            job = over(client, "/v1/runs/1/verdict")
            assert job["state"] == "failed" and "code of this machine" in job["problem"]["detail"]
        else:
            assert client.post("/v1/runs/1/verdict").status_code == 404
    assert not mark.exists()


@pytest.mark.parametrize("kind", ["SourceUnavailable", "StoreFailed", "CorruptFile", "BadBars", "UnknownName", "BadSpec", "AccountLeft", "job-crashed"])
def test_a_job_is_told_whatever_it_failed_of(tmp_path, kind):
    settings = settings_in(tmp_path)
    files = JobFiles(settings.home / "jobs")
    files.open()
    files.keep(Job("20260101T000000Z-00000000", "fetch", {}, "2026-01-01T00:00:00Z", state="failed", problem={"kind": kind, "text": "it is so"}))
    files.close()
    with serving(create_app(settings, rate=0)) as address:
        (job,) = httpx.get(f"{address}/v1/jobs").json()["jobs"]
    assert job["problem"]["detail"] == "it is so" and 400 <= job["problem"]["status"] < 600
