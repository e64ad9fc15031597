"""Two exponential averages, by pandas."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Ema(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        frame = pd.DataFrame(bars.close)
        fast, slow = frame.ewm(span=10).mean(), frame.ewm(span=40).mean()
        return np.where(bars.tradable & bars.traded, np.where(fast > slow, 1.0, 0.0), np.nan)
