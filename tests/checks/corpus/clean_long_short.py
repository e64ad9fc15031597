"""Long the strong, short the weak, every fifth bar by the calendar."""

import numpy as np
import pandas as pd

from core.calendars import get_calendar
from strategies import TargetStrategy


class LongShort(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        position = get_calendar(bars.calendar).position(bars.session)
        change = pd.DataFrame(bars.close).pct_change(10, fill_method=None).to_numpy()
        return np.where((position % 5 == 0)[:, None] & bars.tradable, np.sign(change), np.nan)
