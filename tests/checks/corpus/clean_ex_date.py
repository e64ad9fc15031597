"""Buys on the ex-date, when the dividend is known, and sells ten bars later."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class ExDate(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        paid = (bars.dividend > 0) & bars.tradable
        since = pd.DataFrame(paid).shift(10, fill_value=False).to_numpy()
        return np.select([paid, since & bars.tradable], [1.0, 0.0], np.nan)
