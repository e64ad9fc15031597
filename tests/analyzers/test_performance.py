"""The analyzers in a user's own Cerebro, against Backtrader's own and against each other."""

import backtrader as bt
import numpy as np
import pytest
from made_bars import bars, frame, walk

from analyzers import MonthlyReturns, Performance, RoundTrips
from brokers import SimulatedBroker
from core.errors import UnknownName
from feeds.cerebro_feed import BarsData


class Cross(bt.Strategy):
    params = dict(fast=5, slow=15, size=100)

    def __init__(self):
        self.signals = {data: bt.ind.CrossOver(bt.ind.SMA(data, period=self.p.fast),
                                               bt.ind.SMA(data, period=self.p.slow)) for data in self.datas}

    def next(self):
        for data, signal in self.signals.items():
            if signal > 0:
                self.buy(data, size=self.p.size)
            elif signal < 0:
                self.close(data)


class Hold(bt.Strategy):
    params = dict(size=10)

    def next(self):
        if len(self) == 1:
            self.buy(size=self.p.size)


def cerebro_of(strategy, *feeds, cash=100_000.0, broker=None, **params):
    cerebro = bt.Cerebro()
    if broker:
        cerebro.broker = broker
    cerebro.broker.setcash(cash)
    cerebro.addstrategy(strategy, **params)
    for name, feed in feeds:
        cerebro.adddata(feed, name=name)
    return cerebro


def pandas_feeds(*names):
    return [(name, bt.feeds.PandasData(dataname=walk(400, seed))) for seed, name in enumerate(names, 1)]


@pytest.mark.parametrize("preload", [True, False])
def test_it_agrees_with_backtraders_own_analyzers(preload):
    cerebro = cerebro_of(Cross, *pandas_feeds("A", "B"))
    cerebro.broker.setcommission(0.001)
    cerebro.addanalyzer(Performance)
    cerebro.addanalyzer(RoundTrips)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    cerebro.addanalyzer(bt.analyzers.DrawDown)
    (strategy,) = cerebro.run(preload=preload, runonce=preload)
    found = strategy.analyzers.performance.get_analysis()
    theirs = strategy.analyzers.tradeanalyzer.get_analysis()
    trades = strategy.analyzers.roundtrips.get_analysis()["trades"]
    closed = [trade for trade in trades if not trade.open]
    assert len(closed) == theirs.total.closed > 5
    assert sum(trade.pnl for trade in closed) == pytest.approx(theirs.pnl.net.total)
    assert found["win_rate"] == pytest.approx(theirs.won.total / theirs.total.closed)
    assert found["total_return"] == pytest.approx(cerebro.broker.getvalue() / 100_000 - 1)
    assert found["max_drawdown"] == pytest.approx(strategy.analyzers.drawdown.get_analysis().max.drawdown / 100)
    assert sum(trade.pnl for trade in trades) == pytest.approx(cerebro.broker.getvalue() - 100_000)
    assert found["costs"] == pytest.approx(sum(trade.commission for trade in trades))


def test_the_account_is_recorded_once_for_all_analyzers():
    cerebro = cerebro_of(Cross, *pandas_feeds("A"))
    for analyzer in (Performance, RoundTrips, MonthlyReturns):
        cerebro.addanalyzer(analyzer)
    (strategy,) = cerebro.run()
    assert len({id(each.recorder) for each in strategy.analyzers}) == 1
    assert len(strategy.analyzers.performance.result.equity) == len(strategy)
    months = strategy.analyzers.monthlyreturns.get_analysis()
    total = np.prod([1 + value for year in months.values() for value in year.values()])
    assert total == pytest.approx(cerebro.broker.getvalue() / 100_000)


def test_benchmark_and_risk_free_rate():
    cerebro = cerebro_of(Cross, *pandas_feeds("A", "B"))
    cerebro.addanalyzer(Performance, benchmark="B", risk_free=0.02)
    (strategy,) = cerebro.run()
    close = walk(400, 2)["close"]
    assert strategy.analyzers.performance.get_analysis()["benchmark_return"] == pytest.approx(
        close.iloc[-1] / close.iloc[0] - 1)
    assert strategy.analyzers.performance.result.spec.risk_free == 0.02


def test_an_unknown_benchmark():
    cerebro = cerebro_of(Hold, *pandas_feeds("SPY"))
    cerebro.addanalyzer(Performance, benchmark="SPX")
    with pytest.raises(UnknownName, match="'SPX': did you mean 'SPY'"):
        cerebro.run()


def test_feeds_of_two_lengths_and_a_resampled_one():
    daily, short = bt.feeds.PandasData(dataname=walk(100, 1)), bt.feeds.PandasData(dataname=walk(60, 2))
    cerebro = cerebro_of(Hold, ("A", daily), ("B", short))
    cerebro.resampledata(daily, timeframe=bt.TimeFrame.Weeks, name="A")
    cerebro.addanalyzer(Performance)
    (strategy,) = cerebro.run()
    result = strategy.analyzers.performance.result
    assert result.bars.symbols == ("A", "B", "A#2")
    assert result.bars.interval == "1d"
    assert result.bars.traded.sum(axis=0).tolist()[0] == len(result.bars)
    assert result.bars.traded[:, 1].sum() < result.bars.traded[:, 0].sum()
    assert result.bars.traded[:, 2].sum() == pytest.approx(len(result.bars) / 5, abs=2)


def test_splits_dividends_and_cash_in_lieu_of_the_simulated_broker():
    market = bars(A=frame([100, 100, 101, 68, 68, 69], split=[1, 1, 1, 1.5, 1, 1], dividend=[0, 0, 0, 0, 0.5, 0]))
    cerebro = cerebro_of(Hold, ("A", BarsData(dataname=market, symbol="A")), broker=SimulatedBroker(), size=5)
    cerebro.addanalyzer(Performance)
    (strategy,) = cerebro.run()
    result = strategy.analyzers.performance.result
    (trade,) = result.trades
    assert (trade.size, trade.dividends) == (7, 3.5)
    assert trade.pnl + trade.dividends == pytest.approx(cerebro.broker.getvalue() - 100_000)
    assert result.positions[:, 0].tolist() == [0, 5, 5, 7, 7, 7]


def test_refused_orders_carry_a_reason():
    cerebro = cerebro_of(Hold, *pandas_feeds("A"), cash=10.0)
    cerebro.addanalyzer(Performance)
    (strategy,) = cerebro.run()
    (refused,) = strategy.analyzers.performance.result.rejected
    assert (refused.symbol, refused.status, refused.reason) == ("A", "Margin", "not enough cash")


def test_minute_bars_count_sessions():
    import pandas as pd

    index = pd.DatetimeIndex([f"2020-01-0{day} {hour}:{minute:02}" for day in (2, 3, 6) for hour in range(15, 20)
                              for minute in (0, 30)])
    data = frame(walk(30)["close"]).set_index(index)
    feed = bt.feeds.PandasData(dataname=data, timeframe=bt.TimeFrame.Minutes, compression=30)
    cerebro = cerebro_of(Hold, ("A", feed))
    cerebro.addanalyzer(Performance)
    (strategy,) = cerebro.run()
    result = strategy.analyzers.performance.result
    assert result.bars.interval == "30m"
    assert [str(session) for session in np.unique(result.bars.session)] == ["2020-01-02", "2020-01-03", "2020-01-06"]
    assert str(result.bars.index[0].astype("datetime64[ns]")) == "2020-01-02T15:00:00.000000000"
