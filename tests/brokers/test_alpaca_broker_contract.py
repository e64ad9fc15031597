"""The broker contract, on the simulated broker and on Alpaca: told by events, or only by reading orders."""

from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_cerebro import play_live
from broker_contract import BrokerContract, Witness

from brokers import SimulatedBroker
from brokers.local_alpaca import LocalAlpaca
from core.bars import Bars
from feeds.cerebro_feed import BarsData


class TestSimulatedBroker(BrokerContract):
    def play(self, bars: Bars, plan, cash=10_000.0, liquidity=None):
        volume = None if liquidity is None else liquidity / bars.raw_volume[0, 0]
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(SimulatedBroker(cash=cash, max_volume=volume))
        for symbol in bars.symbols:
            cerebro.adddata(BarsData(dataname=bars, symbol=symbol))
        cerebro.addstrategy(Witness, plan=plan)
        return cerebro.run()[0]


class TestAlpaca(BrokerContract):
    @pytest.fixture(autouse=True, params=["events", "polling"])
    def told_by(self, request):
        self.events = request.param == "events"

    def play(self, bars: Bars, plan, cash=10_000.0, liquidity=None):
        with LocalAlpaca(bars, cash=cash) as alpaca:
            if liquidity is not None:
                alpaca.liquidity = {symbol: Decimal(liquidity) for symbol in bars.symbols}
            strategy = play_live(alpaca, bars, plan, Witness, events=self.events)
            ledger, broker = alpaca.ledger, strategy.broker
            assert float(ledger.cash) == pytest.approx(broker.getcash())
            sizes = {data._name: broker.getposition(data).size for data in strategy.datas}
            assert {symbol: size for symbol, size in sizes.items() if size} == ledger.positions
            return strategy
