"""A Cerebro on live feeds of a FakeAlpaca: websocket and REST are real, the venue's time passes while Cerebro waits."""

import time
from contextlib import contextmanager

import backtrader as bt
from alpaca_rest import CallersClock
from alpaca_streams import until

from brokers.alpaca import AlpacaStore
from brokers.alpaca.trade_stream import TradeUpdate
from core.day_numbers import moments_of
from feeds.alpaca_live import LiveBars

QUIET_S = 0.05  # longer than a told bar takes from the venue's thread to Cerebro's


class FeedClock(CallersClock):
    """The venue's time, which waits (really) until what the venue has told has arrived."""

    def __init__(self, alpaca):
        super().__init__(alpaca)
        self.sent = self.heard = 0
        send = alpaca.streams.send

        def counting(channel, messages):
            messages = list(messages)
            muted = "data" in alpaca.streams.muted
            for session in alpaca.streams._sessions:
                if not muted and hasattr(session, "wanted"):
                    self.sent += sum(session.wants(channel, each["S"]) for each in messages)
            send(channel, messages)

        alpaca.streams.send = counting

    def wait(self, event, seconds):
        rung = super().wait(event, seconds)
        deadline = time.monotonic() + QUIET_S
        while self.heard < self.sent and time.monotonic() < deadline:
            time.sleep(0.0005)
        self.sent = self.heard  # what is still missing was lost with its connection
        return rung or event.is_set()


class Watcher(bt.Strategy):
    """Notes what it sees: bars with the time, status and lengths of all feeds; statuses; store notifications.

    Params:
        until: venue time at which it stops the run. at_bar: called with itself on every next().
    """

    params = dict(until=None, at_bar=lambda strategy: None, venue=None, at_time=())

    def __init__(self):
        self.rows, self.statuses, self.told, self.seen = [], [], [], []
        self.todo = sorted(self.p.at_time, key=lambda each: each[0])

    def prenext(self):
        self.next()

    def next(self):
        now = max(data.datetime[0] for data in self.datas if len(data))
        moment = int(moments_of([now])[0])
        fresh = {data._name: data.close[0] for data in self.datas if len(data) and data.datetime[0] == now}
        self.rows.append((moment, fresh, all(data._laststatus == data.LIVE for data in self.datas if data._name in fresh)))
        self.p.at_bar(self)

    def notify_data(self, data, status, *args, **kwargs):
        self.statuses.append((data._name, data._getstatusname(status)))

    def notify_store(self, message, *args, **kwargs):
        self.told.append(message)

    def notify_order(self, order):
        self.seen.append((order.getstatusname(), order.data._name, order.executed.size))

    @property
    def live(self):
        return [(moment, fresh) for moment, fresh, is_live in self.rows if is_live]


class Watched(bt.Cerebro):
    """Looks at the venue's time between two rounds: does what is to be done then, and stops in the end."""

    def _storenotify(self):
        super()._storenotify()
        watcher, = self.runningstrats
        while watcher.todo and watcher.p.venue.now >= watcher.todo[0][0]:
            watcher.todo.pop(0)[1]()
        if watcher.p.venue.now >= watcher.p.until:
            self.runstop()


def store_of(alpaca, clock=None, **options):
    """A store with real websockets for market data, whose trade updates are told at once."""
    clock = clock or FeedClock(alpaca)
    store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url,
                        stream_url=alpaca.stream_url, trade_stream_url=alpaca.trade_stream_url, clock=clock, **options)
    live = LiveBars.of(store)
    hear = live._hear

    def counted(told):
        clock.heard += not (hasattr(told, "name") and told.name != "nonsense")
        hear(told)

    live._hear = counted
    return store


@contextmanager
def live_cerebro(alpaca, until_ns, symbols=("AAA", "BBB"), kind=Watcher, at_bar=lambda strategy: None, at_time=(), feeds=None, cerebro=Watched,
                 **options):
    """A Cerebro on two live feeds, to be run in the block."""
    store = store_of(alpaca, stream=False)
    made = cerebro(stdstats=False)
    broker = store.getbroker()
    made.setbroker(broker)
    alpaca.updates.listeners.append(lambda update: broker.on_update(TradeUpdate.read(update)))
    for symbol in symbols:
        made.adddata(store.getdata(dataname=symbol, timeframe=bt.TimeFrame.Minutes, qcheck=60.0, **options))
    made.addstrategy(kind, until=until_ns, venue=alpaca, at_bar=at_bar, at_time=at_time)
    try:
        yield made
    finally:
        store.stop()


def run_live(alpaca, until_ns, **options):
    """Run to a moment; the watcher."""
    with live_cerebro(alpaca, until_ns, **options) as cerebro:
        return cerebro.run()[0]


__all__ = ["FeedClock", "Watched", "Watcher", "live_cerebro", "run_live", "store_of", "until"]
