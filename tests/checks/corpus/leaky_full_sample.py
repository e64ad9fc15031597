"""Scores against mean and deviation of the whole sample."""

import numpy as np

from strategies import TargetStrategy


class FullSample(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        returns = np.diff(np.log(bars.close), axis=0, prepend=np.nan)
        score = (returns - np.nanmean(returns, axis=0)) / np.nanstd(returns, axis=0)
        return np.where(bars.tradable & (np.abs(score) > 1.5), np.where(score < 0, 1.0, 0.0), np.nan)
