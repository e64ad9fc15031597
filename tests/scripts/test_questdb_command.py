"""`cerebrolab questdb`: copying once, again and again, and how far it is."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from questdb_rows import EXECUTION, wait_for
from store_contract import YEAR
from vendor import daily_bars, same_bars

from core.settings import load_settings
from feeds import ParquetStore
from journal import Journal
from journal.quest import Quest

pytestmark = pytest.mark.xdist_group("questdb")  # one server for all of them
ROOT = Path(__file__).parents[2]


@pytest.fixture(name="place")
def _place(folder, quest_place, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_QUESTDB", quest_place)
    with Journal(load_settings().journal) as journal:
        journal.account_log.execute([EXECUTION])
        journal.history.take("A", "", Decimal(1), Decimal(2), time_ns=1)
    return quest_place


def test_the_journal_is_copied_once(command, place):
    answer = command("questdb", "status", "--json")
    behind = {"questdb": 0, "journal": 1, "behind": 1}
    assert answer.value == {"executions": behind, "snapshots": behind, "decisions": {**behind, "journal": 0, "behind": 0}, "bars": {"questdb": 0}}
    shown = "questdb://cerebro lab:***@127.0.0.1:"
    answer = command("questdb", "copy")
    assert answer.code == 0 and answer.out.startswith(f"2 records copied to {shown}") and answer.out.endswith(": 1 executions, 1 snapshots\n")
    assert command("questdb", "copy").out.startswith(f"0 records copied to {shown}")
    answer = command("questdb", "status")
    assert answer.code == 0 and answer.out.startswith(shown) and "p@ss" not in answer.out
    assert [line.split() for line in answer.out.splitlines()[3:]] == [
        ["executions", "1", "1", "0"], ["snapshots", "1", "1", "0"], ["decisions", "0", "0", "0"], ["bars", "0", "-", "-"]]


def test_what_questdb_has_lost_is_a_finding(command, place, quest_server):
    with Journal(load_settings().journal) as journal:
        journal.account_log.execute([replace(EXECUTION, client_order_id="c-2", time_ns=10**18)])
    command("questdb", "copy")
    assert command("questdb", "status").code == 0
    quest_server.ask("ALTER TABLE cerebrolab_executions DROP PARTITION LIST '1970-01'")
    answer = command("questdb", "status")
    assert answer.code == 1 and answer.err.startswith("warning: QuestDB has lost 1 executions that were copied: drop its tables ")


def test_stored_bars_are_copied_but_for_those_before_1970(command, place):
    store = ParquetStore(load_settings().bars_dir)
    sessions = YEAR[:5].astype("datetime64[D]")
    store.write("AAPL", daily_bars("AAPL", sessions), sessions, source="yahoo")
    early = ["1969-12-31", "1970-01-02"]
    store.write("^GSPC", daily_bars("^GSPC", early), early, source="yahoo")
    answer = command("questdb", "copy", "--bars")
    assert answer.code == 0 and answer.out.endswith(": 1 executions, 1 snapshots, 6 bars\n")
    assert answer.err == "warning: 1 bars from before 1970 were left out: QuestDB's times begin there\n"
    with Quest(place) as quest:
        assert len(quest.bars("AAPL", source="yahoo")) == 5 and len(quest.bars("^GSPC", source="yahoo")) == 1


def test_every_so_often_until_it_is_told_to_end(place, folder, quest_server):
    process = subprocess.Popen([sys.executable, "-c", "from scripts.cli import main; main()", "questdb", "copy", "--bars", "--every", "0.1"],
                               env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().endswith(": 1 executions, 1 snapshots\n")
        quest_server.stop()
        assert process.stderr.readline().startswith("warning: nothing is copied to QuestDB now, and it is tried again: questdb://")
        with Journal(load_settings().journal) as journal:
            journal.account_log.execute([replace(EXECUTION, client_order_id="c-2")])
        quest_server.start()
        assert process.stdout.readline().endswith(": 1 executions\n")
        assert process.stdout.readline() == "QuestDB follows again; what it missed is copied\n"
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=60)
        assert (process.returncode, *rest) == (0, "", "")
    finally:
        process.kill()
        process.communicate()
        quest_server.start()
    wait_for(lambda: quest_server.ask("SELECT count() FROM cerebrolab_executions") == [(2,)])


def test_bars_that_have_not_changed_are_not_sent_again(place, folder):
    from services.questdb import BarCopies

    store = ParquetStore(load_settings().bars_dir)
    store.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], source="yahoo")
    with Quest(place) as quest:
        copies = BarCopies(store, quest)
        assert [copies.copy(), copies.copy()] == [(5, 0), (0, 0)]
        store.write("AAPL", daily_bars("AAPL", YEAR[5:7]), YEAR[5:7], source="yahoo")
        assert copies.copy() == (7, 0)
        store.forget("AAPL", source="yahoo")
        store.write("AAPL", daily_bars("AAPL", YEAR[:7], seed=1), YEAR[:7], source="yahoo")
        assert copies.copy() == (7, 0) and copies.copy() == (0, 0)
        [stored] = store.read(["AAPL"], source="yahoo")
        assert same_bars(quest.bars("AAPL", source="yahoo"), stored)


def test_a_backtest_runs_on_bars_that_were_copied_to_questdb(command, folder, quest_place, monkeypatch):
    store = ParquetStore(folder / "bars")
    store.write("SPY", daily_bars("SPY", YEAR), YEAR, source="yahoo")
    answer = command("data", "copy", "bars", quest_place)
    assert (answer.code, answer.err) == (0, "") and "1 of 1 series copied to questdb://127.0.0.1:" in answer.out and "p@ss" not in answer.out
    monkeypatch.setenv("CEREBROLAB_STORE", quest_place)
    assert command("data", "list").out.splitlines()[-1].split()[:2] == ["yahoo", "SPY"]
    answer = command("backtest", "BuyAndHold", "--symbols", "SPY", "--source", "yahoo", "--start", str(YEAR[0]), "--end", str(YEAR[-1]), "--json")
    assert answer.code == 0 and not any("/bars/" in name for name in answer.files if name.startswith(".cerebrolab"))


def test_bars_at_a_questdb_that_is_not_there_are_one_line(command, monkeypatch):
    monkeypatch.setattr("feeds.quest_store.WAITS_S", ())
    monkeypatch.setenv("CEREBROLAB_STORE", "questdb://me:geheim@127.0.0.1:1?pg_port=1")
    for name in ("list", "check"):
        answer = command("data", name)
        assert answer.code == 2 and answer.out == "" and answer.err.count("\n") == 1 and "geheim" not in answer.err
        assert answer.err.startswith("error: questdb://me:***@127.0.0.1:1 failed: ") and "check the address, both its ports" in answer.err


@pytest.mark.parametrize(("address", "told"), [
    ("", "there is no QuestDB to copy to: set CEREBROLAB_QUESTDB to questdb://USER:PASSWORD@HOST:9000"),
    ("questdb://u:geheim@h/x", "is none: write questdb://USER:PASSWORD@HOST:9000"),
    ("questdb://u:geheim@127.0.0.1:1?pg_port=1", "check the address, both its ports, and that QuestDB runs"),
])
@pytest.mark.parametrize("name", ["copy", "status"])
def test_what_is_wrong_is_one_line(command, monkeypatch, name, address, told):
    monkeypatch.setenv("CEREBROLAB_QUESTDB", address)
    answer = command("questdb", name)
    assert answer.code == 2 and answer.out == "" and answer.err.count("\n") == 1
    assert told in answer.err and "geheim" not in answer.err


def test_a_wrong_password_is_no_outage(command, monkeypatch, quest_server):
    monkeypatch.setenv("CEREBROLAB_QUESTDB", quest_server.address(password="geheim"))
    for more in ((), ("--every", "1")):
        answer = command("questdb", "copy", *more)
        assert answer.code == 2 and answer.err.count("\n") == 1 and "check the user and the password" in answer.err
        assert "geheim" not in answer.err + "".join(Path(each).read_text() for each in answer.files if each.endswith(".log"))


def test_the_journal_behind_an_api_is_copied_where_its_database_is(command, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_QUESTDB", "questdb://h")
    monkeypatch.setenv("CEREBROLAB_JOURNAL", "http://token:geheim@127.0.0.1:9")
    answer = command("questdb", "copy")
    assert answer.code == 2 and "takes the database itself" in answer.err and "geheim" not in answer.err
