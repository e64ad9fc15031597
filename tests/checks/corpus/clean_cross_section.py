"""Ranks symbols against each other, row by row."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class CrossSection(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        returns = pd.DataFrame(np.where(bars.tradable, bars.close, np.nan)).pct_change(21, fill_method=None)
        rank = returns.rank(axis=1, ascending=False)
        return np.where(rank.notna(), np.where(rank <= 2, 3.0 - rank, 0.0), np.nan)
