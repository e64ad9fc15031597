"""Dual momentum: the strongest asset class, as long as it beats doing nothing.

On the last session of each month, or `day` sessions before it:
Relative: rank the asset classes by their return over twelve months (252 bars).
Absolute: hold the best one if its return is above that of Treasury bills; otherwise hold the safe asset.
Sell: everything else.
Sizing: 1/top each; the part of those that do not beat bills goes to the safe asset.
Source: Gary Antonacci, "Dual Momentum Investing" (2014): SPY and EFA against BIL, AGG as the safe asset.
"""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from core.space import Range, Space
from indicators import on
from strategies.base import TargetStrategy
from strategies.ranking import ranks, top_count
from strategies.schedules import check_day, month_end


class DualMomentum(TargetStrategy):
    """Relative momentum among asset classes, absolute momentum against bills.

    Params:
        lookback: bars of the return.
        top: number of asset classes to hold.
        safe: what is held instead of a class that does not beat bills; cash where it is not in the universe.
        bills: Treasury bills, traded or for reference; where they have no return, 0 must be beaten.
        day: sessions before the last one of the month; the first session where the month is shorter.
    """

    params = dict(lookback=252, top=1, safe="AGG", bills="BIL", day=0)
    space = Space({"lookback": Range(21, 252, 21), "top": Range(1, 3)})
    timing = {"day": tuple(range(21))}
    default_sizer = "TargetWeight"

    @classmethod
    def check(cls, p) -> None:
        if p.top < 1:
            raise BadSpec(f"top={p.top} holds nothing: write the number of asset classes to hold, from 1 on")
        check_day(p.day)

    @classmethod
    def warmup(cls, p) -> int:
        return p.lookback + 1

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        symbols, returns = np.array(bars.symbols), on(bars).rate_of_change(p.lookback)
        rivals = cls._rivals(bars, p)
        best = top_count(rivals, p.top)
        hurdle = np.nan_to_num(returns[:, symbols == p.bills]) if p.bills in symbols else 0.0
        wins = best & (rivals > hurdle)
        weights = wins / p.top + (symbols == p.safe) * (best & ~wins).sum(axis=1, keepdims=True) / p.top
        decides = month_end(bars, p.day)[:, None] & best.any(axis=1, keepdims=True)
        return np.where(decides & bars.traded & bars.tradable, weights, np.nan)

    @classmethod
    def _rivals(cls, bars: Bars, p) -> np.ndarray:
        symbols = np.array(bars.symbols)
        rivals = bars.tradable & (symbols != p.safe) & (symbols != p.bills)
        return np.where(rivals, on(bars).rate_of_change(p.lookback), np.nan)

    @classmethod
    def features(cls, bars: Bars, p) -> dict[str, np.ndarray]:
        return {f"return over {p.lookback}": on(bars).rate_of_change(p.lookback), "rank": ranks(cls._rivals(bars, p))}
