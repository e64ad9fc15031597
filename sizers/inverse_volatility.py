"""Less for what moves more."""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from sizers.base import PortfolioSizer
from sizers.window import usable, volatility, window_of


class InverseVolatility(PortfolioSizer):
    """Weights in proportion to 1 / volatility of returns, with the sign of the conviction; they sum to 1.

    Of K chosen symbols, one that has traded on less than half the lookback, or has not moved, gets 1/K; the
    others share what is left. Naive risk parity: Maillard, Roncalli and Teiletche, "The Properties of Equally
    Weighted Risk Contribution Portfolios", Journal of Portfolio Management 36 (2010).

    Params:
        lookback: returns in the standard deviation.
    """

    params = (("lookback", 60),)

    def check(self) -> None:
        if self.p.lookback < 2:
            raise BadSpec(f"sizer.lookback is {self.p.lookback:g}: a volatility takes at least 2 returns")

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        columns = np.flatnonzero(conviction)
        weights = np.zeros(len(conviction))
        sizes = inverse_volatility(window_of(history, columns, self.p.lookback), self.p.lookback)
        weights[columns] = np.sign(conviction[columns]) * sizes
        return weights


def inverse_volatility(window: np.ndarray, lookback: int) -> np.ndarray:
    """(K,) the sizes `InverseVolatility` gives to the symbols of a window (L, K)."""
    closes, known = usable(window, lookback)
    sizes = np.full(window.shape[1], 1.0 / max(window.shape[1], 1))
    calm = 1.0 / volatility(closes)
    sizes[known] = sizes[known].sum() * calm / calm.sum()
    return sizes
