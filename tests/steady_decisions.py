"""A target strategy that decides at random but the same on every bar, however many bars follow: for live runs day by day."""

import numpy as np

from strategies import TargetStrategy


class SteadyDecisions(TargetStrategy):
    """Each symbol on each session: mostly no decision, else out, in with some conviction, or short."""

    params = dict(seed=0, density=0.4, shorts=0.0)

    @classmethod
    def signals(cls, bars, p):
        signals = np.full(bars.shape, np.nan)
        for row, day in enumerate(bars.session.astype(int)):
            random = np.random.default_rng([int(p.seed), int(day)])
            conviction = np.round(random.uniform(0, 1.2, bars.shape[1]), 1)
            conviction *= np.where(random.random(bars.shape[1]) < p.shorts, -1, 1)
            signals[row] = np.where((random.random(bars.shape[1]) < p.density) & bars.tradable, conviction, np.nan)
        return signals
