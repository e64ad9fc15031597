"""Target strategies decide the same on the simulated broker and on Alpaca, and hold the same shares in the end."""

import backtrader as bt
import numpy as np
import pytest
from alpaca_cerebro import Arriving, agree, broker_of

from brokers import SimulatedBroker
from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from feeds.cerebro_feed import BarsData
from strategies.base import TargetStrategy

CALM = (100, 100, 99, 100)  # a trailing stop follows highs at Alpaca and closes in Backtrader: here they are the same


class Scheduled(TargetStrategy):
    """Holds what a table of (bar, symbol) says."""

    params = dict(table=())

    @classmethod
    def signals(cls, bars, p):
        signals = np.full(bars.shape, np.nan)
        for row, column, conviction in p.table:
            if row < len(bars):
                signals[row, column] = conviction
        return signals


def run(broker, feeds, table, exits):
    cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
    cerebro.setbroker(broker)
    for feed in feeds:
        cerebro.adddata(feed)
    cerebro.addstrategy(Scheduled, table=table, exits=exits)
    strategy = cerebro.run()[0]
    sizes = {data._name: strategy.getposition(data).size for data in strategy.datas}
    return strategy, (sizes, broker.getcash(), broker.getvalue())


def both(bars, table, exits=None):
    """Outcome on the simulated broker, and on Alpaca; the second must agree with its venue."""
    _, simulated = run(SimulatedBroker(cash=10_000.0), [BarsData(dataname=bars, symbol=s) for s in bars.symbols],
                       table, exits)
    with LocalAlpaca(bars, cash=10_000) as alpaca:
        feeds = [Arriving(dataname=bars, symbol=symbol, venue=alpaca) for symbol in bars.symbols]
        strategy, live = run(broker_of(alpaca), feeds, table, exits)
        agree(strategy, alpaca)
        return simulated, live, alpaca.ledger


def test_a_rotation_holds_the_same():
    random = np.random.default_rng(4)
    rows = {}
    for symbol in ("AAA", "BBB", "CCC"):
        close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.004, 30))), 2)
        opened = np.r_[100.0, close[:-1]]
        rows[symbol] = list(zip(opened, np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1, close,
                                strict=True))
    bars = minutes(**rows)
    table = [(bar, column, float(random.random() < 0.5)) for bar in range(2, 28, 3) for column in range(3)]
    simulated, live, ledger = both(bars, table)
    assert live[0] == simulated[0] and live[1:] == pytest.approx(simulated[1:])
    assert len(ledger.executions) > 8


@pytest.mark.parametrize("exits", [dict(stop=0.05), dict(profit=0.1), dict(stop=0.05, profit=0.1), dict(trail=0.04),
                                   dict(bars=4)], ids=str)
@pytest.mark.parametrize("shock", [(100, 115, 100, 112), (100, 100, 90, 92)], ids=["rise", "fall"])
def test_exits_mean_the_same(exits, shock):
    """BBB is held beside it, and its exits stand."""
    bars = minutes(AAA=[CALM, CALM, CALM, CALM, CALM, shock, CALM, CALM, CALM, CALM], BBB=[CALM] * 10)
    simulated, live, ledger = both(bars, [(1, 0, 0.5), (1, 1, 0.5)], exits)
    assert live[0] == simulated[0] and live[1:] == pytest.approx(simulated[1:])
    assert ledger.positions.get("BBB", 0) == (0 if "bars" in exits else simulated[0]["BBB"])


@pytest.mark.parametrize("decision", [0.0, -0.4], ids=["close", "reversal"])
def test_a_decision_against_a_resting_exit_cancels_it_first(decision):
    bars = minutes(AAA=[CALM] * 12, BBB=[CALM] * 12)
    simulated, live, ledger = both(bars, [(1, 0, 0.4), (1, 1, 0.4), (5, 0, decision)], dict(stop=0.1, profit=0.1))
    assert live[0] == simulated[0] and live[1] == pytest.approx(simulated[1])
    assert live[0]["BBB"] > 0 and (live[0]["AAA"] < 0) is (decision < 0) and live[0]["AAA"] <= 0
    assert [order.order_class for order in ledger.sent("AAA")][:3] == ["simple", "oco", "simple"]
    assert [order.order_class for order in ledger.sent("BBB")] == ["simple", "oco"]
