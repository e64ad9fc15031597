"""Holds from a breakout to a trailing stop, and remembers the best close in between."""

import numpy as np

from indicators import on
from strategies import TargetStrategy
from strategies.base import may_decide


class PathDependent(TargetStrategy):
    params = dict(trail=0.05)
    path_dependent = True

    @classmethod
    def warmup(cls, p):
        return 25

    @classmethod
    def signals(cls, bars, p):
        high = on(bars).sma(5)
        signals, best = np.full(bars.shape, np.nan), np.full(len(bars.symbols), np.nan)
        for row in np.flatnonzero(may_decide(bars, p)):
            if row < 20:
                continue
            close, held = bars.close[row], ~np.isnan(best)
            breakout = ~held & (close > np.fmax.reduce(high[row - 20 : row])) & bars.tradable
            best = np.where(held | breakout, np.fmax(best, close), best)
            stopped = held & (close < best * (1.0 - p.trail))
            signals[row, breakout], signals[row, stopped] = 1.0, 0.0
            best[stopped] = np.nan
        return signals
