"""A daily run is killed at every point at which it writes or sends; started again, it neither repeats nor loses an order."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from live_days import panel, venue
from mortal_days import MORTAL

from engine.live.wanted import wanted
from journal import Journal

EVENING, MORNING = "2024-02-20T19:05-05:00", "2024-02-21T09:31-05:00"
ROOT = Path(__file__).parents[2]


class Runs:
    """Daily runs in processes of their own, forked from one that is warm."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        self._warm = subprocess.Popen([sys.executable, "-W", "ignore", str(ROOT / "tests" / "mortal_days.py")], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})

    def start(self, alpaca, journal, last=0):
        """Returns the process, and a function that waits for its end and returns the points it passed, None if it was killed."""
        self._warm.stdin.write(json.dumps({"url": alpaca.url, "key": alpaca.key_id, "secret": alpaca.secret_key, "journal": str(journal),
                                           "last": last}) + "\n")
        self._warm.stdin.flush()
        said = {}
        while "process" not in said:
            said |= self._answer()

        def ended():
            while "code" not in said:
                said.update(self._answer())
            assert said["killed"] or said["code"] == 0
            return None if said["killed"] else said["passed"]

        return said["process"], ended

    def once(self, alpaca, journal, last=0):
        return self.start(alpaca, journal, last)[1]()

    def _answer(self):
        return json.loads(self._warm.stdout.readline())

    def close(self):
        self._warm.stdin.close()
        self._warm.wait(10)
        self._warm.stdout.close()


@pytest.fixture(name="runs", scope="module")
def _runs():
    runs = Runs()
    yield runs
    runs.close()


@pytest.fixture(name="bars", scope="module")
def _bars():
    return panel()


def right(alpaca, path, bars):
    """Every order once, filled, in the venue's books and in ours."""
    decided = wanted(MORTAL, bars.between(None, "2024-02-20"), {}, 100_000.0, 100_000.0)
    ordered = sorted((each.symbol, each.side, each.qty) for each in decided.orders)
    assert len(ordered) >= 2
    assert sorted((each.symbol, each.side, each.qty) for each in alpaca.ledger.orders) == ordered
    assert sorted((each.symbol, "buy" if each.signed > 0 else "sell", abs(each.signed)) for each in alpaca.ledger.executions) == ordered
    with Journal(path) as journal:
        decision, = journal.blotter.decisions(alpaca.account_id)
        orders = journal.blotter.orders(decision.id)
    assert sorted((each.symbol, each.side, each.filled) for each in orders) == ordered
    assert {(each.state, each.status) for each in orders} == {("done", "filled")}


def lived_on(alpaca, runs, path, bars):
    """After the restart, and the opening that follows, all is as if nothing had happened."""
    runs.once(alpaca, path)
    alpaca.advance(to=MORNING)
    runs.once(alpaca, path)
    right(alpaca, path, bars)


def test_killed_before_and_after_everything_it_writes_and_sends(runs, bars, tmp_path):
    with venue(bars, now=EVENING) as alpaca:
        points = runs.once(alpaca, tmp_path / "whole.db")
        lived_on(alpaca, runs, tmp_path / "whole.db", bars)
    assert points >= 14
    for last in range(1, points + 1):
        path = tmp_path / f"{last}.db"
        with venue(bars, now=EVENING) as alpaca:
            assert runs.once(alpaca, path, last) is None
            lived_on(alpaca, runs, path, bars)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_while_an_order_is_on_its_way(runs, bars, tmp_path, moment, nth):
    with venue(bars, now=EVENING) as alpaca:
        process, known, posts = [], threading.Event(), []

        def kill(when, request):
            if when == moment and request.method == "POST" and known.wait(5):
                posts.append(request)
                if len(posts) == nth:
                    os.kill(process[0], signal.SIGKILL)

        alpaca.on_request(kill)
        started, ended = runs.start(alpaca, tmp_path / "journal.db")
        process.append(started)
        known.set()
        assert ended() is None
        alpaca.rest.hooks.clear()
        lived_on(alpaca, runs, tmp_path / "journal.db", bars)


def test_killed_in_the_morning_while_it_looks_after_its_orders(runs, bars, tmp_path):
    for last in range(1, 5):
        path = tmp_path / f"{last}.db"
        with venue(bars, now=EVENING) as alpaca:
            runs.once(alpaca, path)
            alpaca.advance(to=MORNING)
            runs.once(alpaca, path, last)
            runs.once(alpaca, path)
            right(alpaca, path, bars)
