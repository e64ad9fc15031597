"""The stream between a local Alpaca and a real API: one account, an empty journal, and services that come and go."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from urllib.parse import urlsplit

import pytest
from alpaca_rest import endpoints_of
from alpaca_streams import until
from api_settings import settings_in
from ports import free_port
from served import serving

from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.settings import variable_names
from journal.blotter import LiveOrder
from journal.remote import ApiJournal
from services.api.app import create_app
from services.stream.pace import Pace
from services.stream.queue_file import QueueFile
from services.stream.service import StreamService

NOW = "2024-03-01T09:31-05:00"
COMMAND = "import sys; from scripts import cli; sys.exit(cli.run(sys.argv[1:]))"
PACE = Pace(first_s=0.01, longest_s=0.05, read_s=20.0)


class World:
    """A venue, the API's address (which answers within `api()`), and the file of the queue."""

    def __init__(self, alpaca, folder):
        self.alpaca, self.folder, self.queue = alpaca, folder, folder / "stream.db"
        self.told, self.warned = [], []
        self.url = f"http://127.0.0.1:{free_port()}"

    def api(self):
        return serving(create_app(settings_in(self.folder), rate=0), port=urlsplit(self.url).port)

    @cached_property
    def journal(self):
        return ApiJournal(self.url)

    @contextmanager
    def service(self, pace=PACE):
        """A process of the service."""
        journal = ApiJournal(self.url, deadline_s=0)
        with QueueFile(self.queue) as queue:
            service = StreamService(endpoints_of(self.alpaca), journal, queue, self.told.append, self.warned.append, pace=pace, seed=1)
            thread = threading.Thread(target=service.run)
            thread.start()
            try:
                yield service
            finally:
                service.stop()
                thread.join()
                journal.close()

    @property
    def command(self):
        """Arguments of the command; and, as `keys`, its environment."""
        return ["serve", "stream", "--api", self.url, "--queue", str(self.queue)]

    @property
    def keys(self):
        return {"ALPACA_API_KEY": self.alpaca.key_id, "ALPACA_SECRET_KEY": self.alpaca.secret_key, "ALPACA_BASE_URL": self.alpaca.url,
                "ALPACA_TRADE_STREAM_URL": self.alpaca.trade_stream_url}

    @contextmanager
    def process(self):
        """The command."""
        clean = {name: value for name, value in os.environ.items() if name not in variable_names()}
        with subprocess.Popen([sys.executable, "-c", COMMAND, *self.command], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**clean, **self.keys, "PYTHONPATH": os.pathsep.join(sys.path)}) as process:
            try:
                yield process
            finally:
                process.kill()

    def order(self, name, symbol="AAA", side="buy", qty=10, **more):
        """An order that only `alpaca.fill` fills."""
        price = "1" if side == "buy" else "999"
        return self.alpaca.outside_order(**{"symbol": symbol, "side": side, "qty": str(qty), "type": "limit", "limit_price": price,
                                            "client_order_id": name, **more})

    def traded(self, name, qty=10, price=100.0, **more):
        order = self.order(name, qty=qty, **more)
        self.alpaca.fill(order.id, price=price)
        return order

    def decide(self, run, *names):
        """Write orders of a run down."""
        orders = [LiveOrder(name, at, "AAA", "buy", Decimal(10), "enter") for at, name in enumerate(names)]
        self.journal.blotter.decide(
            orders, account=self.alpaca.account_id, run_key=run, bar_ns=10, session="2024-03-01", strategy="S", strategy_source="x", spec={},
            fingerprint="f", equity=Decimal(1), cash=Decimal(1), targets={}, notes=[])

    def listening(self, times=1):
        until(lambda: sum("listening" in text for text in self.told) >= times, lambda: (self.told, self.warned))
        self.alpaca.wait_connected("trade")

    def waiting(self, count):
        """Wait until so many executions are queued, by the file as another program reads it."""
        def counted():
            connection = sqlite3.connect(self.queue)
            try:
                return connection.execute("SELECT count(*) FROM executions WHERE state = 'waiting'").fetchone()[0] == count
            except sqlite3.OperationalError:
                return False  # the table is not made yet
            finally:
                connection.close()

        until(counted)

    def recorded(self):
        """What the API has, in the order of execution."""
        return self.journal.account_log.executions(self.alpaca.account_id)

    def delivered(self):
        """Wait until the API has as many executions as the venue's ledger, and judge them."""
        until(lambda: len(self.recorded()) >= len(self.alpaca.ledger.executions), lambda: (self.recorded(), self.told, self.warned))
        self.judge()

    def judge(self):
        """The API has every execution of the ledger exactly once."""
        theirs = [(each.client_order_id, each.order_id, each.cum_qty, each.symbol, each.signed, each.price, each.time)
                  for each in self.alpaca.ledger.executions]
        ours = [(each.client_order_id, each.broker_id, each.filled, each.symbol, each.signed, each.price, each.time_ns) for each in self.recorded()]
        assert sorted(ours) == sorted(theirs)


@pytest.fixture(name="world")
def _world(tmp_path):
    with LocalAlpaca(minutes(AAA=[100] * 30, BBB=[50] * 30), now=NOW) as alpaca:
        world = World(alpaca, tmp_path)
        yield world
        world.journal.close()
