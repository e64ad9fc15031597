"""How much worse than the price when it was sent an order is filled: an estimate from executions, as a spec takes it.

Half the spread is in it, since the simulated exchange has none. Imports core only.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.costs import slippage_text

FEWEST = 20  # orders, below which an estimate says nothing
DRAWS = 2000
LEVEL = 0.95
FAR = 5.0  # robust standard deviations from the median at which a rate is cut off
TO_SIGMA = 1.4826  # from the median absolute deviation to the standard deviation of a normal distribution


class Filled(NamedTuple):
    """One order's execution.

    Attributes:
        symbol; side: "buy" or "sell". value: account currency at the price when sent.
        rate: how much worse than that price it was filled, as a part of it; below zero for better.
    """

    symbol: str
    side: str
    value: float
    rate: float


class Estimate(NamedTuple):
    """Slippage of some orders.

    Attributes:
        orders: how many. value: account currency. bp: mean in basis points, weighted by value; NaN without orders.
        low, high: its 95% bootstrap interval; NaN where the orders are too few.
        text: for `slippage = …` of a spec; "" where it should not be used. remark: why not, "" otherwise.
    """

    orders: int
    value: float
    bp: float
    low: float
    high: float
    text: str
    remark: str

    def summary(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return self._asdict()


def estimate(filled: Sequence[Filled], seed: int = 0) -> Estimate:
    """Mean slippage, weighted by value, with a percentile bootstrap interval over orders (Efron, 1979).

    Rates further than five robust standard deviations from their median are cut off there (winsorised), so that a single
    order in a jump does not decide.
    """
    if not filled:
        return Estimate(0, 0.0, np.nan, np.nan, np.nan, "", "no order was filled at a price that can be judged")
    rates, values = (np.array([getattr(each, name) for each in filled]) for name in ("rate", "value"))
    rates = winsorised(rates)
    mean = float(rates @ values / values.sum()) * 1e4
    if len(filled) < FEWEST:
        return Estimate(len(filled), float(values.sum()), mean, np.nan, np.nan, "",
                        f"{len(filled)} orders are too few: {FEWEST} at least; name more days")
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(rates), (DRAWS, len(rates)))
    means = (rates[drawn] * values[drawn]).sum(axis=1) / values[drawn].sum(axis=1) * 1e4
    low, high = (float(each) for each in np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    remark = "" if low > 0 else "not clearly above 0: a spec without slippage fits as well"
    return Estimate(len(filled), float(values.sum()), mean, low, high, slippage_text(mean / 1e4), remark)


def winsorised(rates: np.ndarray) -> np.ndarray:
    """(n,) rates, those far from the median cut off at the same distance on both sides."""
    middle = np.median(rates)
    reach = FAR * TO_SIGMA * float(np.median(np.abs(rates - middle)))
    return np.clip(rates, middle - reach, middle + reach) if reach > 0 else rates


def recalibrated(filled: Sequence[Filled], seed: int = 0) -> dict[str, Any]:
    """`estimate` of all orders, of each side and of each symbol, as `--json` prints them."""
    return {**estimate(filled, seed).summary(), "by_side": _by(filled, "side", seed), "by_symbol": _by(filled, "symbol", seed)}


def _by(filled: Iterable[Filled], name: str, seed: int) -> Mapping[str, Any]:
    groups: dict[str, list[Filled]] = {}
    for each in filled:
        groups.setdefault(getattr(each, name), []).append(each)
    return {key: estimate(groups[key], seed).summary() for key in sorted(groups)}
