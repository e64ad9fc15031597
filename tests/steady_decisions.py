"""A target strategy that decides at random but the same on every bar, however many bars follow: for live runs day by day."""

from functools import cache

import numpy as np

from strategies import TargetStrategy


class SteadyDecisions(TargetStrategy):
    """Each symbol on each session: mostly no decision, else out, in with some conviction, or short."""

    params = dict(seed=0, density=0.4, shorts=0.0)

    @classmethod
    def moments(cls, bars):
        """(T,) numbers of the bars that stay what they are."""
        return bars.session.astype(int)

    @classmethod
    def signals(cls, bars, p):
        drawn = [_drawn(int(p.seed), int(moment), bars.shape[1], p.density, p.shorts) for moment in cls.moments(bars)]
        return np.where(bars.tradable, np.array(drawn), np.nan)


@cache
def _drawn(seed, moment, symbols, density, shorts):
    random = np.random.default_rng([seed, moment])
    conviction = np.round(random.uniform(0, 1.2, symbols), 1)
    conviction *= np.where(random.random(symbols) < shorts, -1, 1)
    return np.where(random.random(symbols) < density, conviction, np.nan)


class SteadyMinutes(SteadyDecisions):
    """The same on every bar of the day."""

    @classmethod
    def moments(cls, bars):
        return bars.index // 10**9
