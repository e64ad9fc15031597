"""Bars in a SQLite file. Minus zero comes back as zero: SQLite keeps whole numbers as integers."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import NullPool

from core.series import SymbolBars
from core.sqlite_files import sqlite_advice, sqlite_engine
from feeds.sql_tables import COLUMNS, NUMBERS, statements

_INSERT = f"INSERT INTO bars (series, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM bars WHERE series = ? AND session BETWEEN ? AND ? ORDER BY time_ns"


class SqliteTables:
    """See `feeds.sql_tables.SqlTables`. Writers take turns on the whole file; readers never wait."""

    row_lock = ""
    failures: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self.path, self.shown = path, str(path)
        self._engine = sqlite_engine(path, busy_timeout_s, NullPool)

    def reading(self) -> Engine:
        """A snapshot: `BEGIN`."""
        return self._engine

    def writing(self) -> Engine:
        """`BEGIN IMMEDIATE`, and an fsync at the end."""
        return self._engine.execution_options(writes=True, durable=True)

    def absent(self) -> bool:
        """There is no file."""
        return not self.path.exists()

    @contextmanager
    def first_use(self) -> Iterator[None]:
        """One process at a time, with the folder made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            yield

    def there(self, connection: Connection) -> bool:
        """By the catalogue."""
        return connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'bar_format'").first() is not None

    def make(self, connection: Connection) -> None:
        """Bars lie in the order of their key."""
        for statement in statements("INTEGER PRIMARY KEY", " WITHOUT ROWID"):
            connection.exec_driver_sql(statement)

    def bars(self, connection: Connection, series: int, first: np.datetime64 | None = None,
             last: np.datetime64 | None = None) -> dict[str, np.ndarray]:
        """In one query."""
        rows = _driver(connection).execute(_SELECT, [series, str(first or ""), str(last or "~")]).fetchall()
        values = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())
        columns = {name: np.array(values[name], dtype=np.float64) for name in NUMBERS}
        days = {name: np.array(values[name], dtype="datetime64[D]") for name in ("session", "pay_date")}
        return {"time_ns": np.array(values["time_ns"], dtype=np.int64), **days, **columns}

    def replace(self, connection: Connection, series: int, bars: SymbolBars, by_session: bool) -> None:
        """In two statements; the driver writes NaN as NULL."""
        times, sessions = bars.index.tolist(), bars.session.astype(str).tolist()
        driver = _driver(connection)
        name, old = ("session", sessions) if by_session else ("time_ns", times)
        driver.execute(f"DELETE FROM bars WHERE series = ? AND {name} IN (SELECT value FROM json_each(?))", [series, json.dumps(old)])
        paid = [None if np.isnat(day) else str(day) for day in bars.pay_date]
        numbers = [getattr(bars, each).tolist() for each in NUMBERS]
        driver.executemany(_INSERT, zip([series] * len(times), times, sessions, *numbers, paid, strict=True))

    def advice(self, error: Exception) -> str:
        """SQLite's own words, and advice."""
        return sqlite_advice(error)

    def passing(self, error: Exception) -> bool:
        """It has waited for other writers already."""
        return False


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
