"""alpaca-backtrader-api 0.15.0 itself as the store of `cerebrolab paper`, in a process that has its folder first on the path.

Only its addresses are set: two have environment variables, those of the account and its trade updates are in its classes.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minute_frame
from core.bars import Bars

ROOT = Path(__file__).parents[2]
FOLDER = os.environ.get("ALPACA_BACKTRADER_API", "")
INSTALL = """set ALPACA_BACKTRADER_API to a folder made by
pip install --target FOLDER --no-deps alpaca-backtrader-api==0.15.0 alpaca-trade-api==1.4.3
pip install --target FOLDER aiohttp==3.14.5 websockets==13.1"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FOLDER, reason=INSTALL)]

ADDRESSES = """
import os

from alpaca_backtrader_api import AlpacaStore
from alpaca_trade_api.stream import TradingStream

AlpacaStore._ENV_PRACTICE_URL = os.environ["ALPACA_BASE_URL"]
TradingStream._endpoint = property(lambda self: os.environ["ALPACA_TRADE_STREAM_URL"], lambda self, value: None)
"""
LIVE_ONLY = """
from alpaca_backtrader_api import AlpacaData, AlpacaStore

class LiveOnly(AlpacaData):
    params = dict(backfill_start=False, backfill=False)
"""
STRATEGY = '''
import json

import backtrader as bt

class BuysOnce(bt.Strategy):
    """Three shares on the first live bar."""

    asked = False

    def next(self):
        live = self.data._laststatus == self.data.LIVE
        print(json.dumps({"event": "seen", "at": bt.num2date(self.data.datetime[0]).isoformat(), "close": self.data.close[0], "live": live,
                          "cash": self.broker.getcash(), "value": self.broker.getvalue(), "held": self.position.size}), flush=True)
        if live and not self.asked:
            self.asked = True
            self.buy(size=3)
'''
RUN = """
strategy = "buys_once.py:BuysOnce"
symbols = ["AAA"]
interval = "{interval}"
start = "2024-02-20"
"""
CEREBROLAB = "import addresses; from scripts.cli import main; main()"


def three_days() -> Bars:
    """The first four hours of three sessions, minute by minute."""
    days = ("2024-02-20", "2024-02-21", "2024-02-22")
    return Bars.from_frames({"AAA": pd.concat([minute_frame([100, 100.1, 100.2, 100.1] * 60, f"{day} 09:30") for day in days])}, interval="1m")


class Command:
    """`cerebrolab paper run.toml --loop --store STORE --json` as a process of its own; what it prints is read line by line."""

    def __init__(self, alpaca, folder, store):
        given = {"ALPACA_API_KEY": alpaca.key_id, "ALPACA_SECRET_KEY": alpaca.secret_key, "ALPACA_BASE_URL": alpaca.url,
                 "ALPACA_TRADE_STREAM_URL": alpaca.trade_stream_url, "APCA_API_DATA_URL": alpaca.data_url,
                 "APCA_API_STREAM_URL": alpaca.stream_url.removesuffix("/v2/iex"),
                 "PYTHONPATH": os.pathsep.join((os.path.abspath(FOLDER), str(folder), str(ROOT)))}
        self.process = subprocess.Popen([sys.executable, "-c", CEREBROLAB, "paper", "run.toml", "--loop", "--store", store, "--json"],
                                        cwd=folder, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.told = []
        self._watchdog = threading.Timer(60, self.process.kill)

    def __enter__(self):
        self._watchdog.start()
        return self

    def __exit__(self, *_):
        self._watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def read(self, wanted):
        """Events up to the first one that is wanted, which is returned."""
        while True:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            self.told.append(json.loads(line))
            if wanted(self.told[-1]):
                return self.told[-1]

    def orders(self, *statuses):
        """What was told of the strategy's order; it may tell the position at the start as an order too."""
        told = [event for event in self.told if event.get("size") == 3]
        return [event for event in told if not statuses or event["status"] in statuses]

    def end(self):
        """Exit code and errors after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate()
        return self.process.returncode, errors


def live(event):
    return event["event"] == "seen" and event["live"]


@pytest.mark.parametrize("interval, store, backfilled", [
    ("1d", "alpaca_backtrader_api:AlpacaStore", ["2024-02-20T05:00:00", "2024-02-21T05:00:00", "2024-02-22T05:00:00"]),
    ("1m", "live_only:AlpacaStore", []),
])
def test_the_old_store_trades_a_plain_strategy(tmp_path, interval, store, backfilled):
    bars = three_days()
    for name, text in {"addresses.py": ADDRESSES, "live_only.py": LIVE_ONLY, "buys_once.py": STRATEGY, "run.toml": RUN}.items():
        (tmp_path / name).write_text(text.replace("{interval}", interval))
    rules = AccountRules(plan="plus")  # it asks for SIP bars up to now
    with LocalAlpaca(bars, now="2024-02-22T10:00:30-05:00", account=rules, positions={"AAA": (7, 99.0)}) as alpaca:
        alpaca.liquidity["AAA"] = Decimal(0)
        with Command(alpaca, tmp_path, store) as command:
            for stream in ("data", "trade"):
                alpaca.wait_connected(stream, timeout_s=60)
            alpaca.advance(seconds=60)
            first, worth = command.read(live), float(alpaca.account.equity)
            while len(command.orders()) < 3:  # it may lose a fill that comes while it still reads the POST's answer
                alpaca.advance(seconds=60)
                command.read(live)
            alpaca.liquidity.clear()
            while not command.orders("Completed"):
                alpaca.advance(seconds=60)
                command.read(live)
            code, errors = command.end()
        orders, executions, positions = list(alpaca.ledger.orders), list(alpaca.ledger.executions), dict(alpaca.ledger.positions)
    assert code == 0 and "Traceback" not in errors
    assert [event["at"] for event in command.told if event["event"] == "seen" and not event["live"]] == backfilled
    assert first["at"] == "2024-02-22T15:00:00" and first["close"] == bars.raw_close[2 * 240 + 30, 0]
    assert (first["cash"], first["value"], first["held"]) == (100_000.0, pytest.approx(worth), 7.0)
    assert [(order.symbol, order.side, float(order.qty)) for order in orders] == [("AAA", "buy", 3.0)]
    assert [float(each.signed) for each in executions] == [3.0] and positions == {"AAA": 10}
    filled = command.orders("Completed")[0]
    assert (filled["side"], filled["filled"], filled["price"]) == ("buy", 3.0, pytest.approx(float(executions[0].price)))
