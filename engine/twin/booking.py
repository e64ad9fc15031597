"""What one fill does to a position and to the cash, compiled: the arithmetic of Backtrader's positions and commissions."""

import numpy as np
from numba import njit

from core.costs import Commission, Slippage

NEAR = 1e-9  # a share count this near to a whole number is that number


@njit(cache=True, nogil=True, error_model="numpy")
def adds(held: float, change: float) -> bool:
    """Whether an order of `change` shares takes new exposure."""
    return held == 0.0 or (held > 0.0) == (change > 0.0) or abs(change) > abs(held)


@njit(cache=True, nogil=True, error_model="numpy")
def parts(held: float, change: float) -> tuple[float, float]:
    """(opened, closed) parts of a change of position, both with its sign."""
    if held == 0.0 or (held > 0.0) == (change > 0.0):
        return change, 0.0
    after = held + change
    if after == 0.0 or (after > 0.0) == (held > 0.0):
        return 0.0, change
    return after, -held


@njit(cache=True, nogil=True, error_model="numpy")
def entry_price(held: float, average: float, change: float, paid: float) -> float:
    """Average entry price after a fill."""
    after = held + change
    if after == 0.0:
        return 0.0
    if held != 0.0 and (held > 0.0) == (change > 0.0):
        return (average * held + change * paid) / after
    return average if held != 0.0 and (after > 0.0) == (held > 0.0) else paid


@njit(cache=True, nogil=True, error_model="numpy")
def commission(terms: Commission, shares: float, price: float) -> float:
    """`Commission.of` for shares that are not 0."""
    return max(abs(shares) * terms.rate * price + abs(shares) * terms.per_share, terms.minimum)


@njit(cache=True, nogil=True, error_model="numpy")
def slipped(slippage: Slippage, price: float, change: float) -> float:
    """The price a market order of `change` shares pays."""
    side = 1 if change > 0 else -1
    if slippage.rate != 0.0:
        return price * (1 + side * slippage.rate)
    if slippage.fixed != 0.0:
        return max(price + side * slippage.fixed, 0.0)
    return price


@njit(cache=True, nogil=True, error_model="numpy")
def whole(shares: float) -> float:
    """Shares left whole by a split."""
    nearest = np.round(shares)
    return (nearest if abs(shares - nearest) < NEAR * max(1.0, abs(shares)) else np.trunc(shares)) + 0.0  # never -0
