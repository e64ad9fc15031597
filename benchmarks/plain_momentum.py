"""The momentum rules as a careful user would write them for plain Backtrader: indicators with a vectorised `once()`."""

import backtrader as bt
import numpy as np

from indicators.averages import sma
from indicators.ranges import atr
from indicators.regression import momentum


class Vectorised(bt.Indicator):
    """An indicator computed in one call on the whole line."""

    lines = ("value",)
    params = dict(period=20)

    def __init__(self):
        self.addminperiod(self.p.period)

    def column(self, name):
        return np.frombuffer(getattr(self.data.lines, name).array)[:, None]

    def once(self, start, end):
        result = np.frombuffer(self.lines.value.array)
        result[:] = self.compute()[:, 0]


class Average(Vectorised):
    def compute(self):
        return sma(self.column("close"), self.p.period)


class Range(Vectorised):
    def compute(self):
        return atr(self.column("high"), self.column("low"), self.column("close"), self.p.period)


class Slope(Vectorised):
    def compute(self):
        return momentum(self.column("close"), self.p.period)


class PlainMomentum(bt.Strategy):
    """Weekly update, second-Wednesday rebalance, index and average filters, top 20%, value x risk / ATR."""

    params = dict(risk=0.0001, updates=(), index=None)

    def __init__(self):
        self.stocks = [data for data in self.datas if data._name != self.p.index]
        self.market = self.getdatabyname(self.p.index)
        self.market_average = Average(self.market, period=200)
        self.average = {data: Average(data, period=100) for data in self.stocks}
        self.range = {data: Range(data, period=20) for data in self.stocks}
        self.slope = {data: Slope(data, period=90) for data in self.stocks}

    def prenext(self):
        self.next()

    def next(self):
        if self.data.datetime.date() not in self.p.updates or len(self) < 90:
            return
        scored = [data for data in self.stocks if not np.isnan(self.slope[data][0])]
        ranked = sorted(scored, key=lambda data: -self.slope[data][0])
        top = set(ranked[: max(int(0.2 * len(ranked) + 1e-9), 1)])
        opens = self.market.close[0] > self.market_average[0]
        value, sales, buys = self.broker.getvalue(), [], []
        for data in self.stocks:
            stays = data in top and data.close[0] >= self.average[data][0] and self.slope[data][0] > 0
            held = self.getposition(data).size
            target = int(value * self.p.risk / self.range[data][0]) if stays and (held or opens) else 0
            if target != held:
                (sales if target < held else buys).append((data, target))
        for data, target in sales + sorted(buys, key=lambda pair: -self.slope[pair[0]][0]):
            self.order_target_size(data, target)
