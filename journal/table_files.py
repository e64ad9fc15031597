"""The journal's tables as Parquet files, and back: every value as the database has it, decimals as texts without rounding.

Imports SQLAlchemy, pyarrow and what is beside it.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Integer,
    LargeBinary,
    Table,
    Text,
    column,
    func,
    insert,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from journal.columns import Exact, Json
from journal.tables import Base

AT_ONCE = 10_000  # rows
_KINDS: tuple[tuple[Any, pa.DataType], ...] = (
    (Boolean, pa.bool_()), (BigInteger, pa.int64()), (Integer, pa.int64()), (Double, pa.float64()), (LargeBinary, pa.binary()))


def tables() -> list[Table]:
    """The tables, those that others refer to first."""
    return list(Base.metadata.sorted_tables)


def schema_of(kept: Table) -> pa.Schema:
    """The columns of a table in its file."""
    return pa.schema([pa.field(each.name, _kind(each.type), each.nullable) for each in kept.columns])


def write_table(session: Session, kept: Table, path: Path) -> int:
    """Write a table into a file, in the order of its keys; returns how many rows."""
    plain, schema, rows = _plain(kept), schema_of(kept), 0
    decimals = [each.name for each in kept.columns if isinstance(each.type, Exact)]
    chosen = select(plain).order_by(*(plain.c[key.name] for key in kept.primary_key))
    with pq.ParquetWriter(path, schema) as writer:
        for part in session.execute(chosen, execution_options={"yield_per": AT_ONCE}).mappings().partitions(AT_ONCE):
            found = [{**row, **{name: None if row[name] is None else f"{row[name]:f}" for name in decimals}} for row in part]
            writer.write_table(pa.Table.from_pylist(found, schema))
            rows += len(found)
    return rows


def read_table(session: Session, kept: Table, path: Path) -> None:
    """Fill an empty table from a file."""
    plain = _plain(kept)
    for rows in _rows(kept, path):
        session.execute(insert(plain), rows)
    if session.get_bind().dialect.name == "postgresql" and "id" in kept.columns:
        _count_on(session, kept)


def is_empty(session: Session) -> bool:
    """Whether no table has a row."""
    return all(session.execute(select(kept).limit(1)).first() is None for kept in tables())


def _rows(kept: Table, path: Path) -> Iterator[list[dict[str, Any]]]:
    decimals = [each.name for each in kept.columns if isinstance(each.type, Exact)]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(AT_ONCE):
            rows = batch.to_pylist()
            for row in rows:
                for name in decimals:
                    row[name] = None if row[name] is None else Decimal(row[name])
            yield rows


def _count_on(session: Session, kept: Table) -> None:
    """Have the numbers of new rows begin after those that are there."""
    last = session.scalar(select(func.max(kept.c.id)))
    if last is not None:
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{kept.name}', 'id'), {int(last)})"))


def _plain(kept: Table) -> Any:
    """The table with JSON as the text that it is in the database."""
    return table(kept.name, *(column(each.name, Text() if isinstance(each.type, Json) else each.type) for each in kept.columns))


def _kind(kind: Any) -> pa.DataType:
    return next((arrow for own, arrow in _KINDS if isinstance(kind, own)), pa.string())
