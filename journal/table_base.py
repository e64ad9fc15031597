"""`Base` of the tables: how Python's types are kept. Imports journal.columns."""

from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase

from journal.columns import Exact, Json


class Base(DeclarativeBase):
    """Metadata of all tables."""

    type_annotation_map: ClassVar = {Decimal: Exact, dict[str, Any]: Json, list[str]: Json, int: BigInteger}
