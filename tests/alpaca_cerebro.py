"""A Cerebro whose broker is a FakeAlpaca: bars arrive as the venue's time passes, and trade updates with them."""

import backtrader as bt
import pytest
from alpaca_rest import VenueClock
from scripted import Script

from brokers.alpaca import AlpacaStore
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeUpdate
from core.day_numbers import moments_of
from feeds.cerebro_feed import BarsData


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


def broker_of(alpaca, events=True, store=None, **params):
    """A broker of the account; with `events` it is told what happens at once, as a stream would."""
    broker = (store or store_of(alpaca)).getbroker(**params)
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


def agree(strategy, alpaca):
    """Cash and positions are the venue's, and nothing had to be stopped."""
    broker, ledger = strategy.broker, alpaca.ledger
    assert broker.getcash() == pytest.approx(float(alpaca.account.cash))
    sizes = {data._name: broker.getposition(data).size for data in strategy.datas}
    venue = {symbol: qty for symbol, qty in ledger.positions.items() if symbol in sizes}
    assert {symbol: size for symbol, size in sizes.items() if size} == venue
    assert broker.stopped == {}
