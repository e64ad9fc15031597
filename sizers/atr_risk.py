"""The same risk for every position, measured by the average true range."""

import numpy as np

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
        signal_price = history.last_close[-1] * history.factor[-1]  # ATR is in signal prices too: one ratio, no units
        ratio = signal_price / _latest(on(history).atr(self.p.period), conviction != 0)
        return np.sign(conviction) * np.where(np.isfinite(ratio), self.p.risk * ratio, 0.0)


def _latest(panel: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(N,) the last number in each wanted column; NaN for none, and for 0."""
    row = panel[-1].copy()
    for at in np.flatnonzero(wanted & np.isnan(row)):
        known = np.flatnonzero(~np.isnan(panel[:, at]))
        row[at] = panel[known[-1], at] if len(known) else np.nan
    row[row == 0] = np.nan
    return row
