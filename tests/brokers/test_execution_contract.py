"""The broker contract in one slice: whoever orders sees no difference to a plain market order."""

from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_cerebro import broker_of, cerebro_of
from broker_contract import BrokerContract, Witness

from brokers import SimulatedBroker
from brokers.execution import Sliced
from brokers.local_alpaca import LocalAlpaca
from feeds.cerebro_feed import BarsData

ONE_SLICE = "twap:1"


class TestSimulatedInOneSlice(BrokerContract):
    def play(self, bars, plan, cash=10_000.0, liquidity=None):
        volume = None if liquidity is None else liquidity / bars.raw_volume[0, 0]
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(Sliced(SimulatedBroker(cash=cash, max_volume=volume), ONE_SLICE))
        for symbol in bars.symbols:
            cerebro.adddata(BarsData(dataname=bars, symbol=symbol))
        cerebro.addstrategy(Witness, plan=plan)
        return cerebro.run()[0]


class TestAlpacaInOneSlice(BrokerContract):
    @pytest.fixture(autouse=True, params=["events", "polling"])
    def told_by(self, request):
        self.events = request.param == "events"

    def play(self, bars, plan, cash=10_000.0, liquidity=None):
        with LocalAlpaca(bars, cash=cash) as alpaca:
            if liquidity is not None:
                alpaca.liquidity = {symbol: Decimal(liquidity) for symbol in bars.symbols}
            strategy = cerebro_of(alpaca, bars, Sliced(broker_of(alpaca, self.events), ONE_SLICE), plan, Witness).run()[0]
            assert float(alpaca.ledger.cash) == pytest.approx(strategy.broker.getcash())
            return strategy
