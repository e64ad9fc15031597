"""Keeps what it computed on the class, under the fingerprint of the bars."""

import numpy as np

from strategies import TargetStrategy


class ContentCache(TargetStrategy):
    known = {}

    @classmethod
    def signals(cls, bars, p):
        if bars.fingerprint not in cls.known:
            past = np.vstack([np.full((1, len(bars.symbols)), np.nan), bars.close[:-1]])
            change = bars.close / past
            cls.known[bars.fingerprint] = np.select([change < 0.98, change > 1.02], [1.0, 0.0], np.nan)
        return np.where(bars.tradable, cls.known[bars.fingerprint], np.nan)
