"""Column types that every database keeps alike: exact decimals, canonical JSON, and the numbers of rows."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Numeric, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself in an INTEGER, of eight bytes, only


class Exact(TypeDecorator[Decimal]):
    """A decimal number without rounding; a float is kept as the shortest decimal that reads back as the same float.

    PostgreSQL's NUMERIC, text elsewhere. NaN and infinities are stored as NULL. Text does not sort as numbers do, and is not
    equal where only the zeros at its end differ: order, sum and compare in Python.
    """

    impl = String(40)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the database."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else String(40))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Number to what the database keeps."""
        if value is None:
            return None
        number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        if not number.is_finite():
            return None
        return number if dialect.name == "postgresql" else format(number, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """What the database keeps to number."""
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


def shortest(number: Decimal) -> Decimal:
    """The same number without zeros at its end, so that equal numbers are equal in every database."""
    text = format(number, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
