"""Buys on the eve of every ex-date, a week of them at a time, and sells later."""

import numpy as np

from strategies import TargetStrategy


class Dividend(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        paid = bars.dividend > 0
        eve = np.vstack([paid[1:], np.zeros((1, len(bars.symbols)), bool)])
        return np.select([eve & bars.tradable, paid & bars.tradable], [1.0, 0.0], np.nan)
