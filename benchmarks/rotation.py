"""A monthly rotation, for the benchmarks of the sizers."""

import numpy as np

from indicators import on
from strategies import TargetStrategy


class Rotation(TargetStrategy):
    """On the first session of each month: the ten strongest over half a year."""

    @classmethod
    def signals(cls, bars, p):
        past = on(bars).rate_of_change(126)
        rank = np.argsort(np.argsort(-past, axis=1, kind="stable"), axis=1)
        months = bars.session.astype("datetime64[M]")
        first = (np.r_[False, months[1:] != months[:-1]] & ~np.isnan(past).any(axis=1))[:, None]
        return np.where(first, np.where(rank < 10, 1.0, 0.0), np.nan)
