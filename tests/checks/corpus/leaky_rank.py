"""Ranks today among all days, past and coming."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Rank(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        rank = pd.DataFrame(bars.close).rank(pct=True).to_numpy()
        return np.select([(rank < 0.3) & bars.tradable, (rank > 0.7) & bars.tradable], [1.0, 0.0], np.nan)
