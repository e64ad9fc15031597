"""Splits and dividends: equity does not jump, orders and trades follow, cash arrives on the pay date."""

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
import scripted
from hypothesis import given
from hypothesis import strategies as st
from made_bars import frame
from scripted import Script

from brokers import SimulatedBroker
from core.bars import Bars
from feeds.cerebro_feed import BarsData


def play(panel: Bars, plan, **params):
    feeds = {symbol: BarsData(dataname=panel, symbol=symbol) for symbol in panel.symbols}
    return scripted.play(feeds, plan, SimulatedBroker(cash=10_000.0, **params))


def test_a_split_multiplies_shares_and_divides_the_average_cost():
    made = frame([100.0, 100.0, 25.0, 25.0], split=[1, 1, 4, 1])
    strategy, broker = play(Bars.from_frames({"A": made}), {1: lambda s: s.buy(size=10)})
    position = broker.getposition(strategy.data)
    assert (position.size, position.price) == (40, 25.0)
    assert [value for value, _ in broker.account] == [10_000.0] * 4


def test_fractions_of_a_share_are_paid_in_cash_at_the_close_before_the_split():
    made = frame([100.0, 100.0, 70.0, 70.0], split=[1, 1, 1.5, 1])
    strategy, broker = play(Bars.from_frames({"A": made}), {1: lambda s: s.buy(size=5)})
    assert broker.getposition(strategy.data).size == 7
    assert [(each.kind, each.amount) for each in broker.corporate.booked] == [("cash in lieu", 0.5 * 100 / 1.5)]


def test_an_open_order_is_restated_in_new_shares():
    """Decided before the split, filled after it; a limit below the market keeps its meaning."""
    made = frame([[100, 101, 99, 100], [50, 51, 49, 50], [50, 50, 44, 45]], split=[1, 2, 1])
    plan = {1: lambda s: (s.buy(size=10), s.buy(size=4, exectype=bt.Order.Limit, price=90))}
    _strategy, broker = play(Bars.from_frames({"A": made}), plan)
    assert [(bit.size, bit.price) for _, bit in broker.fills] == [(20, 50.0), (8, 45.0)]


def test_a_stop_is_restated_and_a_backtrader_trade_closes_flat():
    made = frame([[100, 101, 99, 100], [100, 101, 99, 100], [50, 51, 49, 50], [50, 50, 44, 45], [45, 45, 45, 45]],
                 split=[1, 1, 2, 1, 1])
    closed = []

    class Watch(Script):
        def notify_trade(self, trade):
            if trade.isclosed:
                closed.append((trade.pnl, trade.size))

    plan = {1: lambda s: s.buy(size=10), 2: lambda s: s.sell(size=10, exectype=bt.Order.Stop, price=92)}
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(SimulatedBroker(cash=10_000.0))
    cerebro.adddata(BarsData(dataname=Bars.from_frames({"A": made})))
    cerebro.addstrategy(Watch, plan=plan)
    cerebro.run()
    assert [(bit.size, bit.price) for _, bit in cerebro.broker.fills] == [(10, 100.0), (-20, 46.0)]
    assert closed == [(-80.0, 0)]


def test_an_order_too_small_for_a_reverse_split_is_cancelled_with_a_reason():
    made = frame([[10, 10, 10, 10], [100, 100, 100, 100], [100, 100, 100, 100]], split=[1, 0.1, 1])
    strategy, broker = play(Bars.from_frames({"A": made}), {1: lambda s: s.placed.update(order=s.buy(size=5))})
    assert not broker.fills
    assert strategy.placed["order"].getstatusname() == "Canceled"
    assert "split" in strategy.placed["order"].info["reason"]


def test_a_dividend_is_owed_from_the_ex_date_and_paid_on_the_pay_date():
    made = frame([100.0, 100.0, 98.0, 98.0, 98.0], dividend=[0, 0, 2, 0, 0])
    made["pay_date"] = pd.NaT
    made.loc[made.index[2], "pay_date"] = made.index[4]
    _, broker = play(Bars.from_frames({"A": made}), {1: lambda s: s.buy(size=10)})
    assert broker.account == [(10_000, 10_000), (10_000, 9_000), (10_000, 9_000), (10_000, 9_000), (10_000, 9_020)]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_what_is_bought_on_the_ex_date_gets_no_dividend_and_a_short_pays_it(side):
    made = frame([100.0, 100.0, 98.0, 98.0], dividend=[0, 0, 2, 0])
    _, late = play(Bars.from_frames({"A": made}), {2: lambda s: getattr(s, side)(size=10)})
    assert late.corporate.booked == []
    _, early = play(Bars.from_frames({"A": made}), {1: lambda s: getattr(s, side)(size=10)})
    assert [each.amount for each in early.corporate.booked] == [20.0 if side == "buy" else -20.0]


@given(price=st.floats(1, 1_000), ratio=st.sampled_from([2.0, 3.0, 1.5, 0.1, 0.25, 7.0, 4 / 3]),
       yield_=st.floats(0, 0.5), size=st.integers(-60, 60), delay=st.integers(0, 3), fractional=st.booleans())
def test_equity_does_not_jump_at_a_split_or_ex_date(price, ratio, yield_, size, delay, fractional):
    """Bar 3 opens and closes at the theoretical ex-price: equity, receivables included, must stay."""
    dividend = yield_ * price / ratio
    after = price / ratio - dividend
    made = frame([price, price, after, after, after, after, after],
                 split=[1, 1, ratio, 1, 1, 1, 1], dividend=[0, 0, dividend, 0, 0, 0, 0])
    made["pay_date"] = pd.Series([pd.NaT] * 2 + [made.index[2 + delay]] + [pd.NaT] * 4, index=made.index)

    def act(strategy):
        if size:
            (strategy.buy if size > 0 else strategy.sell)(size=min(abs(size), 9_000 // price))

    _, broker = play(Bars.from_frames({"A": made}), {1: act}, fractional=fractional)
    values = np.array([value for value, _ in broker.account])
    left = 0.0 if fractional else yield_ * price  # cash in lieu is paid at the close before, without the dividend
    assert np.abs(values - 10_000.0).max() <= left + 1e-6
    assert broker.corporate.receivables == []
