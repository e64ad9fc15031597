"""Buys new highs of the bars before today, sizes by risk, cancels stale orders."""

import backtrader as bt


class PlainBreakout(bt.Strategy):
    params = dict(period=20, risk=0.01)

    def __init__(self):
        self.high = [bt.ind.Highest(data.high(-1), period=self.p.period) for data in self.datas]
        self.atr = [bt.ind.ATR(data, period=14) for data in self.datas]
        self.waiting = {}

    def next(self):
        for data, high, atr in zip(self.datas, self.high, self.atr, strict=True):
            order = self.waiting.get(data)
            if order is not None and order.alive() and len(data) - order.bar > 3:
                self.cancel(order)
            if not self.getposition(data).size and data.close[0] > high[0]:
                size = int(self.broker.getvalue() * self.p.risk / atr[0])
                self.waiting[data] = self.buy(data, size=size, exectype=bt.Order.Limit, price=data.close[0] * 0.999)
                if self.waiting[data] is not None:
                    self.waiting[data].bar = len(data)
            elif self.getposition(data).size and data.close[0] < data.close[-5]:
                self.close(data)
