"""Limits on positions, automatic exits and the guard: the groups of numbers a run specification carries beside its own."""

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
        min_weight: smallest weight of one position; smaller targets become 0.
        max_sector: largest sum of absolute weights in one sector.
        sectors_required: with `max_sector`, a traded symbol without a sector is an error (1) or uncapped (0).
        max_correlation: of two chosen symbols whose returns correlate above it, the weaker one is left out.
        correlation_bars: returns in that correlation.

    In a spec, `preset = "small-account"` stands for the values of `PRESETS`; keys beside it win.
    """

    cash_buffer: float = 0.02
    min_cash: float = 0.0
    max_weight: float = math.inf
    max_position: float = math.inf
    min_position: float = 0.0
    max_positions: float = math.inf
    max_gross: float = 1.0
    min_weight: float = 0.0
    max_sector: float = math.inf
    sectors_required: float = 1.0
    max_correlation: float = math.inf
    correlation_bars: float = 60.0


PRESETS: Mapping[str, Mapping[str, float]] = {
    "small-account": {
        "max_position": 300.0, "max_weight": 0.30, "min_position": 50.0, "min_weight": 0.05, "min_cash": 100.0,
        "max_positions": 4.0, "max_sector": 0.40, "sectors_required": 0.0, "max_correlation": 0.8,
    },
}


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


class Guard(NamedTuple):
    """What a run may never do, whatever its strategy asks for; 0 switches a rule off.

    Exactly a limit passes. What makes a position smaller passes all rules but `hours`. On the day of a split nothing is opened in the
    symbol while only one of its shares and its price shows it.

    Attributes:
        max_order_value: largest value of one order, at the higher of its price and the last close (a buy limit: at its limit),
            account currency.
        max_position_value: largest value of one position once the order and all open orders of its side are filled, at the
            higher of its price and the last close, account currency.
        max_daily_loss: largest loss since the session before ended (in a run's first session: since the run's first bar), as a
            part of the value then (0.05 = 5%). Dividends, interest and fees count; what is deposited or withdrawn does not.
            Beyond it the run is stopped, on that day and all later ones, until a human lets it go on.
        flatten: what the run holds is closed when it is stopped so (1), or kept (0); open entry orders are cancelled either way.
        collar: largest distance of an order's limit or stop, or of the last close for other orders, from the last quote, as a
            part of the quote. In the simulation the last close is the quote.
        stale_s: largest age of the symbol's newest bar when an order is made, in seconds of trading sessions.
        orders_per_minute: most orders sent in any 60 seconds, a bracket or a pair being one; a whole number.
        hours: nothing is sent outside the session (1); orders decided on bars of a day or longer are for the next session and
            exempt, auction orders are while their auction takes them.
        after_open, before_close: whole minutes at the session's edges in which nothing is opened; with `hours`.
    """

    max_order_value: float = 0.0
    max_position_value: float = 0.0
    max_daily_loss: float = 0.0
    flatten: float = 1.0
    collar: float = 0.0
    stale_s: float = 0.0
    orders_per_minute: float = 0.0
    hours: float = 0.0
    after_open: float = 0.0
    before_close: float = 0.0

    @property
    def active(self) -> bool:
        """Whether any rule is on."""
        return any(self._replace(flatten=0.0))


class Carry(NamedTuple):
    """What a simulated account pays and earns for holding, parts of the amount a year (0.05 = 5%); see `core.carry`.

    Attributes:
        borrow: fee for shares sold short, on their value; a file of `spec.shorts` may state others.
        margin: interest paid on borrowed money. cash: interest earned on free cash.
        days: of a year, 360 or 365.
    """

    borrow: float = 0.0
    margin: float = 0.0
    cash: float = 0.0
    days: float = 360.0


Group = TypeVar("Group", Limits, Exits, Guard, Carry)


def read_group(kind: type[Group], values: Mapping[str, Any]) -> Group:
    """A `Limits`, `Exits`, `Guard` or `Carry` from names and values; limits may name a `preset`.

    Raises:
        UnknownName: no such limit, exit, guard, carry or preset.
        BadSpec: a value that is not a number, out of range, or limits that nothing can satisfy.
    """
    group = kind.__name__.lower()
    if kind is Limits and "preset" in values:
        values = _with_preset(values)
    for name in values:
        if name not in kind._fields:
            raise UnknownName.of(group.rstrip("s"), str(name), kind._fields)
    numbers = {name: _number(f"{group}.{name}", value) for name, value in values.items()}
    for name, number in numbers.items():
        if number < 0:
            raise BadSpec(f"{group}.{name} is {number:g}: it must not be negative{'; 0 switches it off' if kind is Guard else ''}")
        part = name in ("cash_buffer", "stop", "trail", "max_daily_loss", "collar", "margin", "cash")
        if part and number >= 1:
            raise BadSpec(f"{group}.{name} is {number:g}: it is a part, so below 1 (0.08 means 8%)")
    made = kind(**numbers)
    if isinstance(made, Limits):
        _check_limits(made)
    elif isinstance(made, Guard):
        _check_guard(made)
    elif isinstance(made, Carry) and made.days not in (360.0, 365.0):
        raise BadSpec(f"carry.days is {made.days:g}: it is 360 or 365")
    return made


def _with_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in values.items() if name != "preset"}
    if str(values["preset"]) not in PRESETS:
        raise UnknownName.of("limits.preset", str(values["preset"]), PRESETS)
    if "max_sector" in own:
        own.setdefault("sectors_required", 1.0)
    return {**PRESETS[values["preset"]], **own}


def _check_limits(limits: Limits) -> None:
    for name in ("max_weight", "max_position", "max_positions", "max_gross", "max_sector"):
        if getattr(limits, name) < (1 if name == "max_positions" else math.ulp(0.0)):
            raise BadSpec(f"limits.{name} is {getattr(limits, name):g}: nothing could ever be held; raise it")
    for least, most in (("min_position", "max_position"), ("min_weight", "max_weight"), ("min_weight", "max_gross"),
                        ("min_weight", "max_sector")):
        low, high = getattr(limits, least), getattr(limits, most)
        if low > high:
            raise BadSpec(f"limits.{least} {low:g} is above limits.{most} {high:g}: lower the one or raise the other")
    if 1 < limits.max_correlation < math.inf:
        raise BadSpec(f"limits.max_correlation is {limits.max_correlation:g}: a correlation is at most 1")
    if limits.correlation_bars != int(min(limits.correlation_bars, 1e9)) or limits.correlation_bars < 3:
        raise BadSpec(f"limits.correlation_bars is {limits.correlation_bars:g}: it is a whole number from 3 on")
    if limits.sectors_required not in (0.0, 1.0):
        raise BadSpec(f"limits.sectors_required is {limits.sectors_required:g}: it is 1 or 0")


def _check_guard(guard: Guard) -> None:
    for name in ("flatten", "hours"):
        if getattr(guard, name) not in (0.0, 1.0):
            raise BadSpec(f"guard.{name} is {getattr(guard, name):g}: it is 1 or 0")
    for name in ("orders_per_minute", "after_open", "before_close"):
        if not getattr(guard, name).is_integer():
            raise BadSpec(f"guard.{name} is {getattr(guard, name):g}: it is a whole number")
    for name in ("after_open", "before_close"):
        if getattr(guard, name) and not guard.hours:
            raise BadSpec(f"guard.{name} is {getattr(guard, name):g}: it works with guard.hours = 1 only")


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number) or isinstance(value, bool):
        raise BadSpec(f"{name} is {value!r:.40}: it must be a number")
    return number
