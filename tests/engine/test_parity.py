"""The engine against the same rule as a plain Backtrader strategy on PandasData and Backtrader's own broker."""

import math

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import ragged, walk

import engine
from core.bars import Bars
from core.spec import RunSpec
from feeds.load import load_bars


class PlainGoldenCross(bt.Strategy):
    """The textbook version: one sleeve of 1/N of the account for each feed, sales before buys."""

    params = dict(fast=50, slow=200, buffer=0.02)

    def __init__(self):
        self.cross = {}
        for data in self.datas:
            fast, slow = (bt.ind.SMA(data, period=period) for period in (self.p.fast, self.p.slow))
            self.cross[data] = bt.ind.CrossOver(fast, slow)
        self.fills = []

    def prenext(self):
        self.next()

    def next(self):
        today = self.datetime[0]
        ready = [data for data in self.datas if len(data) > self.p.slow and data.datetime[0] == today]
        leaving = [data for data in ready if self.cross[data][0] < 0 and self.getposition(data).size]
        entering = [data for data in ready if self.cross[data][0] > 0]
        for data in leaving:
            self.sell(data, size=self.getposition(data).size)
        value = self.broker.getvalue()
        cash = self.broker.getcash() + sum(self.getposition(data).size * data.close[0] for data in leaving)
        budget = cash * (1 - self.p.buffer)
        for data in entering:
            spend = min(value / len(self.datas), budget)
            budget -= spend
            size = math.floor(spend / value * value / data.close[0])
            if size > 0:
                self.buy(data, size=size)

    def notify_order(self, order):
        if order.status == order.Completed:
            bit = order.executed.exbits[-1]
            self.fills.append((bt.num2date(bit.dt).date(), order.data._name, bit.size, bit.price))


def plain(frames, cash, commission, **params):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission)
    for name, made in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=made), name=name)
    cerebro.addstrategy(PlainGoldenCross, **params)
    strategy = cerebro.run()[0]
    return strategy.fills, cerebro.broker.getvalue()


def compare(frames, bars, cash=100_000.0, commission=0.0, **params):
    result = engine.run(RunSpec(params=params, cash=cash, commission=str(commission)), bars=bars)
    check(result, *plain(frames, cash, commission, **params))
    return result


def check(result, theirs, value):
    """The same fills on the same days (within a day, ours sells first) and the same final value."""
    ours = sorted((fill.session.item(), fill.symbol, fill.size, fill.price) for fill in result.fills)
    assert [fill[:3] for fill in sorted(theirs)] == [fill[:3] for fill in ours]
    np.testing.assert_allclose([fill[3] for fill in sorted(theirs)], [fill[3] for fill in ours], rtol=1e-12)
    assert result.final_value == pytest.approx(value, rel=1e-9)


def frame_of(bars: Bars, symbol: str) -> pd.DataFrame:
    own = bars.series(symbol)
    columns = {name: getattr(own, name) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.to_datetime(own.session))


@pytest.mark.parametrize("symbols", [("GOOG",), ("FB", "GOOG"), ("^SPX", "^IXIC")])
@pytest.mark.parametrize("commission", [0.0, 0.001])
def test_same_trades_and_value_on_the_sample(symbols, commission):
    """Symbols with open, high, low and no corporate action: there Backtrader's own broker is right."""
    bars = load_bars(source="sample", symbols=symbols)
    frames = {symbol: frame_of(bars, symbol) for symbol in symbols}
    result = compare(frames, bars, commission=commission, fast=20, slow=60)
    assert len(result.fills) > 10


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4), fast=st.integers(2, 10), extra=st.integers(2, 20))
def test_same_trades_and_value_on_ragged_bars(seed, count, fast, extra):
    frames = ragged(250, count, seed)
    compare(frames, Bars.from_frames(frames), fast=fast, slow=fast + extra)


def test_same_trades_and_value_with_splits_when_prices_are_adjusted():
    """Backtrader's broker knows no splits; on prices that have them inside, both must agree."""
    made = walk(600, seed=9).assign(split=1.0, dividend=0.0)
    made.iloc[300:, :4] /= 4
    made.iloc[300, made.columns.get_loc("split")] = 4.0
    made.iloc[450, made.columns.get_loc("dividend")] = 0.2
    bars = Bars.from_frames({"A": made})
    inside = bars.adjusted
    result = engine.run(RunSpec(params=dict(fast=5, slow=20), prices="adjusted"), bars=bars)
    check(result, *plain({"A": frame_of(inside, "A")}, 100_000.0, 0.0, fast=5, slow=20))


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
def test_buy_and_hold_with_dividends_agrees_with_the_adjusted_close(symbol):
    """From the bar on which it is fully invested, to 0.1% a year; most are within 0.01%."""
    result = engine.run(RunSpec(strategy="BuyAndHold", symbols=(symbol,)))
    years = (result.bars.session[-1] - result.bars.session[5]).astype(int) / 365.25
    adjusted = result.bars.close[-1, 0] / result.bars.close[5, 0]
    held = result.equity[-1] / result.equity[5]
    assert abs(adjusted ** (1 / years) - held ** (1 / years)) < 0.001


def test_every_sample_symbol_with_actions_is_covered_by_the_test_above():
    from feeds.sample_bars import SampleSource

    bars = load_bars(source="sample", symbols=tuple(SampleSource().symbols()))
    assert {symbol for symbol, has in zip(bars.symbols, bars.has_actions, strict=True) if has} == {"AAPL", "IBM", "MSFT"}
