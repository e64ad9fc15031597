"""Whole shares for small accounts: PyPortfolioOpt's discrete allocation, kept within the limits.

`greedy` buys one share after another of what is furthest below its weight; `lp` minimises the sum of the
absolute deviations from the weights plus the cash left over (integer programming). Both may round up what
`floor` rounds down; they spend no more than the weights do.
"""

import itertools
import math
import warnings

import numpy as np

from core.options import Limits
from sizers.limits import Groups

ROUNDINGS = ("floor", "greedy", "lp")


def whole_shares(rounding: str, weights: np.ndarray, floor: np.ndarray, held: np.ndarray, conviction: np.ndarray,
                 decided: np.ndarray, groups: Groups, value: float, prices: np.ndarray,
                 limits: Limits) -> tuple[np.ndarray, str]:
    """Whole shares of the decided symbols; longs, shorts and each sleeve are allocated for themselves.

    Args:
        rounding: "greedy" or "lp". weights: (N,) from `limit_weights`. floor: (N,) the same, from `shares_of`.
        held, conviction, decided, groups, value, prices, limits: as in `sizers.limits`.

    Returns:
        (N,) shares and "" or the reason for which `floor` came back. What rounding up brings above a limit of
        a position or sector is cut, weakest conviction first; a position below the smallest one is dropped.
    """
    shares = floor.copy()
    for side, sleeve in itertools.product((1.0, -1.0), np.unique(groups.sleeves)):
        chosen = np.flatnonzero(decided & (side * weights > 0) & (prices > 0) & (weights != held * prices / value)
                                & (groups.sleeves == sleeve))
        if len(chosen):
            try:
                shares[chosen] = side * _allocated(rounding, side * weights[chosen], value, prices[chosen])
            except Exception as error:  # noqa: BLE001  (whatever a solver raises, the run goes on)
                return floor, f"{rounding} allocation failed: {error or type(error).__name__}".splitlines()[0]
    _cut(shares, floor, held, conviction, decided, groups.sectors, value, prices, limits)
    return shares, ""


def _allocated(rounding: str, weights: np.ndarray, value: float, prices: np.ndarray) -> np.ndarray:
    import pandas as pd
    from pypfopt import DiscreteAllocation

    total = weights.sum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        allocation = DiscreteAllocation(dict(enumerate((weights / total).tolist())), pd.Series(prices),
                                        total_portfolio_value=total * value)
        found, _ = (allocation.greedy_portfolio() if rounding == "greedy"
                    else allocation.lp_portfolio(solver="HIGHS"))
    shares = np.array([float(found.get(at, 0)) for at in range(len(prices))])
    if (shares * prices).sum() > total * value * (1 + 1e-9):
        raise ValueError("it spends more than the weights")
    return shares


def _cut(shares: np.ndarray, floor: np.ndarray, held: np.ndarray, conviction: np.ndarray, decided: np.ndarray,
         sectors: np.ndarray, value: float, prices: np.ndarray, limits: Limits) -> None:
    """Take back, in place, what rounding up brought above a limit; `floor` is within all of them."""
    largest = min(limits.max_weight * value, limits.max_position)
    smallest = max(limits.min_position, limits.min_weight * value)
    weakest_first = np.argsort(-np.abs(conviction), kind="stable")[::-1]
    for at in weakest_first[decided[weakest_first]]:
        side, size, price = math.copysign(1.0, shares[at]), abs(shares[at]), prices[at]
        if size > abs(floor[at]):
            size = max(min(size, np.floor(largest / price)), abs(floor[at]))
            same = sectors == sectors[at]
            if sectors[at] >= 0 and size > abs(floor[at]):
                old = np.minimum(np.abs(shares), np.abs(floor))  # without what rounding up added
                over = _worth(shares, prices, same) - max(limits.max_sector * value, _worth(old, prices, same))
                size = max(size - max(np.ceil(over / price), 0.0), abs(floor[at]))
        if 0 < size * price < smallest and side * size != held[at]:
            size = 0.0
        shares[at] = side * size


def _worth(shares: np.ndarray, prices: np.ndarray, where: np.ndarray) -> float:
    return float(np.nansum(np.abs(shares[where]) * prices[where]))
