"""The table of earlier versions of bars (`feeds.revisions`), on every kind of database. Imports core and feeds.

    bar_revisions  one row a version: series, until_ns (UTC, when another took its place), and the columns of bars;
                   a close that is NULL: there was no bar
"""

import math
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from core.series import SymbolBars
from feeds.revisions import Revisions
from feeds.sql_tables import COLUMNS, NUMBERS

_NAMES = ("until_ns", *COLUMNS)
_ADDED = text(f"INSERT INTO bar_revisions (series, {', '.join(_NAMES)}) VALUES (:series, {', '.join(f':{name}' for name in _NAMES)}) "
              "ON CONFLICT DO NOTHING")
_FOUND = text(f"SELECT {', '.join(_NAMES)} FROM bar_revisions WHERE series = :series ORDER BY time_ns, until_ns")


def add_revisions(connection: Connection, series: int, revisions: Revisions) -> None:
    """Write them down, each once."""
    bars = revisions.bars
    columns: dict[str, list[Any]] = {"until_ns": revisions.until.tolist(), "time_ns": bars.index.tolist()}
    columns |= {name: _days(getattr(bars, name)) for name in ("session", "pay_date")}
    columns |= {name: [None if math.isnan(value) else value for value in getattr(bars, name).tolist()] for name in NUMBERS}
    if len(revisions):
        connection.execute(_ADDED, [{"series": series, **dict(zip(columns, row, strict=True))} for row in zip(*columns.values(), strict=True)])


def read_revisions(connection: Connection, series: int, symbol: str) -> Revisions:
    """All of a series."""
    rows = connection.execute(_FOUND, {"series": series}).all()
    values: dict[str, Any] = dict(zip(_NAMES, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(_NAMES, ())
    columns: dict[str, Any] = {name: np.array(values[name], dtype=np.float64) for name in NUMBERS}
    columns |= {name: np.array(values[name], dtype="datetime64[D]") for name in ("session", "pay_date")}
    bars = SymbolBars(symbol, np.array(values["time_ns"], dtype=np.int64), **columns)
    return Revisions(bars, np.array(values["until_ns"], dtype=np.int64))


def _days(days: np.ndarray) -> list[str | None]:
    return [None if np.isnat(day) else str(day) for day in days]
