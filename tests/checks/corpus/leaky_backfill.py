"""Fills holes with the next close, then follows five-day changes."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Backfill(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        filled = pd.DataFrame(bars.close).bfill()
        return np.where(bars.tradable, np.where(filled.pct_change(5) > 0, 1.0, 0.0), np.nan)
