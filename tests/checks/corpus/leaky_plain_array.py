"""Computes the range of the preloaded prices before the first bar."""

import backtrader as bt
import numpy as np


class PlainArray(bt.Strategy):
    def start(self):
        prices = np.array(self.data.close.array)
        self.cheap = np.quantile(prices, 0.3) if len(prices) else 0.0

    def next(self):
        if not self.position and self.data.close[0] < self.cheap:
            self.order_target_percent(target=0.5)
        elif self.position and self.data.close[0] > 1.1 * self.cheap:
            self.close()
