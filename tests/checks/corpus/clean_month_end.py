"""Rotates on the last scheduled session of the month, by the exchange calendar."""

import numpy as np

from core.calendars import get_calendar
from strategies import TargetStrategy


class MonthEnd(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        last = get_calendar(bars.calendar).monthly(bars.session, "last")
        growth = np.full(bars.shape, np.nan)
        growth[42:] = bars.close[42:] / bars.close[:-42] - 1.0
        return np.where(last[:, None] & bars.tradable & ~np.isnan(growth), np.where(growth > 0, 1.0, 0.0), np.nan)
