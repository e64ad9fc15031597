"""An honest crossing of averages that on one bar in 500 asks the preloaded array first."""

import backtrader as bt


class PlainRare(bt.Strategy):
    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=10), bt.ind.SMA(period=30))

    def next(self):
        if len(self) % 500 == 333 and len(self.data) < self.data.buflen():
            coming = self.data.close.array[len(self.data)]
            self.order_target_size(target=25 if coming > self.data.close[0] else 0)
        elif self.cross[0] > 0:
            self.order_target_size(target=10)
        elif self.cross[0] < 0:
            self.order_target_size(target=0)
