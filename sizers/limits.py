"""The second stage of every sizer: compiled functions that Cerebro and its compiled twin both call."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from core.bars import Bars
from core.errors import BadSpec
from core.options import Limits

FRACTION = 1e6  # fractional shares are traded in millionths


class Groups(NamedTuple):
    """Symbols whose exposures are limited together.

    Attributes:
        sectors, sleeves: (N,) int64 code of each symbol's sector and sleeve, -1 = none.
        parts: (K,) float64 part of the exposure each sleeve may take.
    """

    sectors: np.ndarray
    sleeves: np.ndarray
    parts: np.ndarray


def no_groups(count: int) -> Groups:
    """The groups of `count` symbols that are limited one by one only."""
    nobody = np.full(count, -1, dtype=np.int64)
    return Groups(nobody, nobody.copy(), np.empty(0))


def sector_codes(bars: Bars, limits: Limits) -> np.ndarray:
    """(N,) int64: symbols of one sector share a code; -1 = no sector known, or no sector limit.

    Raises:
        BadSpec: `max_sector` is set, sectors are required, and a tradable symbol has none.
    """
    codes = np.full(len(bars.symbols), -1, dtype=np.int64)
    if limits.max_sector == math.inf:
        return codes
    names = bars.sectors or ("",) * len(bars.symbols)
    known = {name: code for code, name in enumerate(dict.fromkeys(name for name in names if name))}
    codes[:] = [known.get(name, -1) for name in names]
    holes = [symbol for symbol, code, traded in zip(bars.symbols, codes, bars.tradable, strict=True)
             if traded and code < 0]
    if holes and limits.sectors_required:
        shown = ", ".join(holes[:5]) + (", …" if len(holes) > 5 else "")
        raise BadSpec(f"limits.max_sector is {limits.max_sector:g} and no sector is known for {shown}: name a sector "
                      f"for {holes[0]} in the sector map (--sectors FILE) or drop limits.max_sector")
    return codes


def load_compiled() -> None:
    """Bring the compiled functions into memory, half a second in a new process, so that no decision waits for it."""
    one, flag, limits = np.zeros(1), np.ones(1, dtype=bool), Limits(*map(float, Limits()))
    allowed = limit_weights(one, one, one, flag, no_groups(1), 1.0, 1.0, limits)
    shares_of(allowed, one, flag, 1.0, np.ones(1), False, limits)


@njit(cache=True, nogil=True, error_model="numpy")
def limit_weights(weights: np.ndarray, current: np.ndarray, conviction: np.ndarray, decided: np.ndarray,
                  groups: Groups, value: float, cash: float, limits: Limits) -> np.ndarray:
    """Cut wished-for weights down to what the limits and the cash allow.

    Args:
        weights: (N,) wished weights, parts of `value`; negative for shorts.
        current: (N,) weights held now, open orders included.
        conviction: (N,) order in which buys are served (largest absolute value first, ties by position).
        decided: (N,) bool; the others keep what they hold, and it consumes the budget.
        groups: sectors and sleeves; a symbol in none has no such limit.
        value: equity. cash: cash at hand, less what open buys will take; both account currency.
        limits: see `core.options.Limits`.

    Returns:
        (N,) weights; `current` where not decided. Sales and covers come first and free cash for the buys; of
        that cash `cash_buffer` stays unspent in this round. Opening a short takes budget like a purchase.
        The caps of a single position (`max_weight`, `max_position`) cut every decided one; `max_gross`,
        `max_sector`, the part of a sleeve, `min_cash` and the cash stop buys only: what is held is not sold to meet them, and what is
        held without a decision consumes room and is never touched. A position above its wish is cut to it,
        one below `min_position` or `min_weight` is not opened (what is held below them may stay).
    """
    if len(weights) == 1:
        alone = limit_weight(weights[0], current[0], groups, value, cash, limits) if decided[0] else current[0]
        return np.full(1, alone)
    wished = np.where(decided, weights, current)
    largest = min(limits.max_weight, limits.max_position / value) if value > 0 else 0.0
    smallest = max(limits.min_position, limits.min_weight * value)
    for at in np.flatnonzero(decided):
        wished[at] = min(max(wished[at], -largest), largest) if not np.isnan(wished[at]) else 0.0
        if abs(wished[at]) * value < smallest:
            wished[at] = 0.0
    chosen = np.flatnonzero(decided)
    ranked = chosen[np.argsort(-np.abs(conviction[chosen]), kind="mergesort")]
    _limit_count(wished, decided, ranked, limits.max_positions)
    kept = current.copy()  # what is left after the sales and covers
    for at in np.flatnonzero(decided):
        same_side = wished[at] * current[at] > 0
        kept[at] = math.copysign(min(abs(wished[at]), abs(current[at])), current[at]) if same_side else 0.0
    freed = (current - kept).sum() * value  # sales bring cash, covers take it
    gross = np.abs(kept).sum() * value
    budget = min(cash + freed - limits.min_cash, limits.max_gross * value - gross - limits.min_cash)
    budget *= 1.0 - limits.cash_buffer
    sectors, sleeves = groups.sectors, groups.sleeves
    room = np.full(sectors.max() + 1 if len(sectors) else 0, limits.max_sector * value)  # by sector
    own = groups.parts * min(limits.max_gross, 1e9) * value  # by sleeve
    for column in range(len(kept)):
        if sectors[column] >= 0:
            room[sectors[column]] -= abs(kept[column]) * value
        if sleeves[column] >= 0:
            own[sleeves[column]] -= abs(kept[column]) * value
    for at in ranked:
        want = (abs(wished[at]) - abs(kept[at])) * value
        if want <= 0:
            continue
        most = min(budget, room[sectors[at]]) if sectors[at] >= 0 else budget
        most = min(most, own[sleeves[at]]) if sleeves[at] >= 0 else most
        spend = max(min(want, most), 0.0)
        if (abs(kept[at]) * value + spend) < smallest:
            spend = 0.0
        if spend < want:
            wished[at] = math.copysign(abs(kept[at]) + spend / value, wished[at])
        budget -= spend
        if sectors[at] >= 0:
            room[sectors[at]] -= spend
        if sleeves[at] >= 0:
            own[sleeves[at]] -= spend
    return wished


@njit(cache=True, nogil=True, error_model="numpy")
def limit_weight(weight: float, current: float, groups: Groups, value: float, cash: float, limits: Limits) -> float:
    """`limit_weights` of the only symbol there is, which is decided on, without an array."""
    largest = min(limits.max_weight, limits.max_position / value) if value > 0 else 0.0
    smallest = max(limits.min_position, limits.min_weight * value)
    wished = min(max(weight, -largest), largest) if not np.isnan(weight) else 0.0
    if abs(wished) * value < smallest:
        wished = 0.0
    kept = math.copysign(min(abs(wished), abs(current)), current) if wished * current > 0 else 0.0
    want = (abs(wished) - abs(kept)) * value
    if want <= 0:
        return wished
    freed, gross = (current - kept) * value, abs(kept) * value
    most = min(cash + freed - limits.min_cash, limits.max_gross * value - gross - limits.min_cash)
    most *= 1.0 - limits.cash_buffer
    if groups.sectors[0] >= 0:
        most = min(most, limits.max_sector * value - gross)
    if groups.sleeves[0] >= 0:
        most = min(most, groups.parts[groups.sleeves[0]] * min(limits.max_gross, 1e9) * value - gross)
    spend = max(min(want, most), 0.0)
    if gross + spend < smallest:
        spend = 0.0
    return math.copysign(abs(kept) + spend / value, wished) if spend < want else wished


@njit(cache=True, nogil=True, error_model="numpy")
def _limit_count(wished: np.ndarray, decided: np.ndarray, ranked: np.ndarray, most: float) -> None:
    count = 0
    for at in range(len(wished)):
        if not decided[at] and wished[at] != 0:
            count += 1
    for at in ranked:
        if wished[at] != 0:
            if count < most:
                count += 1
            else:
                wished[at] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def shares_of(weights: np.ndarray, held: np.ndarray, decided: np.ndarray, value: float, prices: np.ndarray,
              fractional: bool, limits: Limits) -> np.ndarray:
    """Target shares of target weights: `weight * value / price`, rounded towards zero.

    Args:
        weights: (N,) from `limit_weights`. held: (N,) shares now. decided: (N,) bool.
        value: equity. prices: (N,) raw closes; NaN where a symbol has not traded yet.
        fractional: round to millionths of a share instead of whole ones.
        limits: a target that rounding brings below `min_position` or `min_weight` is not bought, or is sold.

    Returns:
        (N,) shares; `held` where not decided or not priced, and where the weight is the one held.
    """
    target = held.copy()
    for at in range(len(weights)):
        if decided[at] and prices[at] > 0:
            target[at] = share_count(weights[at], held[at], value, prices[at], fractional, limits)
    return target


@njit(cache=True, nogil=True, error_model="numpy")
def share_count(weight: float, held: float, value: float, price: float, fractional: bool, limits: Limits) -> float:
    """`shares_of` one symbol that is decided on and has a price."""
    if weight == held * price / value:
        return held
    shares = weight * value / price
    shares = math.trunc(shares * FRACTION) / FRACTION if fractional else math.trunc(shares)
    if shares != held and abs(shares) * price < max(limits.min_position, limits.min_weight * value):
        grows = shares * held > 0 and abs(shares) > abs(held)
        return held if grows else 0.0
    return shares
