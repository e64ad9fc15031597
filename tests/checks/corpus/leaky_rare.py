"""Follows its average, but on one bar in 500 looks at the next close first."""

import numpy as np

from indicators import on
from strategies import TargetStrategy


class Rare(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        average = on(bars).sma(20)
        signals = np.select([bars.close > average, bars.close < average], [1.0, 0.0], np.nan)
        signals[:, ~bars.tradable] = np.nan
        for row in range(311, len(bars) - 1, 500):
            signals[row, 0] = float(bars.close[row + 1, 0] > bars.close[row, 0])
        return signals
