"""Journals of both kinds, and a run put together by hand: two symbols, four bars, three orders, two fills."""

import dataclasses
import sqlite3

import numpy as np
import pandas as pd
import psycopg
import pytest
from fastapi import FastAPI
from postgres_server import started
from served import serving

from core.bars import Bars, Origin
from core.clock import ManualClock
from core.result import Fill, OrderRecord, RunResult
from core.spec import RunSpec
from journal import Journal, opened
from services.api import problems
from services.api.routes import ledger, portfolio, records, run_records, runs, steering
from services.api.staged import Staged


def make_result(**changes):
    index = pd.bdate_range("2024-01-02", periods=4)
    frames = {name: pd.DataFrame({"close": [start, start + 1, start + 2, start + 3.1]}, index=index)
              for name, start in (("AAA", 10.0), ("BBB", 20.0))}
    bars = Bars.from_frames(frames, origin=Origin("csv"))
    times = bars.index.tolist()
    orders = [
        OrderRecord(1, times[0], "AAA", 100.0, "Market", float("nan"), "Completed", 100.0, "", "enter"),
        OrderRecord(2, times[1], "BBB", 0.25, "Limit", 20.1, "Completed", 0.25),
        OrderRecord(3, times[2], "BBB", 1e6, "Market", float("nan"), "Margin", 0.0, "needs 22,000,000.00"),
    ]
    fills = [Fill(times[1], bars.session[1], "AAA", 100.0, 11.1, 0.1, 1, "enter"),
             Fill(times[2], bars.session[2], "BBB", 0.25, 0.1 + 0.2, 0.01, 2)]
    flat = np.zeros(4)
    result = RunResult(
        spec=RunSpec(symbols=("AAA", "BBB"), source="csv", params={"fast": 2, "api_key": "PK123"}, cash=1000.1),
        bars=bars, equity=np.array([1000.1, 1000.0, 1001.0, 1002.3]), cash=flat, exposure=flat,
        positions=np.zeros((4, 2)), benchmark=flat, orders=orders, fills=fills, cash_events=[], trades=[],
        metrics={"total_return": 0.0022, "sharpe": float("nan")}, timings={"total": 0.5}, warnings=["look here"],
        strategy_source="abc", versions={"numpy": "2"},
    )
    return dataclasses.replace(result, **changes)


@pytest.fixture(name="make_result")
def _make_result():
    return make_result


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "home" / "journal.db"


@pytest.fixture(name="server", scope="session")
def _server():
    with started() as server:
        yield server


@pytest.fixture(name="address")
def _address(server):
    """Of an empty database on a PostgreSQL server."""
    yield server.get_uri()
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS cerebrolab CASCADE")


@pytest.fixture(name="place", params=["sqlite", "postgresql"])
def _place(request):
    """Where a journal can be, one after the other: what is promised of one is promised of all."""
    return request.getfixturevalue("path" if request.param == "sqlite" else "address")


@pytest.fixture(name="api", scope="session")
def _api():
    """The routes over the journal as they are served; the application is given a journal for each test."""
    app = FastAPI()
    app.state.staged = Staged()
    for routes in (records, portfolio, steering, runs, run_records, ledger):
        app.include_router(routes.router, prefix="/v1")
    problems.install(app)
    with serving(app, "off") as url:
        yield app, url


@pytest.fixture(name="url")
def _url(api, path):
    """Of the API before a new journal in a file, whose clock stands at 3."""
    app, url = api
    with Journal(path, ManualClock(3)) as app.state.journal:
        yield url


@pytest.fixture(name="anywhere", params=["sqlite", "postgresql", "api"])
def _anywhere(request):
    """Where the journal can be: also behind the REST API."""
    return request.getfixturevalue({"sqlite": "path", "postgresql": "address", "api": "url"}[request.param])


@pytest.fixture(name="journal")
def _journal(place):
    with opened(place) as journal:
        yield journal


@pytest.fixture(name="statement")
def _statement(place, path):
    """Executes a statement as another program would, in the database itself, and returns what it finds."""
    place = path if str(place).startswith("http") else place

    def execute(text):
        if isinstance(place, str):
            with psycopg.connect(place, options="-c search_path=cerebrolab") as connection:
                cursor = connection.execute(text)
                return cursor.fetchall() if cursor.description else []
        connection = sqlite3.connect(place)
        try:
            with connection:
                connection.execute("PRAGMA foreign_keys = ON")
                return connection.execute(text).fetchall()
        finally:
            connection.close()

    return execute
