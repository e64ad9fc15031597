"""Compares with the close of the last complete week."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class WeekClose(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        frame = pd.DataFrame(bars.close, index=pd.DatetimeIndex(bars.session))
        week = frame.resample("W-FRI").last().reindex(frame.index, method="ffill").to_numpy()
        return np.where(bars.tradable & ~np.isnan(week), np.where(bars.close > week, 1.0, 0.0), np.nan)
