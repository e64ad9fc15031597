"""The rules of a guard about a single order: pure functions of what is asked and of the limits. Imports core and what is asked."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from brokers.guard.asked import Asked
from core.options import Guard

ULPS = 1e-12  # part of a limit by which rounding may exceed it
CUTOFF_MIN = 10  # closing auction orders are taken until so many minutes before the close


class Refusal(NamedTuple):
    """Why an order is refused: the field of `core.options.Guard` (or "split"), its value, what was found, and a sentence with both."""

    rule: str
    limit: float
    value: float
    text: str


def off_hours(asked: Asked, limits: Guard, minutes: tuple[int, int] | None) -> Refusal | None:
    """Whether the market is closed for it; `minutes` of the session as `Hours.minutes` gives them.

    Orders decided on bars of a day or longer are for the next session. Opening auction orders wait for theirs, closing
    auction orders are taken until ten minutes before the close.
    """
    if not limits.hours or asked.daily:
        return None
    if asked.auction and not (minutes and (asked.auction == "open" or minutes[1] < CUTOFF_MIN)):
        return None
    if minutes is None or asked.auction:
        what = "the market is closed" if minutes is None else f"orders for the auction at the {asked.auction} are no longer taken"
        return Refusal("hours", limits.hours, 0.0, f"{what}, and guard.hours is {limits.hours:g}")
    return None


def at_the_edges(asked: Asked, limits: Guard, minutes: tuple[int, int] | None) -> Refusal | None:
    """Whether it opens too soon after the open, or too late before the close."""
    if not limits.hours or asked.daily or asked.auction or minutes is None:
        return None
    since, left = minutes
    if since < limits.after_open:
        return Refusal("after_open", limits.after_open, since,
                       f"the market has been open for {since} minutes, and guard.after_open is {limits.after_open:g}")
    if left < limits.before_close:
        return Refusal("before_close", limits.before_close, left,
                       f"the market closes in {left} minutes, and guard.before_close is {limits.before_close:g}")
    return None


def too_old(asked: Asked, limits: Guard, age_s: float) -> Refusal | None:
    """Whether the symbol's newest bar is too old; `age_s` in seconds of the session."""
    if age_s <= limits.stale_s:
        return None
    return Refusal("stale_s", limits.stale_s, age_s,
                   f"the last bar of {asked.symbol} is {age_s:,.0f} s old, above guard.stale_s {limits.stale_s:,.0f}")


def off_the_quote(asked: Asked, limits: Guard, quote: float) -> Refusal | None:
    """Whether the price it names, or the last close, is too far from the last quote."""
    if not limits.collar:
        return None
    distance = abs(asked.named / quote - 1) if quote > 0 else math.nan
    if distance <= limits.collar * (1 + ULPS):
        return None
    if math.isnan(distance):
        return Refusal("collar", limits.collar, distance, f"no quote of {asked.symbol} is known, and guard.collar needs one")
    return Refusal("collar", limits.collar, distance, f"price {asked.named:,.2f} is {distance:.2%} off the last quote {quote:,.2f}, "
                                                      f"above guard.collar {limits.collar:.2%}")


def too_large(asked: Asked, limits: Guard) -> Iterator[Refusal]:
    """Whether it, or the position it makes, is worth too much, or cannot be valued."""
    for rule, value, what in (("max_order_value", asked.value, "order"), ("max_position_value", asked.position_value, "position")):
        limit = getattr(limits, rule)
        if limit and math.isnan(value):
            lacks = f"the order has a size of {asked.shares:g}" if math.isnan(asked.shares) else f"{asked.symbol} has no price"
            yield Refusal(rule, limit, value, f"{lacks}, and guard.{rule} needs one")
        elif limit and value > limit * (1 + ULPS):
            yield Refusal(rule, limit, value, f"{what} of {value:,.2f} is above guard.{rule} {limit:,.2f}")
