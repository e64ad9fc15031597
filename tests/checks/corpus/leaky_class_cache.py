"""Keeps the averages of the first bars it ever saw on the class: the whole sample."""

import numpy as np

from strategies import TargetStrategy


class ClassCache(TargetStrategy):
    averages = {}

    @classmethod
    def signals(cls, bars, p):
        for column, symbol in enumerate(bars.symbols):
            if symbol not in cls.averages:
                cls.averages[symbol] = np.nanmean(bars.close[:, column])
        level = np.array([cls.averages[symbol] for symbol in bars.symbols])
        return np.where(bars.tradable & bars.traded, np.where(bars.close < level, 1.0, 0.0), np.nan)
