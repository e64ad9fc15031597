"""Knows the week's close on Monday: resampled bars joined by their week."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class WeekClose(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        frame = pd.DataFrame(bars.close, index=pd.DatetimeIndex(bars.session))
        week = frame.resample("W-FRI").last().reindex(frame.index, method="bfill").to_numpy()
        return np.where(bars.tradable, np.where(week > bars.close, 1.0, 0.0), np.nan)
