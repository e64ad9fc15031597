"""Bollinger bands with a stated warm-up."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Rolling(TargetStrategy):
    params = dict(period=20)
    @classmethod
    def warmup(cls, p):
        return 6 * p.period

    @classmethod
    def signals(cls, bars, p):
        frame = pd.DataFrame(bars.close)
        mean, deviation = frame.rolling(p.period).mean(), frame.rolling(p.period).std()
        low, high = frame < mean - 2 * deviation, frame > mean + deviation
        return np.select([low & bars.tradable, high & bars.tradable], [1.0, 0.0], np.nan)
