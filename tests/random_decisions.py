"""A target strategy that decides at random, for comparing two engines on everything they might be asked for."""

import numpy as np

from strategies import TargetStrategy


class RandomDecisions(TargetStrategy):
    """Each symbol on each bar: mostly no decision, else out, in with some conviction, or short."""

    params = dict(seed=0, density=0.3, shorts=0.2)

    @classmethod
    def signals(cls, bars, p):
        random = np.random.default_rng(int(p.seed))
        conviction = np.round(random.uniform(0, 1.2, bars.shape), 1)  # ties and zeros are wanted
        conviction *= np.where(random.random(bars.shape) < p.shorts, -1, 1)
        decides = (random.random(bars.shape) < p.density) & bars.tradable
        return np.where(decides, conviction, np.nan)
