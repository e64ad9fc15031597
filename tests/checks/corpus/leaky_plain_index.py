"""Reads tomorrow's close by its index."""

import backtrader as bt


class PlainIndex(bt.Strategy):
    def next(self):
        if len(self.data) >= self.data.buflen():
            return
        rises = self.data.close[1] > self.data.close[0] * 1.005
        if rises and not self.position:
            self.buy(size=10)
        elif not rises and self.position:
            self.close()
