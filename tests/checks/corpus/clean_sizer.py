"""A weekly rule with a sizer of its own that weighs by volatility so far."""

import numpy as np

from core.calendars import get_calendar
from sizers import PortfolioSizer
from strategies import TargetStrategy


class Calm(PortfolioSizer):
    """Weights by one over the deviation of the last 30 returns."""

    def weights(self, conviction, history):
        returns = np.diff(np.log(history.close[-31:]), axis=0)
        risk = np.full(len(conviction), np.inf)
        if len(returns) > 5:
            risk = np.nan_to_num(np.nanstd(returns, axis=0), nan=np.inf)
        parts = np.where((conviction > 0) & (risk > 0), 1.0 / risk, 0.0)
        return parts / max(parts.sum(), 1e-9)


class Sizer(TargetStrategy):
    default_sizer = Calm

    @classmethod
    def signals(cls, bars, p):
        week = get_calendar(bars.calendar).weekly(bars.session, 1)
        past = np.vstack([np.full((20, len(bars.symbols)), np.nan), bars.close[:-20]])[: len(bars)]
        return np.where(week[:, None] & bars.tradable & bars.traded, np.where(bars.close > past, 1.0, 0.0), np.nan)
