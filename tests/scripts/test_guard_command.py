"""`cerebrolab guard show` and `clear`: what a journal says of guarded runs."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from journal import Journal
from journal.account_log import KILLED, REFUSED, RESUMED

ROOT = Path(__file__).parents[2]
RUN = 'strategy = "plain.py:Buys"\nsymbols = ["AAA"]\ninterval = "1m"\n{more}'
PLAIN = "import backtrader as bt\n\nclass Buys(bt.Strategy):\n    pass\n"
STOPPED = "stopped on 2024-03-01: it lost 1,000.00 of 100,000.00, more than 500.00 by guard.max_daily_loss 0.005"


@pytest.fixture(name="journal")
def _journal(folder):
    """Notes of two runs on two accounts."""
    (folder / "plain.py").write_text(PLAIN)
    (folder / "run.toml").write_text(RUN.format(more=""))
    (folder / "named.toml").write_text(RUN.format(more='name = "morning"\n'))
    (folder / ".cerebrolab").mkdir()
    with Journal(Path(".cerebrolab/journal.db")) as journal:
        log = journal.account_log
        log.note("one", "Buys", REFUSED, "refused to buy 3 AAA: too much", rule="max_order_value", limit=250.0, value=300.0, symbol="AAA")
        log.note("one", "Buys", KILLED, STOPPED, rule="max_daily_loss", limit=500.0, value=99_000.0)
        log.note("two", "Buys", KILLED, "stopped before")
        log.note("two", "Buys", RESUMED, "go on")
        log.note("two", "morning", KILLED, STOPPED)
        yield log


def test_what_was_refused_and_whether_it_is_stopped(command, journal):
    shown = command("guard", "show", "run.toml")
    assert shown.code == 0 and f"Buys on account one: {STOPPED}" in shown.out and "Buys on account two: it may trade" in shown.out
    row = next(line for line in shown.out.splitlines() if "max_order_value" in line)
    assert "250" in row and "300" in row and "refused to buy 3 AAA: too much" in row
    values = command("guard", "show", "Buys", "--account", "one", "--json").value
    assert [(each["account"], each["run"], each["stopped"], each["reason"]) for each in values] == [("one", "Buys", True, STOPPED)]
    assert values[0]["refused"][0]["rule"] == "max_order_value" and values[0]["since"].startswith("20")


@pytest.mark.parametrize("run, account", [("run.toml", "one"), ("named.toml", "two"), ("morning", "two")])
def test_a_human_lets_a_run_go_on(command, journal, run, account):
    done = command("guard", "clear", run)
    assert done.code == 0 and f"on account {account} may trade again" in done.out
    last = journal.notes(account)[-1]
    assert last.kind == RESUMED and STOPPED in last.text and last.facts["by"]
    assert f"account {account}: it may trade" in command("guard", "show", run, "--account", account).out
    again = command("guard", "clear", run)
    assert again.code == 2 and "is not stopped: there is nothing to clear" in again.err


@pytest.mark.parametrize(("arguments", "words"), [
    (["show", "Buyz"], "unknown run 'Buyz': did you mean 'Buys'"), (["show", "nowhere.toml"], "nowhere.toml"),
    (["show", "Buys", "--account", "three"], "unknown account 'three': known: one, two"),
    (["clear", "Buys", "--account", "two"], "Buys is not stopped"), (["show"], "Missing argument"),
])
def test_wrong_input_is_one_line_and_changes_nothing(command, journal, arguments, words):
    before = len(journal.notes())
    answer = command("guard", *arguments)
    assert answer.code == 2 and words in answer.err and answer.err.count("error: ") == 1 and "Traceback" not in answer.err
    assert len(journal.notes()) == before


def test_a_run_that_is_stopped_on_two_accounts_needs_one_named(command, journal):
    journal.note("two", "Buys", KILLED, STOPPED)
    answer = command("guard", "clear", "Buys")
    assert answer.code == 2 and "stopped on the accounts one, two: name one with --account" in answer.err
    assert command("guard", "clear", "Buys", "--account", "two").code == 0
    assert command("guard", "clear", "Buys").out.startswith("Buys on account one")


def test_without_a_journal_nothing_is_made(command):
    answer = command("guard", "show", "Buys")
    assert answer.code == 2 and "there is no journal .cerebrolab/journal.db" in answer.err
    assert not any("journal" in name for name in answer.files)


# -- the whole way ----------------------------------------------------------------------------------------

BUYING = """
import backtrader as bt

class Buys(bt.Strategy):
    def next(self):
        if self.data._laststatus == self.data.LIVE:
            self.buy(size=2)
            self.buy(size=1)
"""


def traded(lines):
    """`cerebrolab paper run.toml --loop` on a new venue until it has told `lines` lines of its guard; what it told, and the orders sent."""
    bars = minutes(start="2024-03-01 09:30", AAA=[100.0] * 60)
    with LocalAlpaca(bars, now="2024-03-01T09:34:57-05:00", account=AccountRules(multiplier=4)) as alpaca:
        settings = {"API_KEY": alpaca.key_id, "SECRET_KEY": alpaca.secret_key, "BASE_URL": alpaca.url, "DATA_URL": alpaca.url,
                    "STREAM_URL": alpaca.stream_url, "TRADE_STREAM_URL": alpaca.trade_stream_url}
        given = {**os.environ, **{f"ALPACA_{name}": value for name, value in settings.items()}, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from scripts.cli import main; main()", "paper", "run.toml", "--loop", "-p", "guard.max_order_value=150"]
        with subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            watchdog = threading.Timer(60, process.kill)
            watchdog.start()
            alpaca.wait_connected("data", timeout_s=40)
            alpaca.run(1.0)
            told = []
            while sum("refused to buy" in line for line in told) < lines:
                told.append(process.stderr.readline())
                assert told[-1], told
            process.send_signal(signal.SIGTERM)
            told += process.communicate()[1].splitlines()
            watchdog.cancel()
        assert not any("Traceback" in line for line in told)
        return told, [float(order.qty) for order in alpaca.ledger.orders], alpaca.account_id


def test_a_real_run_is_guarded_and_one_that_was_stopped_opens_nothing(command, folder):
    (folder / "plain.py").write_text(BUYING)
    (folder / "run.toml").write_text(RUN.format(more='start = "2024-03-01"\non_stop = "keep"\n'))
    told, sent, account = traded(lines=1)
    assert any("order of 200.00 is above guard.max_order_value 150.00" in line for line in told) and 2.0 not in sent
    with Journal(Path(".cerebrolab/journal.db")) as journal:
        assert [note.kind for note in journal.account_log.notes(account, "Buys", (REFUSED,))] == [REFUSED]
        journal.account_log.note(account, "Buys", KILLED, STOPPED)
    told, sent, _ = traded(lines=2)
    assert sum(STOPPED in line for line in told) >= 3 and sent == []
    assert STOPPED in command("guard", "show", "run.toml").out
