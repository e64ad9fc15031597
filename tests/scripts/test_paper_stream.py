"""`cerebrolab paper RUN.toml --loop`, bar by bar: on Alpaca's streams and on a store that somebody else wrote."""

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
strategy = "{strategy}"
symbols = ["AAA", "BBB"]
interval = "1m"
source = "alpaca"
start = "2024-03-01"
"""
PLAIN = '''
import backtrader as bt

class Buys(bt.Strategy):
    """A share of each symbol on the first live bar."""

    def next(self):
        for data in self.datas:
            if data._laststatus == data.LIVE and not self.getposition(data) and not self.broker.get_orders_open():
                self.buy(data, size=1)
                self.buy(self.datas[1 - self.datas.index(data)], size=1)
                return
'''


@pytest.fixture(name="run_file")
def _run_file(folder):
    (folder / "plain.py").write_text(PLAIN)
    (folder / "run.toml").write_text(RUN.format(strategy="plain.py:Buys") + 'on_stop = "keep"\n')
    return folder / "run.toml"


def test_a_store_of_somebody_else(command, run_file):
    done = command("paper", "run.toml", "--loop", "--store", "own_store:OwnStore", "--store-option", "bars=30", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    filled = [event for event in events if event.get("status") == "Completed"]
    assert done.code == 0 and {(event["symbol"], event["filled"]) for event in filled} == {("AAA", 1), ("BBB", 1)}
    assert [event["text"] for event in events if event["event"] == "data"][-1].endswith("LIVE")


@pytest.mark.parametrize("arguments, words", [
    (["--store", "own_store:OwnStore"], "say --loop"),
    (["--loop", "--store", "own_store:OwnStor"], "did you mean 'OwnStore'"),
    (["--loop", "--store", "OwnStore"], "module:Class"),
    (["--loop", "--store", "nowhere_at_all:Store"], "cannot import nowhere_at_all"),
    (["--loop", "--store", "own_store:Unmakeable"], "--store-option NAME=VALUE"),
    (["--loop", "--store", "own_store:OwnStore", "--store-option", "bars"], "write NAME=VALUE"),
    (["--loop", "--store", "own_store:OwnStore", "--store-option", "size=3"], "size"),
    (["--loop"], "ALPACA_API_KEY and ALPACA_SECRET_KEY are not set"),
    (["--once"], "--loop"),
])
def test_wrong_input_is_one_line(command, run_file, arguments, words):
    answer = command("paper", "run.toml", *arguments)
    assert answer.code == 2 and words in answer.err.splitlines()[-1] and "Traceback" not in answer.err
    assert sum(line.startswith("error") for line in answer.err.splitlines()) == 1


def test_minute_by_minute_until_it_is_told_to_stop(run_file):
    bars = minutes(start="2024-03-01 09:30", AAA=[100, 100.1, 100.2] * 10, BBB=[50, 50.1, 50.2] * 10)
    with LocalAlpaca(bars, now="2024-03-01T09:34:57-05:00", account=AccountRules(multiplier=4)) as alpaca:
        settings = {"API_KEY": alpaca.key_id, "SECRET_KEY": alpaca.secret_key, "BASE_URL": alpaca.url, "DATA_URL": alpaca.url,
                    "STREAM_URL": alpaca.stream_url, "TRADE_STREAM_URL": alpaca.trade_stream_url}
        given = {**os.environ, **{f"ALPACA_{name}": value for name, value in settings.items()}, "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-c", "from scripts.cli import main; main()", "paper", "run.toml", "--loop"]
        with subprocess.Popen(arguments, cwd=run_file.parent, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            watchdog = threading.Timer(60, process.kill)
            watchdog.start()
            alpaca.wait_connected("data", timeout_s=40)
            alpaca.run(1.0)
            told = []
            while sum("Completed" in line for line in told) < 2:
                told.append(process.stdout.readline())
                assert told[-1], process.stderr.read()
                if "Accepted" in told[-1]:
                    symbol = told[-1].split()[4]
                    alpaca.fill(next(order.id for order in alpaca.ledger.orders if order.symbol == symbol))
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate()
            watchdog.cancel()
        held = dict(alpaca.ledger.positions)
        secret = alpaca.secret_key
    assert process.returncode == 0 and "Traceback" not in errors
    assert rest.splitlines()[-1].endswith("ended (stopped; keep): it holds 1 AAA, 1 BBB, and 0 of its orders are open")
    assert {symbol: float(qty) for symbol, qty in held.items()} == {"AAA": 1.0, "BBB": 1.0}
    assert any(line.endswith("AAA: LIVE\n") and line.startswith("2024-03-01 09:3") for line in told)
    written = "".join(told) + rest + errors + "".join(path.read_text(errors="replace") for path in run_file.parent.rglob("*") if path.is_file())
    assert secret not in written
