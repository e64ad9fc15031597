"""Limits on positions and automatic exits: the two groups of numbers a run specification carries beside its own."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from core.errors import BadSpec, UnknownName


class Limits(NamedTuple):
    """Rules the second stage of every sizer applies; amounts in account currency, weights as parts of equity.

    Attributes:
        cash_buffer: part of the cash at hand that one round of buys leaves unspent, so that a gap up at the
            open does not end in a rejected order.
        min_cash: cash always kept.
        max_weight: largest weight of one symbol.
        max_position: largest value of one position.
        min_position: smallest value of one position; smaller targets become 0.
        max_positions: largest number of positions.
        max_gross: largest sum of absolute weights.
    """

    cash_buffer: float = 0.02
    min_cash: float = 0.0
    max_weight: float = math.inf
    max_position: float = math.inf
    min_position: float = 0.0
    max_positions: float = math.inf
    max_gross: float = 1.0


class Exits(NamedTuple):
    """Protective orders placed with every entry; 0 switches a rule off.

    Attributes:
        stop: part of the average entry price below it (above it, for a short) at which the position is sold.
        trail: the same, measured from the best close since the entry.
        profit: part of the average entry price above it (below, for a short) at which the profit is taken.
        bars: number of the symbol's own bars, its entry bar included, after which it is sold.
    """

    stop: float = 0.0
    trail: float = 0.0
    profit: float = 0.0
    bars: float = 0.0


Group = TypeVar("Group", Limits, Exits)


def read_group(kind: type[Group], values: Mapping[str, Any]) -> Group:
    """A `Limits` or `Exits` from names and values.

    Raises:
        UnknownName: no such limit or exit.
        BadSpec: a value that is not a number, or out of range.
    """
    group = kind.__name__.lower()
    for name in values:
        if name not in kind._fields:
            raise UnknownName.of(group.rstrip("s"), str(name), kind._fields)
    numbers = {name: _number(f"{group}.{name}", value) for name, value in values.items()}
    for name, number in numbers.items():
        if number < 0:
            raise BadSpec(f"{group}.{name} is {number:g}: it must not be negative")
        part = name in ("cash_buffer", "stop", "trail")
        if part and number >= 1:
            raise BadSpec(f"{group}.{name} is {number:g}: it is a part, so below 1 (0.08 means 8%)")
    return kind(**numbers)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number) or isinstance(value, bool):
        raise BadSpec(f"{name} is {value!r}: it must be a number")
    return number
