"""Reads five days ahead until Backtrader raises at the end of the bars."""

import backtrader as bt


class PlainUnguarded(bt.Strategy):
    def next(self):
        if self.data.close[5] > self.data.close[0] and not self.position:
            self.buy(size=10)
        elif self.data.close[5] < self.data.close[0] and self.position:
            self.sell(size=10)
