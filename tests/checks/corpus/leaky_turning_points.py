"""Buys local lows and sells local highs, known only a day later."""

import numpy as np

from strategies import TargetStrategy


class TurningPoints(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        before, after = np.roll(bars.close, 1, axis=0), np.roll(bars.close, -1, axis=0)
        low, high = (bars.close < before) & (bars.close < after), (bars.close > before) & (bars.close > after)
        return np.select([low & bars.tradable, high & bars.tradable], [1.0, 0.0], np.nan)
