"""The shared clock: the same run as with Backtrader's own loop, on any panel."""

import datetime as dt

import backtrader as bt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import ragged

from brokers import SimulatedBroker
from core.bars import Bars
from core.spec import RunSpec
from engine import build
from engine.cerebro import Cerebro
from feeds.cerebro_feed import BarsData
from feeds.shared_clock import ClockedLine, SharedClock
from strategies import GoldenCross


class Diary(bt.Strategy):
    """Trades on crossings and writes down everything it sees."""

    def __init__(self):
        self.averages = [bt.ind.SMA(data, period=4) for data in self.datas]
        self.seen = []

    def prenext(self):
        self.note("prenext")

    def nextstart(self):
        self.note("nextstart")

    def next(self):
        self.note("next")
        for data, average in zip(self.datas, self.averages, strict=True):
            if len(average) and data.close[0] > average[0] and not self.getposition(data).size:
                self.buy(data, size=3)
            elif len(average) and data.close[0] < average[0] and self.getposition(data).size:
                self.sell(data, size=3, exectype=bt.Order.Limit, price=data.close[0])

    def note(self, phase):
        feeds = [(len(data), data.datetime[0], data.close[0], data.volume[-1] if len(data) > 1 else None)
                 if len(data) else (0,) for data in self.datas]
        self.seen.append((phase, len(self), self.datetime[0], feeds))

    def notify_order(self, order):
        self.seen.append((order.getstatusname(), order.executed.size, order.executed.price))


def play(kind, bars, strategy=Diary, **options):
    cerebro = kind(stdstats=False, **options)
    cerebro.setbroker(SimulatedBroker(cash=10_000.0))
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol), name=symbol)
    cerebro.addstrategy(strategy)
    return cerebro, cerebro.run()[0]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4))
def test_a_strategy_sees_the_same_as_in_backtraders_own_loop(seed, count):
    bars = Bars.from_frames(ragged(40, count, seed))
    (theirs, plain), (ours, fast) = play(bt.Cerebro, bars), play(Cerebro, bars)
    assert type(ours.datas[0].lines.close) is ClockedLine and type(theirs.datas[0].lines.close) is not ClockedLine
    assert repr(fast.seen) == repr(plain.seen)
    assert ours.broker.account == theirs.broker.account


def test_the_clock_is_for_whole_preloaded_panels_only():
    bars = Bars.from_frames(ragged(40, 2, 1))
    cerebro, _ = play(bt.Cerebro, bars)
    assert isinstance(SharedClock.of(cerebro.datas), SharedClock)
    cut = bt.Cerebro(stdstats=False)
    cut.adddata(BarsData(dataname=bars, symbol=bars.symbols[0], fromdate=dt.datetime(2010, 2, 1)))
    cut.addstrategy(bt.Strategy)
    cut.run()
    assert SharedClock.of(cut.datas) is None
    _, slow = play(Cerebro, bars, preload=False)
    assert len(slow.seen) and type(slow.datas[0].lines.close) is not ClockedLine


def test_feeds_can_be_played_again():
    bars = Bars.from_frames(ragged(60, 2, 3))
    cerebro, first = play(Cerebro, bars)
    again = bt.Cerebro(stdstats=False)
    again.setbroker(SimulatedBroker(cash=10_000.0))
    for data in cerebro.datas:
        again.adddata(data)
    again.addstrategy(Diary)
    assert repr(again.run()[0].seen) == repr(first.seen)


def test_several_strategies_and_a_stop_in_the_middle():
    class Stopper(bt.Strategy):
        def prenext(self):
            self.next()

        def next(self):
            if len(self) == 5:
                self.env.runstop()

    bars = Bars.from_frames(ragged(40, 2, 5))
    cerebro = Cerebro(stdstats=True)
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol))
    cerebro.addstrategy(Stopper)
    cerebro.addstrategy(GoldenCross, fast=2, slow=4)
    stopper, other = cerebro.run()
    assert len(stopper) == 5 and len(other) in (4, 5)


def test_the_engine_builds_it():
    assert isinstance(build(RunSpec(symbols=("AAPL",), end="2001-01-31")), Cerebro)


@pytest.mark.parametrize("count", [1, 3])
def test_timers_fire_as_before(count):
    class Timed(bt.Strategy):
        def __init__(self):
            self.times = []
            self.add_timer(dt.time(10, 0), weekdays=[3])

        def notify_timer(self, timer, when, *args, **kwargs):
            self.times.append((when, len(self)))

    bars = Bars.from_frames(ragged(40, count, 9))
    assert play(Cerebro, bars, Timed)[1].times == play(bt.Cerebro, bars, Timed)[1].times != []
