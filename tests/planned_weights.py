"""A target strategy that follows a plan: for what is computed by hand."""

import numpy as np

from strategies import TargetStrategy


class PlannedWeights(TargetStrategy):
    """One symbol: `plan` is "ROW:WEIGHT ROW:WEIGHT", weights of the account decided on those bars (0 = the first)."""

    params = dict(plan="")
    default_sizer = "TargetWeight"

    @classmethod
    def signals(cls, bars, p):
        found = np.full(bars.shape, np.nan)
        for each in p.plan.split():
            row, weight = each.split(":")
            found[int(row), bars.tradable] = float(weight)
        return found
