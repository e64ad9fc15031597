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
        row = on(history).atr(self.p.period)[-1].copy()
        for at in np.flatnonzero((conviction != 0) & np.isnan(row)):
            row[at] = _last_number(on(history).atr(self.p.period)[:, at])
        return self._sized(conviction, history.last_close[-1] * history.factor[-1], row)

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        ranges = _carried_to(rows, on(bars).atr(self.p.period))
        return self._sized(conviction, bars.last_close[rows] * bars.factor[rows], ranges)

    def _sized(self, conviction: np.ndarray, signal_price: np.ndarray, average: np.ndarray) -> np.ndarray:
        """An average true range is in signal prices too: one ratio, no units."""
        ratio = signal_price / np.where(average == 0, np.nan, average)
        return np.sign(conviction) * np.where(np.isfinite(ratio), self.p.risk * ratio, 0.0)


def _last_number(values: np.ndarray) -> float:
    known = np.flatnonzero(~np.isnan(values))
    return float(values[known[-1]]) if len(known) else np.nan


@njit(cache=True, nogil=True)
def _carried_to(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(D, N) the latest number of each column of `values` (T, N) up to each of the ascending rows; NaN for none."""
    latest, made, decision = np.full(values.shape[1], np.nan), np.empty((len(rows), values.shape[1])), 0
    for row in range(len(values)):
        if decision == len(rows):
            break
        for column in range(len(latest)):
            if not np.isnan(values[row, column]):
                latest[column] = values[row, column]
        while decision < len(rows) and rows[decision] == row:
            made[decision] = latest
            decision += 1
    return made
