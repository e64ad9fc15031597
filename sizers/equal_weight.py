"""The same weight for everyone."""

import numpy as np

from core.bars import Bars
from core.errors import UnknownName
from sizers.base import PortfolioSizer

ACROSS = ("universe", "chosen")


class EqualWeight(PortfolioSizer):
    """Equal weights, with the sign of the conviction.

    Params:
        across: "universe" (1/N for each of the N tradable symbols, so that each has its own sleeve and entries
            do not disturb each other) or "chosen" (1/K for each of the K symbols with a conviction, which suits
            rotations that decide on all symbols at once).
    """

    params = (("across", "universe"),)

    def check(self) -> None:
        if self.p.across not in ACROSS:
            raise UnknownName.of("value of sizer.across", str(self.p.across), ACROSS)

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        return self.weights_at(conviction[None], history, np.array([len(history) - 1]))[0]

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        across = bars.tradable.sum() if self.p.across == "universe" else (conviction != 0).sum(axis=1, keepdims=True)
        return np.sign(conviction) / np.maximum(across, 1)
