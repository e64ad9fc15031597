"""A Cerebro on live feeds of a LocalAlpaca: websocket and REST are real, the venue's time passes while Cerebro waits."""

import datetime as dt

import backtrader as bt
import numpy as np
import pandas as pd
from alpaca_streams import until

from brokers.alpaca import AlpacaStore
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeUpdate
from brokers.local_alpaca import ReplayClock
from brokers.local_alpaca.made_minutes import minute_frame
from brokers.local_alpaca.moments import moment, new_york
from core.bars import Bars
from core.day_numbers import moments_of

FIELDS = ("open", "high", "low", "close", "volume")
THURSDAY, FRIDAY = "2024-02-29", "2024-03-01"
FIRST = dt.datetime(2024, 2, 29)  # where the feeds' history begins


class FeedClock(ReplayClock):
    """A `ReplayClock` whose state is that of the feeds' stream."""

    @property
    def state(self):
        return self.data.state

    @state.setter
    def state(self, state):
        self.data.state = state

    @property
    def missing(self):
        return self.data.missing


class Watcher(bt.Strategy):
    """Notes what it sees on every next(): the moment, each feed's fresh bar, and whether it may trade.

    Params:
        at_bar: called with itself on every next().
    """

    params = dict(at_bar=lambda strategy: None)

    def __init__(self):
        self.rows, self.statuses, self.told, self.seen, self.bars, self.lengths = [], [], [], [], {}, {}

    def prenext(self):
        self.next()

    def next(self):
        shown = [data for data in self.datas if len(data) > self.lengths.get(data, 0)]
        self.lengths = {data: len(data) for data in self.datas}
        at = int(moments_of([max(data.datetime[0] for data in shown)])[0])
        for data in shown:
            self.bars.setdefault(data._name, []).append((int(moments_of([data.datetime[0]])[0]), *(getattr(data, name)[0] for name in FIELDS)))
        self.rows.append((at, tuple(data._name for data in shown), not any(getattr(data, "backfilling", False) for data in self.datas)))
        self.p.at_bar(self)

    def notify_data(self, data, status, *args, **kwargs):
        self.statuses.append((data._name, data._getstatusname(status)))

    def notify_store(self, message, *args, **kwargs):
        self.told.append(message)

    def notify_order(self, order):
        self.seen.append((order.getstatusname(), order.data._name, order.executed.size, order.info.get("reason")))

    @property
    def moments(self):
        """When next() was called."""
        return [at for at, _, _ in self.rows]

    @property
    def live(self):
        """New York times of the moments on which it could trade."""
        return [clock_time(at) for at, _, is_live in self.rows if is_live]

    @property
    def late(self):
        """New York times of the others."""
        return [clock_time(at) for at, _, is_live in self.rows if not is_live]

    def of(self, name):
        """Statuses of one feed."""
        return [status for feed, status in self.statuses if feed == name]


class Live:
    """What a run on live feeds is made of.

    Attributes:
        alpaca, clock, store, broker, cerebro: the venue, its time, and what runs on it.
        until, todo: when the run is stopped; what is done on the way, (moment, action(self)).
    """

    def __init__(self, alpaca, until_text, skew_s=0.0, at_time=(), cerebro=bt.Cerebro, reconcile_s=1e6, **options):
        self.alpaca, self.clock = alpaca, FeedClock(alpaca, skew_s)
        self.store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url, stream_url=alpaca.stream_url,
                                 trade_stream_url=alpaca.trade_stream_url, clock=self.clock, stream=False)
        let_know(self.clock, self.store)
        self.broker = self.store.getbroker(reconcile_s=reconcile_s)
        self.broker.on_state(State("connected"))
        alpaca.updates.listeners.append(lambda update: self.broker.on_update(TradeUpdate.read(update)))
        self.until, self.todo = moment(until_text), sorted(((moment(at), act) for at, act in at_time), key=lambda each: each[0])
        self.clock.stops, self.clock.reached = [at for at, _ in self.todo] + [self.until], self._act
        self.cerebro = self._watched(cerebro)(stdstats=False, **options)
        self.cerebro.setbroker(self.broker)

    def _act(self):
        while self.todo and self.alpaca.now >= self.todo[0][0]:
            self.todo.pop(0)[1](self)

    def _watched(self, kind):
        live = self

        class Watched(kind):
            """Looks at the venue's time between two rounds, and stops in the end."""

            def _storenotify(self):
                super()._storenotify()
                if live.alpaca.now >= live.until:
                    self.runstop()

        return Watched

    def add(self, *symbols, **options):
        """Add a feed for each symbol: minutes, unless told otherwise."""
        for symbol in symbols:
            feed = self.store.getdata(**{"dataname": symbol, "timeframe": bt.TimeFrame.Minutes, "qcheck": 3600.0, **options})
            self.cerebro.adddata(feed)
        return self

    def run(self, kind=Watcher, **params):
        """Run; the strategy."""
        self.cerebro.addstrategy(kind, **params)
        try:
            return self.cerebro.run()[0]
        finally:
            self.store.stop()

    def drop(self, held_s=0.0):
        """The socket breaks off, and the stream has noticed it."""
        self.alpaca.drop("data", held_s)
        until(lambda: self.clock.state != "connected")

    def error(self, code, ends):
        """The stream is told an error, which `ends` its connection or not."""
        self.alpaca.streams.send_error(code)
        until(lambda: self.clock.state != "connected" or not ends)

    def outage(self, seconds):
        """Nothing answers for `seconds`, and the stream has noticed it."""
        self.alpaca.outage(seconds)
        until(lambda: self.clock.state != "connected")


def let_know(clock, store):
    """Let a `FeedClock` know what the stream of a store tells, and what it is expected to tell."""
    listen = store.listen

    def listening(symbols, on_bar, on_state):
        clock.state = "connecting"
        stream = listen(symbols, clock.data.through(on_bar), clock.data.through(on_state))
        expect = stream.expect
        stream.expect = lambda within_s: (expect(within_s), setattr(clock, "state", "mute"))
        return stream

    store.listen = listening


def run_live(alpaca, until_text, symbols=("AAA", "BBB"), kind=Watcher, at_time=(), at_bar=None, skew_s=0.0, cerebro=bt.Cerebro, **options):
    """Run two live feeds to a moment; the strategy."""
    live = Live(alpaca, until_text, skew_s, at_time, cerebro).add(*symbols, **options)
    return live.run(kind, **({"at_bar": at_bar} if at_bar else {}))


def walks(*starts, rows=40, symbols=("AAA", "BBB"), silent=None, seed=1):
    """Minute Bars: random walks in cents, `rows` minutes from each start on ("2024-03-01 09:30").

    `silent` maps a symbol to the minutes (counted through) in which it does not trade.
    """
    random, frames = np.random.default_rng(seed), {}
    for symbol in symbols:
        close = np.round(100 + np.cumsum(random.normal(0, 0.1, rows * len(starts))), 2)
        opened = np.round(close + random.normal(0, 0.05, len(close)), 2)
        reach = np.round(np.abs(random.normal(0, 0.05, (2, len(close)))), 2)
        prices = np.round(np.column_stack([opened, np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1], close]), 2)
        kept = [None if at in (silent or {}).get(symbol, ()) else tuple(row) for at, row in enumerate(prices)]
        days = [minute_frame(kept[day * rows:(day + 1) * rows], start) for day, start in enumerate(starts)]
        frames[symbol] = pd.concat(days).assign(volume=random.integers(1, 500, sum(len(day) for day in days)).astype(float) * 100)
    return Bars.from_frames(frames, interval="1m")


def at(time, date=FRIDAY):
    """A New York time as ISO text."""
    return f"{date}T{time}-05:00"


def venue_bars(alpaca, symbol, first, last):
    """What the venue's market has played: (moment, open, high, low, close, volume), completed after `first`, up to `last`."""
    bars = alpaca.market.bars
    at = bars.column(symbol)
    rows = [row for row in np.flatnonzero(bars.traded[:, at]).tolist()
            if moment(first) < bars.index[row] <= moment(last) and (row, at) not in alpaca.market.silenced]
    return [(int(bars.index[row]), *(float(getattr(bars, f"raw_{name}")[row, at]) for name in FIELDS)) for row in rows]


def clock_time(at):
    """A moment in New York, "09:31"."""
    return new_york(at).strftime("%H:%M")


def agree(strategy, alpaca, since=f"{THURSDAY}T00:00-05:00", symbols=("AAA", "BBB")):
    """What Cerebro saw after a moment is what the venue has: each bar once, in order, all of one moment in one next()."""
    assert strategy.moments == sorted(set(strategy.moments))
    for symbol in symbols:
        assert strategy.bars.get(symbol, []) == venue_bars(alpaca, symbol, since, strategy.moments[-1]), symbol


MINUTES = walks(f"{THURSDAY} 15:20", f"{FRIDAY} 09:30")
