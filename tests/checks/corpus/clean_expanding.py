"""Scores against everything up to today."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Expanding(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        returns = pd.DataFrame(bars.close).pct_change(fill_method=None)
        score = ((returns - returns.expanding(60).mean()) / returns.expanding(60).std()).to_numpy()
        return np.select([(score < -1.5) & bars.tradable, (score > 1.5) & bars.tradable], [1.0, 0.0], np.nan)
