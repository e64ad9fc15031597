"""Sliced orders on daily bars, over splits, and of target strategies."""

import backtrader as bt
import numpy as np
import pytest
from broker_contract import Witness
from made_bars import bars, frame
from sliced_runs import DAYS, buy, panel, session_bars, sizes, sliced
from steady_decisions import SteadyMinutes

from brokers import SimulatedBroker
from brokers.execution import Sliced
from core.errors import BadSpec
from engine.cerebro import Cerebro
from feeds.cerebro_feed import BarsData

PART = {"algo": "participation", "rate": 0.1}


def splitting(ratio, rows=10, at=3, volume=1_000.0):
    """Days at a price of 120, with a split on one of them."""
    price, split = np.full(rows, 120.0), np.ones(rows)
    price[at:], split[at] = 120.0 / ratio, ratio
    return bars(AAA=frame(price, volume=volume).assign(split=split))


def test_participation_goes_on_from_day_to_day():
    strategy, face = sliced(bars(AAA=frame([100] * 10, volume=1_000.0)), {1: buy(350, **PART)})
    assert sizes(face) == [100, 100, 100, 50] and strategy.placed["order"].getstatusname() == "Completed"


def test_an_order_is_split_with_its_slices():
    """100 shares on each of two days; the third hundred becomes two; of the 1,600 new ones 1,400 are left."""
    strategy, face = sliced(splitting(2), {1: buy(1_000, **PART)})
    order = strategy.placed["order"]
    assert [child.executed.size for child in face.parents[0].children][:4] == [100, 100, 200, 100]
    assert order.executed.remsize == 1_600 - 200 - 6 * 100
    assert strategy.getposition().size == 2 * 200 + 200 + 6 * 100
    assert strategy.broker.getvalue() == pytest.approx(1e6)


def test_an_order_of_which_a_split_leaves_nothing_ends():
    quiet = bars(AAA=frame(np.r_[np.full(3, 1.0), np.full(7, 10.0)], volume=np.r_[10.0, np.zeros(9)]).assign(split=[1, 1, 1, 0.1, *[1] * 6]))
    strategy, _ = sliced(quiet, {1: buy(5, **PART), 4: lambda s: None}, cash=100.0)
    order = strategy.placed["order"]
    assert order.executed.size == 1 and order.getstatusname() == "Canceled"
    assert order.info["reason"] == "nothing is left of it after the split 0.1:1"
    assert strategy.told[-1][1] == "Canceled"


def test_a_schedule_decided_before_a_split_is_of_new_shares():
    price, split = np.r_[np.full(390, 120.0), np.full(390, 60.0)], 2.0
    minutes = panel(session_bars(DAYS[:2], price=price))
    at = np.ones(minutes.shape)
    at[390] = split
    strategy, face = sliced(type(minutes)(**{**minutes.__getstate__(), "split": at}), {390: buy(30, algo="twap", minutes=3)})
    assert [child.executed.size for child in face.parents[0].children] == [20, 20, 20]
    assert strategy.placed["order"].getstatusname() == "Completed" and strategy.getposition().size == 60


@pytest.mark.parametrize("algo", ["twap", "vwap"])
def test_minutes_on_daily_bars_are_told(algo):
    with pytest.raises(BadSpec, match=f"execution {algo}:30 counts minutes, and the bars are whole days"):
        sliced(bars(AAA=frame([100] * 5)), {1: buy(10, algo=algo, minutes=30)})


class Listening(Witness):
    """Keeps its trades whole."""

    def __init__(self):
        super().__init__()
        self.closed = []

    def notify_trade(self, trade):
        if trade.isclosed:
            self.closed.append((trade.size, trade.price, trade.pnl, trade.pnlcomm))


def test_trades_are_those_of_one_order_at_the_same_prices():
    """Two minutes at one price for the slices, against all at once."""
    price = np.repeat(100 + 0.1 * np.arange(195), 2)
    plan = {1: buy(100), 11: lambda s: s.sell(size=100)}
    found = [sliced(panel(session_bars(price=price)), plan, text, Listening)[0].closed for text in (None, "twap:2")]
    (once,), (in_two,) = found
    assert in_two == once == (0, 100.0, pytest.approx(50.0), pytest.approx(50.0))


# -- target strategies --------------------------------------------------------------------------------


def targeted(execution, days=DAYS[-2:], **params):
    """A target strategy on minutes, its orders in slices or at once; (strategy, broker)."""
    random = np.random.default_rng(5)
    series = [session_bars(days, price=100 + 0.01 * random.integers(-5, 6, 780).cumsum(), volume=1e6, symbol=name) for name in ("AAA", "BBB")]
    minutes = panel(*series)
    engine, broker = Cerebro(stdstats=False), Sliced(SimulatedBroker(cash=1e5), execution)
    engine.setbroker(broker)
    for symbol in minutes.symbols:
        engine.adddata(BarsData(dataname=minutes, symbol=symbol), name=symbol)
    engine.addstrategy(SteadyMinutes, seed=2, **params)
    return engine.run()[0], broker


def test_a_target_strategy_cancels_what_is_left_of_its_last_decision():
    """Decisions come faster than their orders end: the next one counts what has been traded."""
    strategy, broker = targeted("twap:30")
    ends = {parent.order.getstatusname() for parent in broker.parents}
    assert {"Completed", "Canceled"} <= ends
    for parent in broker.parents:
        assert sum(child.executed.size for child in parent.children) == parent.order.executed.size
    for data in strategy.datas:
        mine = [parent.order for parent in broker.parents if parent.order.data is data]
        assert sum(order.executed.size for order in mine) == strategy.getposition(data).size
        assert sum(order.alive() for order in mine) <= 1


def test_a_target_strategy_in_one_slice_trades_as_at_once():
    (once, plain), (in_one, broker) = targeted(None), targeted("twap:1")
    assert broker.account == plain.account and len(broker.parents) == len(plain.orders)
    assert [(bit.dt, bit.size, bit.price) for _, bit in broker.fills] == [(bit.dt, bit.size, bit.price) for _, bit in plain.fills]
    assert {data._name: once.getposition(data).size for data in once.datas} == {
        data._name: in_one.getposition(data).size for data in in_one.datas}


def test_the_intent_of_slices_is_numbered():
    _, broker = targeted("twap:3")
    entry = next(parent for parent in broker.parents if parent.order.info["intent"] == "enter")
    assert [child.info["intent"] for child in entry.children] == ["enter1", "enter2", "enter3"]
    assert {child.info["slice_of"] for child in entry.children} == {entry.order.ref}


def test_exits_of_a_target_strategy_are_not_sliced():
    _, broker = targeted("twap:3", exits={"stop": 0.0005})
    stops = [order for order in broker.orders if order.exectype == bt.Order.Stop]
    assert stops and all("slice_of" not in order.info for order in stops)
