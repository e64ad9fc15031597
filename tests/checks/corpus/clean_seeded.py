"""Draws its lots from the date alone."""

import numpy as np

from strategies import TargetStrategy


class Seeded(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        signals = np.full(bars.shape, np.nan)
        for row, day in enumerate(bars.session.astype(np.int64).tolist()):
            if day % 7 == 4:
                draw = np.random.default_rng(day).random(len(bars.symbols))
                signals[row] = np.where(bars.tradable, np.where(draw < 0.4, 1.0, 0.0), np.nan)
        return signals
