"""Buys ahead of a burst of volume."""

import numpy as np

from strategies import TargetStrategy


class Volume(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        coming = np.vstack([bars.raw_volume[1:], bars.raw_volume[-1:]])
        burst = coming > 2.0 * bars.raw_volume
        return np.where(bars.tradable & burst, 1.0, np.where(bars.tradable & (bars.raw_volume > 0), 0.0, np.nan))
