"""ETF rotation: hold the strongest of a group of funds, usually sector ETFs.

On the last session of each month, or `day` sessions before it:
Buy: the funds with the highest return over three months (63 bars).
Sell: the others.
Sizing: equal weight among the chosen.
Source: Moskowitz and Grinblatt, "Do Industries Explain Momentum?", Journal of Finance 54 (1999).
"""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from core.space import Range, Space
from indicators import on
from strategies.base import TargetStrategy
from strategies.ranking import ranks, top_count
from strategies.schedules import check_day, month_end


class EtfRotation(TargetStrategy):
    """The `top` funds by return over `lookback` bars, chosen anew each month.

    Params:
        lookback: bars of the return.
        top: number of funds to hold.
        day: sessions before the last one of the month; the first session where the month is shorter.
    """

    params = dict(lookback=63, top=3, day=0)
    space = Space({"lookback": Range(21, 252, 21), "top": Range(1, 5)})
    timing = {"day": tuple(range(21))}
    sizer_params = {"across": "chosen"}

    @classmethod
    def check(cls, p) -> None:
        if p.top < 1:
            raise BadSpec(f"top={p.top} holds nothing: write the number of funds to hold, from 1 on")
        check_day(p.day)

    @classmethod
    def warmup(cls, p) -> int:
        return p.lookback + 1

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        returns = np.where(bars.tradable, on(bars).rate_of_change(p.lookback), np.nan)
        best = top_count(returns, p.top)
        decides = month_end(bars, p.day)[:, None] & ~np.isnan(returns)
        return np.where(decides, best / np.fmax(ranks(returns), 1.0), np.nan)

    @classmethod
    def features(cls, bars: Bars, p) -> dict[str, np.ndarray]:
        returns = np.where(bars.tradable, on(bars).rate_of_change(p.lookback), np.nan)
        return {f"return over {p.lookback}": returns, "rank": ranks(returns)}
