"""The journal behind the REST API: what it cannot do is one clear line, whatever fails on the way, and a killed API loses nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from core.errors import StoreFailed, UnknownName, UsageError
from core.measures import MEASURES
from journal import Journal, LiveOrder, SweepHead, opened
from journal.account_log import ALERT, TRANSFER, LiveExecution
from journal.api_client import ApiClient
from journal.archive import export
from journal.live_days import LiveDays, SentOrder, Trace

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DECISION = dict(account="A", run_key="r", bar_ns=10, session="2024-03-01", strategy="S", strategy_source="x", spec={"calendar": "24/7"},
                fingerprint="f", equity=Decimal("100.5"), cash=Decimal(1), targets={"AAA": 3.0}, notes=["slow"])
BUY = LiveExecution("c-1", "b", Decimal(10), "A", "r", "AAA", "buy", Decimal(10), Decimal("9.123456789012345678901234567"), 5, Decimal("0.1"))
HEAD = SweepHead("key", "S", "x", ["A"], "f", {}, {}, "grid", "sharpe", 0, "twin", "2020-01-02", "2020-12-31", 2)
ORDER = LiveOrder("c-1", 0, "AAA", "buy", Decimal(10), "enter")

SERVER = """
import asyncio, os, signal, socket, sys, threading
from pathlib import Path
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from journal import Journal
from services.api import problems
from services.api.routes import ledger, portfolio, records, run_records, runs, steering
from services.api.staged import Staged
place, descriptor, parent = sys.argv[1], int(sys.argv[2]), os.getpid()
app = FastAPI()
app.state.staged = Staged()
for routes in (records, portfolio, steering, runs, run_records, ledger):
    app.include_router(routes.router, prefix="/v1")
problems.install(app)

def serve(dies_after):
    commits = []
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)
    if dies_after:
        event.listen(Session, "after_commit", die)
    else:
        event.listen(Engine, "commit", lambda connection: commits.append(1) if not commits else die())
    threading.Thread(target=lambda: (sys.stdin.read(), die()), daemon=True).start()
    with opened() as app.state.journal:
        uvicorn.Server(config).run(sockets=[listener])

listener = socket.socket(fileno=descriptor)
config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", loop="asyncio")
config.load()
asyncio.new_event_loop().close()

def opened():
    return Journal(place if "://" in place else Path(place))

with opened() as journal:
    journal.runs()
for at in range(1000):
    child = os.fork()
    if not child:
        serve(at % 2 == 0)
    print(at, flush=True)
    os.waitpid(child, 0)
"""


@contextmanager
def mortal(place):
    """An API that is killed after every commit before it can say so, and before every second one; another one takes its place."""
    with socket.socket(proto=socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        process = subprocess.Popen([sys.executable, "-c", SERVER, str(place), str(bound.fileno())], pass_fds=[bound.fileno()], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}", process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def test_a_killed_api_loses_and_doubles_nothing(place):
    with mortal(place) as (url, process), opened(url) as journal:
        number = journal.blotter.decide([ORDER], **DECISION)
        journal.blotter.add(number, replace(ORDER, client_order_id="c-2", attempt=2))
        changed = journal.blotter.change("c-1", state="open", filled=Decimal(4))
        executions = [replace(BUY, client_order_id=f"c-{at}", time_ns=at) for at in range(2)]
        for each in executions:
            journal.account_log.execute([each], {"c-2": {"state": "done"}})
        notes = [journal.account_log.note("A", "r", kind, "x", cash="1000.10", symbol="") for kind in (ALERT, TRANSFER)]
        asked = journal.steering.ask("rebalance", by="me")
        journal.steering.answer(asked.id, "A", "r", True, "done", 5)
        said = journal.state.reconcile("A", {"AAA": {"quantity": "20"}}, by="me")
        journal.history.say("A", "r", "S", 10, {"AAA": 1.0})
        journal.history.take("A", "r", Decimal(5), Decimal(4))
    killed = int(process.stdout.read().split()[-1]) if not process.stdout.closed else None
    with Journal(place) as journal:
        assert [row.id for row in journal.blotter.decisions("A")] == [number]
        assert journal.blotter.orders(number) == [changed, replace(ORDER, client_order_id="c-2", attempt=2, state="done")]
        assert journal.account_log.executions("A") == executions and journal.account_log.notes() == notes
        assert journal.steering.requests() == [asked] and len(journal.steering.answers()) == 1
        assert journal.state.reconciliations() == [said] and said.differences == {}
        assert len(journal.history.signals()) == len(journal.history.snapshots()) == 1
        found = journal.state.portfolio("A")
        assert found.positions[0].qty == 20 and found.transferred == Decimal("1000.10")
    assert killed is None or killed >= 12


def test_a_killed_api_loses_and_doubles_nothing_of_research(place, make_result, statement, monkeypatch):
    monkeypatch.setattr("journal.remote_research.BODY", 500)
    numbers, result = np.arange(3), make_result()
    measures, sums = np.outer(numbers, np.arange(len(MEASURES)) / 7), np.outer(numbers, [0.1, 0.2])
    with mortal(place) as (url, process), opened(url) as journal:
        run = journal.record_run(result, "runs/first")
        assert journal.record_executions(run, result.fills) == 0
        sweep, done = journal.ledger.begin(HEAD)
        journal.ledger.append(sweep, numbers, [{"fast": int(each)} for each in numbers], measures, sums, sums**2)
        journal.ledger.finish(sweep)
        verdict = journal.ledger.record_verdict(run_id=run, strategy="S", strategy_source="x", params={}, universe=["A"], fingerprint="f",
                                                passed=True, reasons=[], numbers={})
    killed = int(process.stdout.read().split()[-1]) if not process.stdout.closed else None
    with Journal(place) as journal:
        assert [row.id for row in journal.runs()] == [run] and len(journal.orders(run)) == 3 and len(journal.executions(run)) == 2
        assert [row.id for row in journal.ledger.sweeps()] == [sweep] and not len(done)
        assert journal.ledger.sweep(sweep).finished_ns is not None
        batch, = journal.ledger.trials(sweep)
        assert batch.numbers.tolist() == numbers.tolist() and np.array_equal(batch.measures, measures)
        assert journal.ledger.verdict("x", {}, ["A"]).id == verdict and statement("SELECT count(*) FROM verdicts") == [(1,)]
    assert killed is None or killed >= 10


@pytest.fixture(name="remote")
def _remote(url):
    with opened(url) as journal:
        yield journal


def test_what_live_runs_did_is_read_as_from_the_database(remote, path):
    number = remote.blotter.decide([ORDER], at_ns=4, **DECISION)
    remote.blotter.decide([], **{**DECISION, "bar_ns": 11})
    remote.account_log.execute([BUY, replace(BUY, client_order_id="c-9", run="", time_ns=6)])
    days = LiveDays(remote)
    assert days.decided() == [Trace("A", "r", "24/7", 10)] and days.executions() == [BUY]
    assert days.orders([number]) == [SentOrder(ORDER, number, 4, 4)]
    with Journal(path) as journal:
        there = LiveDays(journal)
        assert (days.decided(), days.orders([number, 2]), days.executions()) == (there.decided(), there.orders([number, 2]), there.executions())
        assert remote.state.portfolio("A", "r") == journal.state.portfolio("A", "r")
    assert remote.state.portfolio("A", prices={"AAA": Decimal(3)}).value == 60
    assert remote.blotter.latest("A", "r") == 11 and remote.blotter.run_of("c-1") == "r" and remote.blotter.run_of("c/7") == ""


def test_verdicts_are_read(remote, path):
    with Journal(path) as journal:
        journal.ledger.record_verdict(run_id=None, strategy="S", strategy_source="x", params={"a": 1.5}, universe=["B", "A"], fingerprint="f",
                                      passed=True, reasons=[], numbers={})
    found = remote.ledger.verdict("x", {"a": 1.5}, ["A", "B"])
    assert found is not None and (found.passed, found.universe) == (True, ["A", "B"])
    assert remote.ledger.verdict("x", {"a": 2}, ["A", "B"]) is None


def test_what_takes_the_database_itself_says_so(url, tmp_path):
    for call in (lambda: export(url, tmp_path / "all.tar.gz"), lambda: Journal(url)):
        with pytest.raises(UsageError, match="this takes the database itself, and http://127.0.0.1:.* set CEREBROLAB_JOURNAL to the database"):
            call()


def test_an_api_that_does_not_answer_is_one_clear_line():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        client = ApiClient(f"http://me:geheim@127.0.0.1:{probe.getsockname()[1]}", deadline_s=0.2)
        with pytest.raises(StoreFailed, match=r"does not answer .ConnectionError.: start it with cerebrolab serve api") as caught:
            client.get("/alerts")
    assert "geheim" not in f"{caught.value}{client.shown}" and "\n" not in str(caught.value)
    client.close()


@pytest.mark.parametrize("place", ["http://", "http://host:port", "http://host/path", "https://host?x=1", "http://h#x"])
def test_an_address_that_is_none(place):
    with pytest.raises(UsageError, match="is no address of an API: write http://127.0.0.1:8000"):
        opened(place)


@pytest.fixture(name="answering")
def _answering():
    """A server that gives the answers it is told to, one after the other; and what it was asked."""
    answers, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": len(body)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield answers, asked, server.server_port
        server.shutdown()
        thread.join()


def problem(status, kind, detail):
    return status, {"Content-Type": "application/problem+json"}, json.dumps({"type": f"urn:cerebrolab:problem:{kind}", "detail": detail}).encode()


@pytest.mark.parametrize(("answer", "kind", "told"), [
    (problem(404, "unknown-name", "unknown order x"), UnknownName, "^unknown order x$"),
    (problem(503, "store-failed", "the disk is full"), StoreFailed, "^the disk is full$"),
    (problem(422, "bad-request-value", "qty: too small"), UsageError, "^qty: too small$"),
    (problem(500, "internal", "something failed"), StoreFailed, "^something failed$"),
    ((401, {}, b"{}"), StoreFailed, "wants a token: write it as http://token:TOKEN@HOST:PORT"),
    ((200, {}, b"<html>"), StoreFailed, "is no API of a journal .status 200.: correct CEREBROLAB_JOURNAL"),
    ((302, {"Location": "http://elsewhere"}, b""), StoreFailed, "is no API of a journal .status 302."),
])
def test_what_the_api_says_is_told(answering, answer, kind, told):
    answers, asked, port = answering
    answers.append(answer)
    client = ApiClient(f"http://token:ge%20heim@127.0.0.1:{port}")
    with pytest.raises(kind, match=told):
        client.get("/alerts", account="A b", run=None)
    assert asked == [("/v1/alerts?account=A+b", "Bearer ge heim")]
    client.close()


def test_what_may_be_over_soon_is_tried_again(answering):
    answers, asked, port = answering
    answers += [(502, {}, b""), (429, {"Retry-After": "0"}, b""), (200, {}, b"[1]")]
    client = ApiClient(f"http://127.0.0.1:{port}")
    assert client.get("/x") == [1] and len(asked) == 3 and asked[0][1] is None
    client.close()
