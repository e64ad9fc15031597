"""Portfolio sizers inside Cerebro, with plain strategies, and on their own."""

import backtrader as bt
import numpy as np
import pytest
from made_bars import bars, frame

import sizers
from core.errors import UnknownName
from core.options import Limits
from feeds.cerebro_feed import BarsData


@pytest.mark.parametrize("across, expected", [("universe", [1 / 3, 0, -1 / 3]), ("chosen", [0.5, 0, -0.5])])
def test_equal_weight(across, expected):
    panel = bars(A=frame([1.0]), B=frame([1.0]), C=frame([1.0]))
    weights = sizers.EqualWeight(across=across).weights(np.array([2.0, 0.0, -1.0]), panel)
    assert weights.tolist() == pytest.approx(expected)


def test_equal_weight_does_not_count_reference_symbols():
    panel = bars(A=frame([1.0]), I=frame([1.0]))
    object.__setattr__(panel, "tradable", np.array([True, False]))
    assert sizers.EqualWeight().weights(np.array([1.0, 0.0]), panel).tolist() == [1.0, 0.0]


def test_an_unknown_way_to_share_is_refused():
    with pytest.raises(UnknownName, match="everyone"):
        sizers.EqualWeight(across="everyone").weights(np.ones(1), bars(A=frame([1.0])))


class Plain(bt.Strategy):
    """Buys A on bar 1 and B on bar 2, sells A on bar 4, without ever saying how many."""

    def next(self):
        a, b = self.datas
        {1: lambda: self.buy(a), 2: lambda: self.buy(b), 4: lambda: self.sell(a)}.get(len(self), lambda: None)()


@pytest.mark.parametrize("preload", [True, False])
def test_a_plain_strategy_may_use_a_portfolio_sizer(preload):
    cerebro = bt.Cerebro(stdstats=False, preload=preload)
    for name in "AB":
        cerebro.adddata(BarsData(dataname=frame([10.0] * 6)), name=name)
    cerebro.addstrategy(Plain)
    cerebro.addsizer(sizers.EqualWeight, limits=Limits(cash_buffer=0.0))
    cerebro.broker.setcash(1_000.0)
    strategy = cerebro.run()[0]
    assert [strategy.getposition(data).size for data in strategy.datas] == [0, 50]
