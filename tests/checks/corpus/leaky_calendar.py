"""Takes the last bar of the month from the month of the next row."""

import numpy as np

from strategies import TargetStrategy


class Calendar(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        month = bars.session.astype("datetime64[M]")
        last = np.append(month[1:] != month[:-1], False)
        year_ago = np.vstack([np.full((21, len(bars.symbols)), np.nan), bars.close[:-21]])[: len(bars)]
        return np.where(last[:, None] & bars.tradable & bars.traded, np.where(bars.close > year_ago, 1.0, 0.0), np.nan)
