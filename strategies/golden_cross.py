"""Golden cross: follow the trend while a fast average is above a slow one.

Buy: the fast simple moving average of the signal close crosses above the slow one.
Sell: it crosses below.
Sizing: equal weight within two sleeves, half the account broad ETFs, half large stocks.
Source: the classic 50/200-day rule; Brock, Lakonishok and LeBaron, "Simple Technical Trading Rules and the
Stochastic Properties of Stock Returns", Journal of Finance 47 (1992), test the family.
"""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from core.space import Range, Space
from indicators import in_while_above, on
from strategies.base import TargetStrategy
from strategies.universes import BROAD_ETFS


class GoldenCross(TargetStrategy):
    """In when the fast average crosses above the slow one, out when it crosses below.

    Params:
        fast, slow: bars in the two averages, fast below slow.
    """

    params = dict(fast=50, slow=200)
    space = Space({"fast": Range(5, 100, 5), "slow": Range(50, 300, 10)}, where=("fast < slow",))
    sleeves = {"broad ETFs": f"0.5: {','.join(BROAD_ETFS)}", "stocks": "0.5"}

    @classmethod
    def check(cls, p) -> None:
        if not 1 <= p.fast < p.slow:
            raise BadSpec(f"fast={p.fast} is not below slow={p.slow}: the fast average takes fewer bars, from 1 on")

    @classmethod
    def warmup(cls, p) -> int:
        return p.slow + 1

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        return in_while_above(on(bars).sma(p.fast), on(bars).sma(p.slow), bars.tradable)

    @classmethod
    def features(cls, bars: Bars, p) -> dict[str, np.ndarray]:
        return {f"average of {period}": on(bars).sma(period) for period in (p.fast, p.slow)}
