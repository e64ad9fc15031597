"""Column types: exact decimals and canonical JSON, both stored as text so that every database keeps them as they are."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator


class Exact(TypeDecorator[Decimal]):
    """A decimal number without rounding; a float is kept as the shortest decimal that reads back as the same float.

    NaN and infinities are stored as NULL. Text does not sort as numbers do: order and sum in Python.
    """

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Number to text."""
        if value is None:
            return None
        number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        return format(number, "f") if number.is_finite() else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """Text to number."""
        return None if value is None else Decimal(value)


class Json(TypeDecorator[Any]):
    """Plain values as JSON with sorted names, so that equal values are equal text; NaN and infinities become null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Value to text."""
        return canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Text to value."""
        return None if value is None else json.loads(value)


def canonical_json(value: Any) -> str:
    """JSON text with sorted names and no spaces."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
