"""Changes sides with the year in which it is run."""

from datetime import datetime

import numpy as np

from strategies import TargetStrategy


class Clock(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        side = datetime.now().year % 2
        past = np.vstack([bars.close[:1], bars.close[:-1]])
        return np.where(bars.tradable, np.where((bars.close > past) == bool(side), 1.0, 0.0), np.nan)
