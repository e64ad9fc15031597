"""Buys what rises tomorrow."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class Shift(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        tomorrow = pd.DataFrame(bars.close).shift(-1).to_numpy()
        return np.where(bars.tradable, np.where(tomorrow > bars.close, 1.0, 0.0), np.nan)
