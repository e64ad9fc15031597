"""Shifts a line the wrong way."""

import backtrader as bt


class PlainLine(bt.Strategy):
    def __init__(self):
        self.coming = self.data.close(2)

    def next(self):
        if self.coming[0] > self.data.close[0] and not self.position:
            self.buy(size=5)
        elif self.coming[0] < self.data.close[0] and self.position:
            self.close()
