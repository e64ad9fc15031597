"""Momentum: hold the strongest trends while the market is in one, each at the same risk.

Every Wednesday (the week's next session where it is a holiday):
Sell: what left the top 20% by momentum rank, fell below its 100-day average, or has no upward momentum left.
Resize: what stayed and whose risk unit changed.
Buy: the others of the top 20% above their average, only while the index is above its 200-day average.
Every second Wednesday of the month, besides: every position to its current target, whatever the index does.
Sizing: shares = value x risk / ATR.
Source: Andreas Clenow, "Stocks on the Move" (2015): rank by annualised exponential-regression slope x R2.
"""

import numpy as np
from numba import njit

from core.bars import Bars
from core.errors import BadSpec
from core.space import Range, Space
from indicators import on, sma
from strategies.base import TargetStrategy, may_decide
from strategies.ranking import ranks, top_part
from strategies.schedules import check_weekday, nth_weekday, weekly


class Momentum(TargetStrategy):
    """The top of the momentum ranking, filtered by a market index, sized by average true range.

    Params:
        lookback: bars of the regression behind the rank.
        top: part of the ranked symbols that is held, above 0 and up to 1.
        average: bars of the moving average a stock must not be below.
        index_average: bars of the average the index must be above for new positions; 0 = no filter.
        index: the market index; "" = the first reference symbol.
        atr: bars of the average true range behind the risk unit.
        band: part by which the risk unit (ATR / price) must have changed since a position was last sized, for
            a weekly update to resize it.
        weekday: 0 = Monday.
    """

    params = dict(lookback=90, top=0.2, average=100, index_average=200, index="", atr=20, band=0.0, weekday=2)
    space = Space({"lookback": Range(30, 240, 30), "top": Range(0.1, 0.5, 0.1), "average": Range(50, 200, 50)})
    timing = {"weekday": (0, 1, 2, 3, 4)}
    aliases = {"lookbackPeriod": "lookback", "topPercentage": "top", "riskFactor": "sizer.risk"}
    default_sizer = "AtrRisk"
    needs_index = True
    path_dependent = True

    @classmethod
    def check(cls, p) -> None:
        if not 0 < p.top <= 1:
            raise BadSpec(f"top={p.top} is not a part of the symbols: write 0.2 for the best 20%")
        check_weekday(p.weekday)

    @classmethod
    def warmup(cls, p) -> int:
        remembered = p.atr + 1 if not p.band else 20 * p.atr  # Wilder's average forgets slowly: (1 - 1/n)^20n < 1e-8
        return max(p.lookback, p.average, p.index_average, remembered)

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        updates = np.flatnonzero(weekly(bars, p.weekday) & may_decide(bars, p))
        close, score = bars.close[updates], cls._score(bars, p, updates)
        stays = top_part(score, p.top) & (close >= on(bars).sma(p.average, rows=updates)) & (score > 0)
        decided = np.full(score.shape, np.nan)
        _rebalance(score, on(bars).atr(p.atr)[updates] / close, stays, bars.traded[updates] & bars.tradable,
                   _index_above(bars, p)[updates], nth_weekday(bars, 2, p.weekday)[updates], float(p.band), decided)
        signals = np.full(bars.shape, np.nan)
        signals[updates] = decided
        return signals

    @classmethod
    def _score(cls, bars: Bars, p, rows: np.ndarray | None = None) -> np.ndarray:
        return np.where(bars.tradable, on(bars).momentum(p.lookback, rows=rows), np.nan)

    @classmethod
    def features(cls, bars: Bars, p) -> dict[str, np.ndarray]:
        score = cls._score(bars, p)
        return {"momentum": score, "rank": ranks(score), f"average of {p.average}": on(bars).sma(p.average),
                f"ATR of {p.atr}": on(bars).atr(p.atr)}


@njit(cache=True, nogil=True, error_model="numpy")
def _rebalance(score: np.ndarray, unit: np.ndarray, stays: np.ndarray, seen: np.ndarray, opens: np.ndarray,
               full: np.ndarray, band: float, decided: np.ndarray) -> None:
    """Sell, resize and buy, update after update. Panels are (updates, symbols), `opens` and `full` are (updates,)."""
    held, sized = np.zeros(score.shape[1], np.bool_), np.full(score.shape[1], np.nan)
    for row in range(len(score)):
        for column in np.flatnonzero(seen[row]):
            keeps = held[column] and stays[row, column]
            changed = full[row] or not abs(unit[row, column] / sized[column] - 1.0) <= band
            held[column] = keeps or (stays[row, column] and opens[row])
            if not held[column]:
                decided[row, column] = 0.0
            elif not keeps or changed:
                decided[row, column], sized[column] = score[row, column], unit[row, column]


def _index_above(bars: Bars, p) -> np.ndarray:
    """(T,) bool: the index has a bar and is above its average; new positions may be opened."""
    if not p.index_average:
        return np.ones(len(bars), dtype=bool)
    references = [symbol for symbol, traded in zip(bars.symbols, bars.tradable, strict=True) if not traded]
    if not p.index and not references:
        raise BadSpec("Momentum compares with a market index and there is none: name one with --reference ^GSPC, "
                      "or switch the filter off with -p index_average=0")
    at = bars.column(p.index or references[0])
    close = bars.close[:, at : at + 1]
    return (close > sma(close, p.index_average))[:, 0]
