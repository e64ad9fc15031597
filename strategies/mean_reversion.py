"""Mean reversion: buy what has fallen far below its average, sell it when it is back.

Once a week (Monday, or the week's next session):
Buy: the close is two or more standard deviations below its 50-day average.
Sell: it is back at the average.
Sizing: equal weight within two sleeves, 40% sector ETFs and 60% stocks.
Source: the classic band rule; Bollinger, "Bollinger on Bollinger Bands" (2001), uses the same bands.
"""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from core.space import Range, Space
from indicators import on
from strategies.base import TargetStrategy
from strategies.schedules import check_weekday, weekly
from strategies.universes import SECTOR_ETFS


class MeanReversion(TargetStrategy):
    """In when the price is `entry` standard deviations below its average, out when it is back.

    Params:
        period: bars of the average and of the standard deviation.
        entry: standard deviations below the average at which to buy.
        exit: standard deviations below the average at which to sell; 0 = at the average, negative = above it.
        weekday: day of the weekly review, 0 = Monday.
    """

    params = dict(period=50, entry=2.0, exit=0.0, weekday=0)
    space = Space({"period": Range(10, 100, 10), "entry": Range(1.0, 3.0, 0.25), "exit": Range(-1.0, 1.0, 0.5)},
                  where=("exit < entry",))
    timing = {"weekday": (0, 1, 2, 3, 4)}
    sleeves = {"sector ETFs": f"0.4: {','.join(SECTOR_ETFS)}", "stocks": "0.6"}

    @classmethod
    def check(cls, p) -> None:
        if not p.exit < p.entry or p.entry <= 0:
            raise BadSpec(f"entry={p.entry} and exit={p.exit}: both are standard deviations below the average, "
                          "and the entry is the larger, above 0")
        if p.period < 2:
            raise BadSpec(f"period={p.period} is too short: a standard deviation takes 2 bars or more")
        check_weekday(p.weekday)

    @classmethod
    def warmup(cls, p) -> int:
        return p.period

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        score = np.where(weekly(bars, p.weekday)[:, None] & bars.tradable, on(bars).zscore(p.period), np.nan)
        return np.select([score <= -p.entry, score >= -p.exit], [-score, 0.0], np.nan)

    @classmethod
    def features(cls, bars: Bars, p) -> dict[str, np.ndarray]:
        return {"z-score": on(bars).zscore(p.period), f"average of {p.period}": on(bars).sma(p.period)}
