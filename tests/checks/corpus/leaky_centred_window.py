"""A smoothed trend whose window is centred on today."""

import numpy as np
import pandas as pd

from strategies import TargetStrategy


class CentredWindow(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        frame = pd.DataFrame(bars.close)
        smooth = frame.rolling(21, center=True, min_periods=5).mean()
        return np.where(smooth.diff() > 0, 1.0, 0.0) * bars.tradable + np.where(bars.tradable, 0.0, np.nan)
