"""The second stage of every sizer: compiled functions that Cerebro and its compiled twin both call."""

import math

import numpy as np
from numba import njit

from core.options import Limits

FRACTION = 1e6  # fractional shares are traded in millionths


@njit(cache=True)
def limit_weights(weights: np.ndarray, current: np.ndarray, conviction: np.ndarray, decided: np.ndarray,
                  value: float, cash: float, limits: Limits) -> np.ndarray:
    """Cut wished-for weights down to what the limits and the cash allow.

    Args:
        weights: (N,) wished weights, parts of `value`; negative for shorts.
        current: (N,) weights held now, open orders included.
        conviction: (N,) order in which buys are served (largest absolute value first, ties by position).
        decided: (N,) bool; the others keep what they hold, and it consumes the budget.
        value: equity. cash: cash at hand, less what open buys will take; both account currency.
        limits: see `core.options.Limits`.

    Returns:
        (N,) weights; `current` where not decided. Sales and covers come first and free cash for the buys; of
        that cash `cash_buffer` stays unspent in this round. Opening a short takes budget like a purchase.
    """
    wished = np.where(decided, weights, current)
    largest = min(limits.max_weight, limits.max_position / value) if value > 0 else 0.0
    for at in np.flatnonzero(decided):
        wished[at] = min(max(wished[at], -largest), largest) if not np.isnan(wished[at]) else 0.0
        if abs(wished[at]) * value < limits.min_position:
            wished[at] = 0.0
    ranked = np.argsort(-np.abs(np.where(decided, conviction, 0.0)), kind="mergesort")
    _limit_count(wished, decided, ranked, limits.max_positions)
    kept = current.copy()  # what is left after the sales and covers
    for at in np.flatnonzero(decided):
        same_side = wished[at] * current[at] > 0
        kept[at] = math.copysign(min(abs(wished[at]), abs(current[at])), current[at]) if same_side else 0.0
    freed = (current - kept).sum() * value  # sales bring cash, covers take it
    gross = np.abs(kept).sum() * value
    budget = min(cash + freed - limits.min_cash, limits.max_gross * value - gross - limits.min_cash)
    budget *= 1.0 - limits.cash_buffer
    for at in ranked:
        want = (abs(wished[at]) - abs(kept[at])) * value
        if not decided[at] or want <= 0:
            continue
        spend = max(min(want, budget), 0.0)
        if (abs(kept[at]) * value + spend) < limits.min_position:
            spend = 0.0
        if spend < want:
            wished[at] = math.copysign(abs(kept[at]) + spend / value, wished[at])
        budget -= spend
    return wished


@njit(cache=True)
def _limit_count(wished: np.ndarray, decided: np.ndarray, ranked: np.ndarray, most: float) -> None:
    count = 0
    for at in range(len(wished)):
        if not decided[at] and wished[at] != 0:
            count += 1
    for at in ranked:
        if decided[at] and wished[at] != 0:
            if count < most:
                count += 1
            else:
                wished[at] = 0.0


@njit(cache=True)
def shares_of(weights: np.ndarray, held: np.ndarray, decided: np.ndarray, value: float, prices: np.ndarray,
              fractional: bool) -> np.ndarray:
    """Target shares of target weights: `weight * value / price`, rounded towards zero.

    Args:
        weights: (N,) from `limit_weights`. held: (N,) shares now. decided: (N,) bool.
        value: equity. prices: (N,) raw closes; NaN where a symbol has not traded yet.
        fractional: round to millionths of a share instead of whole ones.

    Returns:
        (N,) shares; `held` where not decided or not priced.
    """
    target = held.copy()
    for at in range(len(weights)):
        if decided[at] and prices[at] > 0:
            shares = weights[at] * value / prices[at]
            target[at] = math.trunc(shares * FRACTION) / FRACTION if fractional else math.trunc(shares)
    return target
