"""Backtests, sweeps, walk-forward, the gate and the list of runs with the journal behind the REST API say what they say with a file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from api_settings import settings_in
from made_bars import walk
from served import serving

from journal import Journal
from services.api.app import create_app

ROOT = Path(__file__).parents[2]
GRID = ("GoldenCross", "--symbols", "AAA.csv", "-p", "fast=2:6:2", "-p", "slow=10,20", "--json")
TIMED = ("seconds", "rate", "at", "report", "directory", "compare_seconds")


@pytest.fixture(name="data")
def _data(folder):
    frame = walk(300, 7)
    frame.index = frame.index.strftime("%Y-%m-%d")
    frame.to_csv(folder / "AAA.csv", index_label="date")
    return folder


def without(value):
    """A value without what differs from time to time."""
    if isinstance(value, dict):
        return {name: without(each) for name, each in value.items() if name not in TIMED}
    return [without(each) for each in value] if isinstance(value, list) else value


def everything(command):
    """What every command of research says, one after the other."""
    asked = [
        ("backtest", "GoldenCross", "--symbols", "AAA.csv", "-p", "fast=3", "-p", "slow=12", "--json"),
        ("sweep", *GRID), ("sweep", *GRID, "--engine", "cerebro", "--jobs", "1", "--no-verify"),
        ("sweep", *GRID, "--method", "tpe", "--trials", "4", "--jobs", "1", "--no-verify"),
        ("walkforward", *GRID, "--windows", "2"), ("gate", "2", "--json"), ("gate", "9"), ("runs", "list", "--json"), ("runs", "list", "--limit", "1"),
        ("runs", "show", "2", "--json"), ("runs", "show", "9"), ("runs", "compare", "1", "2", "--json"), ("runs", "compare", "1", "2")]
    found = []
    for each in asked:
        made = command(*each)
        found.append((each, made.code, without(made.value) if "--json" in each and made.code < 2 else made.out.count("\n"), made.err))
    return found


def ledger(journal):
    """Every trial of every sweep."""
    return [(row.method, row.engine, row.start, batch.numbers.tolist(), batch.params, batch.measures.tobytes(), batch.sum.tobytes(), batch.square.tobytes())
            for row in journal.ledger.sweeps() for batch in journal.ledger.trials(row.id)]


@pytest.fixture(name="served_by")
def _served_by(data, monkeypatch):
    """Settings of an API, and its address, which is the place of the journal."""
    settings = settings_in(data / "api")
    with serving(create_app(settings, rate=0)) as url:
        monkeypatch.setenv("CEREBROLAB_HOME", str(data / "other"))
        monkeypatch.setenv("CEREBROLAB_JOURNAL", url)
        yield settings


def test_a_sweep_is_judged_behind_the_api(command, served_by):
    made = command("sweep", *GRID)
    assert made.code == 0 and made.value["trials"] == 6 and not any("other" in each and each.endswith(".db") for each in made.files)
    verdict = command("gate", str(made.value["run"]), "--json").value
    assert (verdict["trials"], verdict["deflated_sharpe"], verdict["pbo"]) == (6, made.value["deflated_sharpe"], made.value["pbo"])
    assert command("runs", "list", "--json").value[0]["final_value"] == command("runs", "show", "1", "--json").value["final_value"]
    with Journal(served_by.journal) as journal:
        assert journal.ledger.count(1) == 6 and len(journal.orders(1)) > 0
    assert verdict["verdict"] == 1


def test_a_whole_journal_is_moved_at_its_database(command, served_by):
    made = command("export", "--out", "all.tar.gz")
    assert made.code == 2 and made.err.count("\n") == 1 and "this takes the database itself" in made.err and "all.tar.gz" not in made.files


@pytest.mark.soak
def test_every_command_says_the_same(command, data, served_by, monkeypatch):
    found = everything(command)
    assert [code for _, code, _, _ in found] == [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 2, 0, 0]
    monkeypatch.setenv("CEREBROLAB_HOME", str(data / "own"))
    monkeypatch.setenv("CEREBROLAB_JOURNAL", str(data / "own.db"))
    for mine, theirs in zip(found, everything(command), strict=True):
        assert mine == theirs
    with Journal(served_by.journal) as there, Journal(data / "own.db") as here:
        assert ledger(there) == ledger(here) and len(ledger(here)) == 6


SWEEP = """
import os, signal, sys
from journal.remote_research import ApiLedger
from scripts import cli
left, insert = [int(sys.argv[1])], ApiLedger.insert
def dying(self, rows, finished=None):
    insert(self, rows, finished)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
ApiLedger.insert = dying
import optimize.recorded
optimize.recorded.EVERY_S = 0.0
sys.exit(cli.run(sys.argv[2:]))
"""


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["twin", "cerebro"])
def test_a_killed_sweep_is_gone_on_with(command, served_by, engine):
    asked = ("sweep", *GRID, "--engine", engine, "--jobs", "1", "--no-verify")
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", SWEEP, "1", *asked], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
                                check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Journal(served_by.journal) as journal:
        recorded = journal.ledger.count(1)
        assert 0 < recorded <= 6 and len(journal.ledger.sweeps()) == 1
    made = command(*asked)
    assert made.code == 0 and made.value["trials"] == 6 and made.value["sweep"] == 1
    with Journal(served_by.journal) as journal:
        assert journal.ledger.count(1) == 6 and journal.ledger.sweep(1).finished_ns is not None
