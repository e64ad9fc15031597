"""Enters when a coin of nobody's seed says so."""

import random

import backtrader as bt


class PlainRandom(bt.Strategy):
    def next(self):
        if not self.position and random.random() < 0.1:
            self.buy(size=5)
        elif self.position and random.random() < 0.1:
            self.close()
