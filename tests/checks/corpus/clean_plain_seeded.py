"""Random entries from a generator of its own seed."""

import backtrader as bt
import numpy as np


class PlainSeeded(bt.Strategy):
    params = dict(seed=5)

    def __init__(self):
        self.coin = np.random.default_rng(self.p.seed)

    def next(self):
        if self.coin.random() < 0.05:
            self.order_target_size(target=0 if self.position else 20)
