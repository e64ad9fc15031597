"""More for stronger convictions, within a band."""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from sizers.base import PortfolioSizer


class ByConfidence(PortfolioSizer):
    """Each chosen symbol `low + (high - low) x |conviction| / largest |conviction| among the chosen`.

    The strongest gets `high`, one without any strength to speak of `low`: $200 to $300 in an account of $1,000.

    Params:
        low, high: parts of the equity.
    """

    params = (("low", 0.2), ("high", 0.3))

    def check(self) -> None:
        if not 0 < self.p.low <= self.p.high < np.inf:
            raise BadSpec(f"sizer.low {self.p.low:g} and sizer.high {self.p.high:g} are no band: "
                          f"give parts of the equity, low first, such as 0.2 and 0.3")

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        return self.weights_at(conviction[None], history, np.array([len(history) - 1]))[0]

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        strength = np.abs(conviction)
        ratio = strength / np.maximum(strength.max(axis=1, keepdims=True, initial=0.0), np.finfo(float).tiny)
        return np.sign(conviction) * (self.p.low + (self.p.high - self.p.low) * ratio)
