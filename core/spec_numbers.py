"""The numbers of a run specification, checked one by one. Imports core.errors only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from core.errors import BadSpec

if TYPE_CHECKING:
    from core.spec import RunSpec

NUMBERS = ("cash", "risk_free", "max_volume", "capital", "quantity", "stop_within", "delisting")


def read_numbers(values: dict[str, Any]) -> None:
    """Make floats of the numbers in a table of names and values, in place.

    Raises:
        BadSpec: one is no number.
    """
    for name in NUMBERS:
        if values.get(name) is not None and not isinstance(values[name], bool):
            try:
                values[name] = float(values[name])
            except (TypeError, ValueError, OverflowError):
                raise BadSpec(f"{name} is {values[name]!r:.40}: it must be a number") from None


def check_numbers(spec: RunSpec) -> None:
    """Raise `BadSpec` for a number that is none, or is out of range."""
    for name in NUMBERS:
        value = getattr(spec, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)):
            raise BadSpec(f"{name} is {value!r}: it must be a number")
    for name in ("cash", "capital", "quantity", "stop_within"):
        value = getattr(spec, name)
        if value is not None and value <= 0:
            raise BadSpec(f"{name} is {value:g}: it must be above 0")
    if spec.trading_days is not None and not (isinstance(spec.trading_days, int) and spec.trading_days > 0):
        raise BadSpec(f"trading_days is {spec.trading_days!r}: it must be a whole number from 1 on")
    if spec.max_volume is not None and not 0 < spec.max_volume <= 1:
        raise BadSpec(f"max_volume is {spec.max_volume:g}: it is a part of the bar's volume, above 0 and up to 1")
    if spec.delisting is not None and not 0 <= spec.delisting <= 1:
        raise BadSpec(f"delisting is {spec.delisting:g}: it is the part of the last close that is lost, from 0 to 1")
    if not isinstance(spec.seed, int) or not 0 <= spec.seed < 2**32:
        raise BadSpec(f"seed is {spec.seed!r}: it must be a whole number from 0 to 4294967295")
    if spec.quantity is not None:
        _check_quantity(spec)


def _check_quantity(spec: RunSpec) -> None:
    """A quantity is whole unless fractions are traded, and is the only thing that sizes."""
    if spec.quantity != int(spec.quantity or 0) and not spec.fractional:
        raise BadSpec(f"quantity is {spec.quantity:g}: whole shares only, or trade fractions with fractional = true")
    if spec.sizer is not None:
        raise BadSpec(f"quantity {spec.quantity:g} and sizer {spec.sizer} are both given: name one of them")
    if spec.sizer_params:
        names = ", ".join(f"sizer.{name}" for name in spec.sizer_params)
        raise BadSpec(f"quantity {spec.quantity:g} and {names} are both given: name one of them")
