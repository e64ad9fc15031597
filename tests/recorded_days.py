"""A `Recorder` on a LocalAlpaca: websocket and REST are real, the venue's time passes while the recorder waits."""

import threading

import numpy as np
from alpaca_minutes_live import FRIDAY, FeedClock, at, let_know, venue_bars

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca.moments import moment
from feeds.averages import averages_of
from feeds.parquet_store import ParquetStore
from services.recording import Recorder

SYMBOLS = ("AAA", "BBB")


class Recording:
    """One process of the recorder, and what it said.

    Attributes:
        alpaca, clock, store: the venue, its time, what the recorder speaks through. told, warned: lines.
    """

    def __init__(self, alpaca, place, symbols=SYMBOLS, **options):
        self.alpaca, self.clock = alpaca, FeedClock(alpaca)
        self.store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url, stream_url=alpaca.stream_url,
                                 clock=self.clock, stream=False)
        let_know(self.clock, self.store)
        self.bars = place if hasattr(place, "read") else ParquetStore(place)
        self.told, self.warned = [], []
        self.recorder = Recorder(self.store, self.bars, symbols, threading.Event(), self.told.append, self.warned.append, **options)

    def run(self, until, at_time=()):
        """Record up to a moment, doing things on the way: (moment, action(self))."""
        todo = sorted(((moment(when), act) for when, act in at_time), key=lambda each: each[0])
        end = moment(until)

        def reached():
            while todo and self.alpaca.now >= todo[0][0]:
                todo.pop(0)[1](self)
            if self.alpaca.now >= end:
                self.recorder.stop()

        self.clock.stops, self.clock.reached = [when for when, _ in todo] + [end], reached
        self.recorder.run()
        return self

    def drop(self, held_s=0.0):
        """The socket breaks off, and the stream has noticed it."""
        from alpaca_streams import until

        self.alpaca.drop("data", held_s)
        until(lambda: self.clock.state != "connected")


def recorded(alpaca, place, until, at_time=(), **options):
    """Record up to a moment."""
    return Recording(alpaca, place, **options).run(until, at_time)


def stored(place, symbol, source="alpaca"):
    """The bars of Friday that a store has, as `venue_bars` has them."""
    bars = (place if hasattr(place, "read") else ParquetStore(place)).read([symbol], FRIDAY, interval="1m", source=source)
    columns = [getattr(bars[0], name).tolist() for name in ("index", "open", "high", "low", "close", "volume")] if bars else []
    return list(zip(*columns, strict=True))


def agree(place, alpaca, until, symbols=SYMBOLS):
    """What is stored of Friday is what the venue has, with the averages of all that is stored."""
    store = place if hasattr(place, "read") else ParquetStore(place)
    for symbol in symbols:
        assert stored(store, symbol) == venue_bars(alpaca, symbol, at("09:30"), until), symbol
        bars, found = store.read([symbol], interval="1m", source="alpaca")[0], store.averages([symbol], FRIDAY, interval="1m", source="alpaca")[0]
        wanted = averages_of(bars)
        wanted = wanted.rows(wanted.session == np.datetime64(FRIDAY))
        assert np.array_equal(found.index, wanted.index)
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-12)
