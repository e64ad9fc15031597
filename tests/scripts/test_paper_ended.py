"""`cerebrolab paper RUN.toml --loop` and real signals: how its process ends, what it says, and what the venue has in its books then."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from brokers.local_alpaca import AccountRules, AnswerFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from journal import Journal
from journal.account_log import ALERT, OUTCOME

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RUN = """
strategy = "plain.py:Buys"
symbols = ["AAA"]
interval = "1m"
source = "alpaca"
start = "2024-03-01"
stop_within = {within}
"""
PLAIN = '''
import backtrader as bt

class Buys(bt.Strategy):
    """Five shares on the first live bar."""

    def next(self):
        if self.data._laststatus == self.data.LIVE and not self.getposition() and not self.broker.get_orders_open():
            self.buy(size=5)
'''


@contextmanager
def streaming(folder, within=60, now="2024-03-01T09:34:57-05:00", **options):
    """The venue, in its own time, and the process of a run on it."""
    (folder / "plain.py").write_text(PLAIN)
    (folder / "run.toml").write_text(RUN.format(within=within))
    bars = minutes(start="2024-03-01 09:30", AAA=[100.0] * 60)
    with LocalAlpaca(bars, now=now, account=AccountRules(multiplier=4), **options) as alpaca, started(folder, alpaca) as process:
        alpaca.run()
        yield alpaca, process


@contextmanager
def started(folder, alpaca):
    """A process of the run, once it listens; its stdout is read by line."""
    settings = {"API_KEY": alpaca.key_id, "SECRET_KEY": alpaca.secret_key, "BASE_URL": alpaca.url, "DATA_URL": alpaca.data_url,
                "STREAM_URL": alpaca.stream_url, "TRADE_STREAM_URL": alpaca.trade_stream_url}
    given = {**os.environ, **{f"ALPACA_{name}": value for name, value in settings.items()}, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", "from scripts.cli import main; main()", "paper", "run.toml", "--loop", "--json"]
    with subprocess.Popen(arguments, cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            alpaca.wait_connected("data", timeout_s=40)
            yield process
        finally:
            process.kill()
            watchdog.cancel()


def filled(alpaca, number):
    """The order of a number, filled by hand once it has been sent."""
    while len(alpaca.ledger.orders) < number:
        time.sleep(0.02)
    alpaca.fill(alpaca.ledger.orders[number - 1].id)


def bought(alpaca, process):
    filled(alpaca, 1)
    for line in process.stdout:
        if json.loads(line).get("status") == "Completed":
            return
    raise AssertionError(process.stderr.read())


def ended(process):
    """(exit code, outcome, stderr) of the process."""
    out, errors = process.communicate(timeout=60)
    events = [json.loads(line) for line in out.splitlines()]
    [outcome] = [event for event in events if event["event"] == "outcome"]
    assert "Traceback" not in errors
    return process.returncode, outcome, errors


def noted(folder, kind):
    [file] = folder.rglob("journal.db")
    with Journal(file) as journal:
        return journal.account_log.notes(kinds=[kind])


def test_a_signal_flattens_and_exits_with_0(folder):
    with streaming(folder) as (alpaca, process):
        bought(alpaca, process)
        process.send_signal(signal.SIGTERM)
        filled(alpaca, 2)
        code, outcome, errors = ended(process)
        assert not alpaca.ledger.positions.get("AAA") and [float(each.signed) for each in alpaca.ledger.executions] == [5.0, -5.0]
    assert code == 0 and outcome["flat"] and outcome["why"] == "stopped" and "not as asked" not in errors
    [note] = noted(folder, OUTCOME)
    assert note.facts["code"] == 0 and note.facts["policy"] == "flatten" and note.run == "Buys" and not noted(folder, ALERT)


def test_a_venue_that_answers_no_question_in_time_does_not_stretch_it(folder):
    with streaming(folder, within=6) as (alpaca, process):
        bought(alpaca, process)
        over = threading.Event()
        alpaca.faults.add(AnswerFault(method="GET", until=over, times=0))
        sent = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code, outcome, errors = ended(process)
        took = time.monotonic() - sent
        over.set()
        sold = [order for order in alpaca.ledger.orders if order.side == "sell"]
    assert took < 60 and outcome["seconds"] < 6 + 8  # a question that is under way may last 15 s
    assert len(sold) == 1 and code == 3 and "5 AAA" in errors and outcome["positions"] == {"AAA": 5.0}
    assert noted(folder, ALERT)[0].facts["positions"] == {"AAA": 5.0}


def test_a_closed_market_is_an_alert_and_3(folder):
    with streaming(folder, now="2024-03-01T18:00:00-05:00", positions={"AAA": (5, 100.0)}) as (alpaca, process):
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        code, outcome, errors = ended(process)
        assert not alpaca.ledger.orders
    assert code == 3 and "the market is closed, and opens at 2024-03-04 14:30 UTC" in errors and outcome["seconds"] < 5
    assert errors.splitlines()[-1].startswith("error: ") and noted(folder, ALERT)[0].facts["positions"] == {"AAA": 5.0}


def test_the_second_signal_ends_at_once_with_130_and_an_outcome(folder):
    with streaming(folder) as (alpaca, process):
        bought(alpaca, process)
        process.send_signal(signal.SIGINT)
        while len(alpaca.ledger.orders) < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        code, outcome, errors = ended(process)
    assert code == 130 and outcome["code"] == 130 and outcome["why"] == "interrupted" and "5 AAA" in errors
    assert [note.facts["code"] for note in noted(folder, OUTCOME)] == [130]


def test_a_process_that_is_killed_and_started_again_attends_to_what_it_finds(folder):
    with streaming(folder) as (alpaca, process):
        bought(alpaca, process)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        alpaca.wait_connected("data", count=0)
        with started(folder, alpaca) as again:
            for line in again.stdout:
                if json.loads(line)["text"] == "AAA: LIVE":
                    break
            again.send_signal(signal.SIGTERM)
            filled(alpaca, 2)
            code, outcome, _ = ended(again)
        assert [float(each.signed) for each in alpaca.ledger.executions] == [5.0, -5.0] and len(alpaca.ledger.orders) == 2
    assert code == 0 and outcome["flat"]
