"""Raises on fewer bars than its window."""

import numpy as np

from strategies import TargetStrategy


class Impatient(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        if len(bars) < 60:
            raise ValueError(f"60 bars are needed, not {len(bars)}")
        window = np.lib.stride_tricks.sliding_window_view(bars.close, 60, axis=0)
        slope = np.vstack([np.full((59, len(bars.symbols)), np.nan), window @ (np.arange(60) - 29.5)])
        return np.where(bars.tradable & ~np.isnan(slope), np.where(slope > 0, 1.0, 0.0), np.nan)
