"""The conviction is the weight."""

import numpy as np

from core.bars import Bars
from sizers.base import PortfolioSizer


class TargetWeight(PortfolioSizer):
    """Takes each conviction as the wished weight (0.25 = a quarter of equity); limits still apply."""

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        return conviction

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        return conviction
