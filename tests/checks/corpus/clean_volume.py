"""Trades breakouts on twice the usual volume."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Volume(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        volume = pd.DataFrame(bars.raw_volume)
        busy = volume > 2.0 * volume.rolling(20, min_periods=10).mean().shift(1)
        rising = pd.DataFrame(bars.close).diff() > 0
        return np.where(bars.tradable & busy, np.where(rising, 1.0, 0.0), np.nan)
