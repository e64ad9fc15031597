"""A Cerebro whose broker is a LocalAlpaca: bars arrive as the venue's time passes, and trade updates with them."""

from collections import Counter
from typing import Any, NamedTuple

import backtrader as bt
import pytest
from alpaca_rest import VenueClock
from broker_contract import Witness
from scripted import Script

from brokers.alpaca import AlpacaStore
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeUpdate
from brokers.local_alpaca import Ledger, LocalAlpaca
from core.day_numbers import moments_of
from feeds.cerebro_feed import BarsData

RARELY = 1e6  # seconds


class Arriving(BarsData):
    """Bars that come into being when the venue has played them."""

    params = dict(venue=None)

    def _load(self):
        if not super()._load():
            return False
        at = int(moments_of([self.lines.datetime[0]])[0])
        if at > self.p.venue.now:
            self.p.venue.advance(to=at)
        return True


def store_of(alpaca, **options):
    """A store of the account, on the venue's clock and without websockets."""
    return AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url,
                       clock=VenueClock(alpaca), stream=False, **options)


def broker_of(alpaca, events=True, store=None, reconcile_s=RARELY, **params):
    """A broker of the account; with `events` it is told what happens at once, as a stream would.

    Everything is compared so rarely that it is events and polls that must find what happens.
    """
    broker = (store or store_of(alpaca)).getbroker(reconcile_s=reconcile_s, **params)
    if events:
        broker.on_state(State("connected"))
        alpaca.updates.listeners.append(lambda update: broker.on_update(TradeUpdate.read(update)))
    return broker


def cerebro_of(alpaca, bars, broker, plan, kind=Script):
    """A Cerebro in which a plan is played while the venue's time passes."""
    cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
    cerebro.setbroker(broker)
    for symbol in bars.symbols:
        cerebro.adddata(Arriving(dataname=bars, symbol=symbol, venue=alpaca))
    cerebro.addstrategy(kind, plan=plan)
    return cerebro


def play_live(alpaca, bars, plan, kind=Script, events=True, **params):
    """Play a plan to the end of the bars; returns the strategy."""
    return cerebro_of(alpaca, bars, broker_of(alpaca, events, **params), plan, kind).run()[0]


class Outcome(NamedTuple):
    """What came of a plan: the strategy, the venue's ledger, and what the store told."""

    strategy: Any
    ledger: Ledger
    messages: list[str]

    def told(self, name: str) -> list[str]:
        """What was told of an order."""
        return self.strategy.statuses(self.strategy.placed[name])

    def reason(self, name: str) -> str:
        """Why an order was not carried out."""
        return self.strategy.placed[name].info["reason"]

    def traded(self, symbol: str) -> list[tuple[float, float]]:
        """Signed shares and prices of the executions."""
        return [(float(each.signed), float(each.price)) for each in self.ledger.executions if each.symbol == symbol]


def played(bars, plan, *faults, events=True, liquidity=None, store_of=store_of, venue=None, **params):
    """Play a plan, {bar: action(strategy)} or a function of the venue that gives one, with faults; the ledger judges.

    `venue` are options of LocalAlpaca, `params` of the broker. Every fault must have struck.
    """
    with LocalAlpaca(bars, **(venue or {})) as alpaca:
        alpaca.liquidity = liquidity or {}
        for fault in faults:
            alpaca.faults.add(fault)
        broker = broker_of(alpaca, events, store_of(alpaca), **params)
        cerebro = cerebro_of(alpaca, bars, broker, plan(alpaca) if callable(plan) else plan, Witness)
        messages = []
        cerebro.addstorecb(lambda message, *args, **kwargs: messages.append(message))
        strategy = cerebro.run()[0]
        assert all(fault.struck for fault in faults)
        judge(strategy, alpaca)
        return Outcome(strategy, alpaca.ledger, messages)


def each(action):
    """An action on every symbol at once: `action(strategy, feed)`."""
    def act(strategy):
        for data in strategy.datas:
            action(strategy, data)
    return act


def buy_each(size=10, **terms):
    """Buy every symbol; the orders are kept by symbol."""
    return each(lambda s, data: s.keep(data._name, s.buy(data, size=size, **terms)))


def sell_each(size=10, prefix="", **terms):
    """Sell every symbol; the orders are kept by symbol, with a prefix."""
    return each(lambda s, data: s.keep(prefix + data._name, s.sell(data, size=size, **terms)))


CANCEL_EACH = each(lambda s, data: s.cancel(s.placed[data._name]))


def agree(strategy, alpaca):
    """Cash and positions are the venue's, no order was sent twice, and nothing had to be stopped."""
    broker, ledger = strategy.broker, alpaca.ledger
    assert ledger.cash == alpaca.account.cash
    assert broker.getcash() == pytest.approx(float(ledger.cash))
    sizes = {data._name: broker.getposition(data).size for data in strategy.datas}
    venue = {symbol: qty for symbol, qty in ledger.positions.items() if symbol in sizes}
    assert {symbol: size for symbol, size in sizes.items() if size} == venue
    sent = Counter(order.client_order_id for order in ledger.sent())
    assert not [name for name, times in sent.items() if times > 1]
    assert broker.stopped == {}


def judge(strategy, alpaca):
    """As `agree`; and what this run's orders executed is what the venue executed for them, symbol by symbol."""
    agree(strategy, alpaca)
    ours, theirs = Counter(), Counter()
    for order in strategy.broker.orders:
        ours[order.data._name] += order.executed.size
    for done in alpaca.ledger.executions:
        order = alpaca.order(done.order_id)
        if not (order.outside or order.replaces):  # this run replaces nothing
            theirs[done.symbol] += float(done.signed)
    assert {symbol: size for symbol, size in ours.items() if size} == pytest.approx(
        {symbol: size for symbol, size in theirs.items() if size})
