"""The same risk for every position, measured by the average true range."""

import numpy as np
from numba import njit

from core.bars import Bars
from core.errors import BadSpec
from indicators import on
from sizers.base import PortfolioSizer


class AtrRisk(PortfolioSizer):
    """Shares = value x risk / ATR in currency: an average day moves each position by `risk` of the equity.

    A symbol without an average true range yet, or with one of 0, gets nothing.
    Source: Andreas Clenow, "Stocks on the Move" (2015), chapter 8.

    Params:
        risk: part of the equity; 0.001 = 10 basis points. period: bars of the average true range.
    """

    params = (("risk", 0.001), ("period", 20))

    def check(self) -> None:
        if not 0 < self.p.risk < np.inf:
            raise BadSpec(f"sizer.risk is {self.p.risk:g}: it is a part of the equity, such as 0.001")

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        return self.weights_at(conviction[None], history, np.array([len(history) - 1]))[0]

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        weights = np.zeros(conviction.shape)
        ranges = on(bars).atr(self.p.period)
        _size(conviction, bars.last_close, bars.factor, ranges, rows, float(self.p.risk), weights)
        return weights


@njit(cache=True, nogil=True, error_model="numpy")
def _size(conviction: np.ndarray, close: np.ndarray, factor: np.ndarray, ranges: np.ndarray, rows: np.ndarray,
          risk: float, weights: np.ndarray) -> None:
    """Weights (D, N) where there is a conviction, at ascending rows, each from the column's latest average true range.

    An average true range is in signal prices, as is the close times its factor: one ratio, no units.
    """
    searched, known = np.full(len(close[0]), -1), np.full(len(close[0]), -1)  # up to which row, and where it was found
    for decision in range(len(rows)):
        row = rows[decision]
        for column in np.flatnonzero(conviction[decision]):
            latest = row
            while latest > searched[column] and np.isnan(ranges[latest, column]):
                latest -= 1
            known[column] = latest if latest > searched[column] else known[column]
            searched[column] = row
            if known[column] >= 0:
                ratio = close[row, column] * factor[row, column] / ranges[known[column], column]
                if np.isfinite(ratio):
                    weights[decision, column] = np.sign(conviction[decision, column]) * (risk * ratio)
