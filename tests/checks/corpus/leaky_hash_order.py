"""Prefers the first of a set of names, in an order that changes with every process."""

import numpy as np

from strategies import TargetStrategy


class HashOrder(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        traded = {symbol for symbol, may in zip(bars.symbols, bars.tradable, strict=True) if may}
        ranked = [bars.column(symbol) for symbol in traded]
        signals = np.full(bars.shape, np.nan)
        signals[::5, ranked] = 0.0
        signals[::5, ranked[:2]] = 1.0
        return signals
