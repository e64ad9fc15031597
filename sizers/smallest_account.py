"""The smallest account with which the limits let a position be opened."""

import math

import numpy as np

from core.options import Limits
from sizers.limits import FRACTION


def smallest_account(limits: Limits, prices: np.ndarray, fractional: bool) -> float:
    """Smallest value of an account, all of it cash, with which one position in one of the symbols can be opened.

    Args:
        limits: the rules; `max_sector` is taken to bind. prices: (N,) raw prices; NaN is left out.
        fractional: millionths of a share.

    Returns:
        Account currency; inf when no account can open one.

    A position of x = n shares fits an account of V if min_position <= x <= max_position, min_weight V <= x,
    x <= max_weight V, x <= max_sector V and x <= (min(1, max_gross) V - min_cash) (1 - cash_buffer). All but
    the third bound V from below, and each of them grows with x, so the smallest x that satisfies the third
    beside them gives the smallest V.
    """
    return min((_smallest_for(limits, float(price), fractional) for price in prices if price > 0), default=math.inf)


def reason_for_none(limits: Limits, symbols: list[str], prices: np.ndarray, value: float, fractional: bool,
                    largest_wish: float) -> str:
    """One line on why an account of `value` could not open a position in any of the symbols it wished for."""
    have = f"no position can be opened with {value:,.2f}: "
    need = smallest_account(limits, prices, fractional)
    if need == math.inf:
        at = int(np.nanargmin(prices))
        return have + _impossible(limits, symbols[at], float(prices[at]))
    if value < need:
        return f"{have}the limits need at least {math.ceil(need * 100 - 1e-7) / 100:,.2f} ({_binding(limits)})"
    if limits.min_weight * value > limits.max_position:
        return (f"{have}the account is too large: limits.min_weight {limits.min_weight:g} of it is "
                f"{limits.min_weight * value:,.2f}, above limits.max_position {limits.max_position:g}; "
                f"lower the one or raise the other")
    least = max(limits.min_position, limits.min_weight * value)
    return (f"{have}the largest wish is {largest_wish:,.2f}, and one share costs from {np.nanmin(prices):,.2f}"
            f"{f', a position at least {least:,.2f}' if least else ''}; use a larger account, fewer symbols"
            f"{'' if fractional else ' or fractions'}")


def _smallest_for(limits: Limits, price: float, fractional: bool) -> float:
    unit = price / FRACTION if fractional else price
    keep, gross = 1.0 - limits.cash_buffer, min(1.0, limits.max_gross)
    least = max(limits.min_position, unit)
    if limits.min_weight > 0 and limits.min_cash > 0:
        spare = 1.0 / limits.min_weight - 1.0 / (gross * keep)
        least = max(least, limits.min_cash / gross / spare) if spare > 0 else math.inf
    elif limits.min_weight > gross * keep:
        least = math.inf
    if least == math.inf:
        return math.inf
    position = math.ceil(least / unit * (1 - 1e-12)) * unit
    if position > limits.max_position * (1 + 1e-12):
        return math.inf
    return max(position / limits.max_weight, position / limits.max_sector, (position / keep + limits.min_cash) / gross)


def _impossible(limits: Limits, symbol: str, price: float) -> str:
    if price > limits.max_position:
        return (f"a share of {symbol} costs {price:,.2f}, above limits.max_position {limits.max_position:g}: "
                f"trade fractions or raise it")
    return (f"limits.min_position {limits.min_position:g} and limits.min_weight {limits.min_weight:g} cannot be met by "
            f"whole shares of {symbol} at {price:,.2f} below limits.max_position {limits.max_position:g} with "
            f"limits.min_cash {limits.min_cash:g} kept: loosen one of them")


def _binding(limits: Limits) -> str:
    off = Limits()
    shown = [f"{name} {value:g}" for name, value in limits._asdict().items()
             if value != getattr(off, name) and name not in ("max_correlation", "correlation_bars", "max_positions",
                                                             "sectors_required")]
    return ", ".join(shown) or "whole shares"
