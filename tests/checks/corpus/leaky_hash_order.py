"""Ranks names in the order of a set, which changes with every process."""

import numpy as np

from strategies import TargetStrategy


class HashOrder(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        traded = {symbol for symbol, may in zip(bars.symbols, bars.tradable, strict=True) if may}
        ranked = [bars.column(symbol) for symbol in traded]
        signals = np.full(bars.shape, np.nan)
        signals[::5, ranked] = np.arange(len(ranked))
        return signals
