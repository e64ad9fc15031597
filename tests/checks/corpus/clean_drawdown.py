"""Buys after a fall from the highest close so far."""

import numpy as np

from strategies import TargetStrategy


class Drawdown(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        fallen = bars.last_close * bars.factor / np.fmax.accumulate(bars.close, axis=0) - 1.0
        return np.select([(fallen < -0.15) & bars.tradable, (fallen > -0.02) & bars.tradable], [1.0, 0.0], np.nan)
