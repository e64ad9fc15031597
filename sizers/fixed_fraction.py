"""The same part of the equity for every position."""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from sizers.base import PortfolioSizer


class FixedFraction(PortfolioSizer):
    """Each position that part of the equity, whatever the number of positions; limits still apply.

    Params:
        fraction: 0.1 = a tenth.
    """

    params = (("fraction", 0.1),)

    def check(self) -> None:
        if not 0 < self.p.fraction < np.inf:
            raise BadSpec(f"sizer.fraction is {self.p.fraction:g}: it is a part of the equity, such as 0.1")

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        return self.p.fraction * np.sign(conviction)

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        return self.p.fraction * np.sign(conviction)
