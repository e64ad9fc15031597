"""Buy and hold: the yardstick.

Buy: every symbol on its first bar, 1/N of the account each; the next four bars complete what a gap or the
cash buffer left undone, and dividends are put back into the symbol that paid them.
Sell: never.
Sizing: the conviction is the weight, as it has drifted since the start.
Source: a definition; reinvestment as in total-return indices.
"""

import numpy as np

from core.bars import Bars
from core.panels import carried_forward
from core.space import Choice, Space
from strategies.base import TargetStrategy

FIRST_BARS = 5


class BuyAndHold(TargetStrategy):
    """Holds every symbol from its first bar on.

    Params:
        reinvest: buy more of a symbol with the dividends it pays; otherwise they stay in cash.
    """

    params = dict(reinvest=True)
    space = Space({"reinvest": Choice(True, False)})
    default_sizer = "TargetWeight"
    path_dependent = True

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        growth = bars.close if p.reinvest else bars.raw_close * np.cumprod(bars.split, axis=0)
        age = np.cumsum(bars.traded, axis=0)
        start = growth[np.argmax(bars.traded, axis=0), np.arange(len(bars.symbols))]
        worth = np.where(age > 0, carried_forward(growth) / start, 1.0) * bars.tradable
        weight = worth / worth.sum(axis=1, keepdims=True)
        decides = (age <= FIRST_BARS) | ((bars.dividend > 0) if p.reinvest else False)
        return np.where(decides & bars.traded & bars.tradable, weight, np.nan)
