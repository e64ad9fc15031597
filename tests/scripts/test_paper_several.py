"""`cerebrolab paper A.toml B.toml --loop`: a real process trades two runs on one account, and is told to stop."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

ROOT = Path(__file__).parents[2]
RUN = """
strategy = "mine.py:Buys"
symbols = ["{symbol}"]
interval = "1m"
source = "alpaca"
start = "2024-03-01"
name = "{name}"
capital = 1000.0
[params]
size = {size}
"""
MINE = '''
import backtrader as bt

class Buys(bt.Strategy):
    """Some shares on the first live bar."""

    params = dict(size=1)

    def next(self):
        data = self.data
        if data._laststatus == data.LIVE and not self.position and not self.broker.get_orders_open():
            self.buy(size=self.p.size)
'''


@pytest.fixture(name="runs")
def _runs(folder):
    (folder / "mine.py").write_text(MINE)
    for name, symbol, size in (("few", "AAA", 2), ("more", "AAA", 3)):
        (folder / f"{name}.toml").write_text(RUN.format(name=name, symbol=symbol, size=size))
    return folder


def test_two_runs_on_one_symbol_until_they_are_told_to_stop(runs):
    bars = minutes(start="2024-03-01 09:30", AAA=[100, 100.1, 100.2] * 10)
    with LocalAlpaca(bars, now="2024-03-01T09:34:57-05:00", account=AccountRules(multiplier=4)) as alpaca:
        settings = {"API_KEY": alpaca.key_id, "SECRET_KEY": alpaca.secret_key, "BASE_URL": alpaca.url, "DATA_URL": alpaca.url,
                    "STREAM_URL": alpaca.stream_url, "TRADE_STREAM_URL": alpaca.trade_stream_url}
        given = {**os.environ, **{f"ALPACA_{name}": value for name, value in settings.items()}, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from scripts.cli import main; main()"]
        with subprocess.Popen([*command, "paper", "few.toml", "more.toml", "--loop", "--json"], cwd=runs, env=given, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            watchdog = threading.Timer(90, process.kill)
            watchdog.start()
            alpaca.wait_connected("data", timeout_s=60)
            alpaca.run(1.0)
            told, filler = [], lambda event: event.get("status") == "Accepted" and [
                alpaca.fill(order.id) for order in alpaca.ledger.orders if order.id not in {each.order_id for each in alpaca.ledger.executions}]
            while sum(event.get("status") == "Completed" for event in told) < 2:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                told.append(json.loads(line))
                filler(told[-1])
            held = dict(alpaca.ledger.positions)
            process.send_signal(signal.SIGTERM)
            for line in process.stdout:
                told.append(json.loads(line))
                filler(told[-1])
            errors = process.stderr.read()
        watchdog.cancel()
        assert process.returncode == 0 and "Traceback" not in errors, errors
        assert {symbol: float(qty) for symbol, qty in held.items()} == {"AAA": 5.0} and not alpaca.ledger.positions
    completed = [(event["run"], event["side"], event["filled"]) for event in told if event.get("status") == "Completed"]
    assert sorted(completed) == [("few", "buy", 2), ("few", "sell", 2), ("more", "buy", 3), ("more", "sell", 3)]
    assert [(event["run"], event["flat"], event["code"]) for event in told if event["event"] == "outcome"] == [("few", True, 0), ("more", True, 0)]
    shown = subprocess.run([*command, "accounts", "--json"], cwd=runs, env=given, capture_output=True, text=True, check=True)
    books = json.loads(shown.stdout)
    assert [(book["run"], book["executions"], book["trades"], book["held"]) for book in books] == [("few", 2, 1, {}), ("more", 2, 1, {})]


@pytest.mark.parametrize("change, arguments, words", [
    (("capital = 1000.0", ""), ["--loop"], "the run few names no capital"),
    (('name = "few"', 'name = "more"'), ["--loop"], "two runs on the account are called more"),
    (("capital = 1000.0", "capital = 99500.0"), ["--loop"], "the capital of the runs adds up to 100,500.00, and the account is worth 100,000.00"),
    (("", ""), ["--once"], "few.toml is one of several runs"),
    (("", ""), ["--loop", "--store", "own_store:OwnStore"], "several runs share a simulated account or one at Alpaca"),
])
def test_wrong_input_is_one_line(command, runs, monkeypatch, change, arguments, words):
    file = runs / "few.toml"
    file.write_text(file.read_text().replace(*change))
    with LocalAlpaca(minutes(start="2024-03-01 09:30", AAA=[100] * 10), now="2024-03-01T09:34:57-05:00") as alpaca:
        for name, value in (("API_KEY", alpaca.key_id), ("SECRET_KEY", alpaca.secret_key), ("BASE_URL", alpaca.url), ("DATA_URL", alpaca.url),
                            ("STREAM_URL", alpaca.stream_url), ("TRADE_STREAM_URL", alpaca.trade_stream_url)):
            monkeypatch.setenv(f"ALPACA_{name}", value)
        answer = command("paper", "few.toml", "more.toml", *arguments)
    assert answer.code == 2 and words in answer.err.splitlines()[-1] and "Traceback" not in answer.err
    assert sum(line.startswith("error") for line in answer.err.splitlines()) == 1
