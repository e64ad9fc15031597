"""Runs with sliced orders on the simulated broker, and bars within the day to run them on."""

import backtrader as bt
import numpy as np
from broker_contract import Witness

from brokers import SimulatedBroker
from brokers.execution import Sliced
from brokers.local_alpaca.moments import new_york
from core.bars import Bars
from core.calendars import get_calendar
from core.day_numbers import day_numbers, moments_of
from core.series import SymbolBars
from feeds.cerebro_feed import BarsData

DAYS = ("2024-02-26", "2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01")
HALF_DAY = "2023-11-24"  # the day after Thanksgiving: closes at 13:00


def moments(days, minutes=1):
    """Completion of every bar of some sessions, and the sessions."""
    calendar, found = get_calendar("XNYS"), []
    for day in np.array(days, "datetime64[D]"):
        opens, closes = (int(at([day])[0]) for at in (calendar.open_of, calendar.close_of))
        ends = np.minimum(np.arange(opens, closes, minutes * 60 * 10**9) + minutes * 60 * 10**9, closes)
        found.append((ends, np.full(len(ends), day)))
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def session_bars(days=DAYS[-1:], minutes=1, volume=1_000.0, price=100.0, symbol="AAA", kept=None, rows=None) -> SymbolBars:
    """Bars of whole sessions: prices and volumes are numbers, or one for each bar of a session or of all; `kept` bars only."""
    index, session = moments(days, minutes)
    closes, volumes = (np.resize(np.asarray(each, dtype=float), len(index)) for each in (price, volume))
    there = np.ones(len(index), bool) if kept is None else np.asarray(kept)
    there = there & (np.arange(len(index)) < (rows or len(index)))
    opens = np.r_[closes[0], closes[:-1]]
    return SymbolBars.make(symbol, index[there], session[there], closes[there], open=opens[there], high=np.maximum(opens, closes)[there],
                           low=np.minimum(opens, closes)[there], volume=volumes[there])


def panel(*series, minutes=1) -> Bars:
    """The bars of one or more symbols."""
    return Bars.of(series or [session_bars(minutes=minutes)], interval=f"{minutes}m")


class Noting(SimulatedBroker):
    """Also notes the moment (day number) at which each order reached it."""

    def start(self):
        super().start()
        self.reached = {}

    def submit(self, order, check=True):
        self.reached[order.ref] = max(data.datetime[0] for data in self.cerebro.datas if len(data))
        return super().submit(order, check)


def sliced(bars, plan, execution=None, kind=Witness, cerebro=bt.Cerebro, analyzers=(), cash=1e6, **params):
    """Play a plan ({bar: action(strategy)}) on a sliced simulated broker; (strategy, face)."""
    engine, face = cerebro(stdstats=False), Sliced(Noting(cash=cash, **params), execution)
    engine.setbroker(face)
    for symbol in bars.symbols:
        engine.adddata(BarsData(dataname=bars, symbol=symbol), name=symbol)
    for analyzer in analyzers:
        engine.addanalyzer(analyzer)
    engine.addstrategy(kind, plan=plan)
    return engine.run()[0], face


def buy(size=1_000, name="order", **terms):
    """An action that buys the first symbol and keeps the order."""
    return lambda strategy: strategy.keep(name, strategy.buy(size=size, **terms))


def sizes(face, at=0):
    """Signed shares of the slices of an order."""
    return [child.created.size for child in face.parents[at].children]


def clock(day_number):
    """A day number in New York, "09:31"."""
    return new_york(int(moments_of(np.array([day_number]))[0])).strftime("%H:%M")


def sent_at(face, at=0):
    """New York times at which the slices of an order were sent."""
    return [clock(face.reached[child.ref]) for child in face.parents[at].children]


def day_number(moment):
    """UTC nanoseconds as one of Backtrader's day numbers."""
    return float(day_numbers(np.array([moment]))[0])
