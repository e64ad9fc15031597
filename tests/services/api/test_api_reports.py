"""Reports over REST: the page as it was written, its curves and trades as the run had them, and nothing from elsewhere."""

import time

import httpx
import numpy as np
import pytest
from api_settings import settings_in
from served import serving

import engine
from analyzers import metrics
from core.spec import RunSpec
from journal import Journal
from reports import write
from services.api.app import create_app

SPEC = {"strategy": "GoldenCross", "symbols": ["AAPL", "IBM"], "start": "2011-01-03", "end": "2012-06-29", "params": {"fast": 5, "slow": 20}}


@pytest.fixture(name="result", scope="module")
def _result():
    return engine.run(RunSpec.from_dict(SPEC))


@pytest.fixture(name="run", scope="module")
def _run(app, client, settings, result):
    directory = settings.runs_dir / "one"
    write(result, directory)
    return app.state.journal.record_run(result, str(directory))


def test_the_page_is_the_one_that_was_written_and_can_ask_for_nothing(client, settings, run):
    answer = client.get(f"/v1/runs/{run}/report")
    assert answer.text == (settings.runs_dir / "one" / "report.html").read_text() and answer.headers["content-type"].startswith("text/html")
    assert "sandbox" in answer.headers["content-security-policy"] and "default-src 'none'" in answer.headers["content-security-policy"]


def test_curves_are_those_of_the_run(client, result, run):
    told = client.get(f"/v1/runs/{run}/equity").json()
    dates, equity = metrics.session_last(result.bars.session, result.equity)
    assert told["session"] == dates.astype(str).tolist() and told["equity"] == equity.tolist()
    assert told["benchmark"] == result.benchmark.tolist() and told["exposure"] == result.exposure.tolist()
    assert min(told["drawdown"]) == pytest.approx(-result.metrics["max_drawdown"])


def test_trades_are_those_of_the_run_page_by_page(client, result, run):
    path, told = f"/v1/runs/{run}/trades?limit=7", []
    while path:
        page = client.get(path).json()
        told, path = told + page["trades"], page["next"]
    assert len(told) == len(result.trades) == page["total"] > 7
    for each, trade in zip(told, result.trades, strict=True):
        assert (each["symbol"], each["size"], each["entry_session"], each["pnl"], each["open"]) == (
            trade.symbol, trade.size, str(trade.entry_session), trade.pnl, trade.open)
        assert each["return"] == pytest.approx(trade.pnl / abs(trade.size * trade.entry_price))


@pytest.mark.parametrize("what", ["report", "equity", "trades"])
def test_a_report_elsewhere_is_shown_only_where_files_may_be_named(tmp_path, result, what):
    settings = settings_in(tmp_path)
    write(result, tmp_path / "elsewhere")
    with Journal(settings.journal) as journal:
        for directory in (str(tmp_path / "elsewhere"), str(settings.runs_dir / ".." / "elsewhere"), None):
            journal.record_run(result, directory)
    for files, status in ((False, 404), (True, 200)):
        with serving(create_app(settings, rate=0, files=files)) as address:
            assert [httpx.get(f"{address}/v1/runs/{run}/{what}").status_code for run in (1, 2)] == [status, status]
            gone = httpx.get(f"{address}/v1/runs/3/{what}")
            assert gone.status_code in (404, 422) and "report" in gone.json()["detail"]


def test_a_damaged_report_is_named(app, client, settings, result):
    directory = settings.runs_dir / "broken"
    write(result, directory)
    run = app.state.journal.record_run(result, str(directory))
    (directory / "result.json").write_text("{")
    (directory / "bars.parquet").write_bytes(b"PAR1")
    for what in ("equity", "trades"):
        answer = client.get(f"/v1/runs/{run}/{what}")
        assert answer.status_code == 503 and "run the backtest again" in answer.json()["detail"]
    (directory / "report.html").unlink()
    assert client.get(f"/v1/runs/{run}/report").status_code == 404


def test_trials_by_name(app, client):
    body = {"spec": {**SPEC, "params": {}}, "vary": {"fast": "3:5:1", "slow": [20, 30]}, "jobs": 1, "verify": False}
    job = client.post("/v1/sweeps", json=body).json()
    while (job := client.get(f"/v1/jobs/{job['id']}").json())["state"] in ("waiting", "running"):
        time.sleep(0.02)
    assert client.get(f"/v1/jobs/{job['id']}/report").text.startswith("<!DOCTYPE html>")
    path, told, after = f"/v1/ledger/sweeps/{job['sweep']}/measures", [], -1
    while after is not None:
        page = client.get(path, params={"after": after, "limit": 4}).json()
        told, after = told + page["trials"], page["next"]
    batch = next(app.state.journal.ledger.trials(job["sweep"]))
    assert [each["params"] for each in told] == batch.params and len(told) == 6
    assert np.allclose([each["measures"]["sharpe"] for each in told], batch.measures[:, 3])
    latest = client.get("/v1/ledger/sweeps/latest").json()["sweeps"]
    assert [(each["id"], each["trials"]) for each in latest] == [(job["sweep"], 6)]


def test_a_folder_that_is_none_is_no_report(app, client, settings, result):
    loop = settings.runs_dir / "loop"
    loop.symlink_to(loop)
    for place in (loop, settings.runs_dir / ("x" * 300)):
        run = app.state.journal.record_run(result, str(place))
        for what in ("report", "equity", "trades"):
            assert client.get(f"/v1/runs/{run}/{what}").status_code in (404, 422)
