"""A sound rule whose sizer reads beyond the history it is given."""

import numpy as np

from sizers import PortfolioSizer
from strategies import TargetStrategy


class Clairvoyant(PortfolioSizer):
    """Weighs each symbol by its next close over the last."""

    def weights(self, conviction, history):
        whole = history.raw_close.base
        coming = whole[min(len(history), len(whole) - 1)]
        growth = np.nan_to_num(coming / history.last_close[-1], nan=1.0)
        return 0.1 * conviction * np.clip(growth, 0.5, 1.5)


class Sizer(TargetStrategy):
    default_sizer = Clairvoyant

    @classmethod
    def signals(cls, bars, p):
        rising = bars.close > np.vstack([np.full((10, len(bars.symbols)), np.nan), bars.close[:-10]])[: len(bars)]
        monday = (bars.session.astype("datetime64[D]").astype(np.int64) + 3) % 7 == 0
        return np.where(monday[:, None] & bars.tradable & bars.traded, np.where(rising, 1.0, 0.0), np.nan)
