"""Bars on a PostgreSQL server, in the schema of the journal. They travel by COPY in binary: rows of one fixed width."""

import os
import weakref
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine

from core.postgres_servers import SCHEMA, PostgresAddress, passing
from core.series import SymbolBars
from feeds.sql_tables import COLUMNS, NUMBERS, statements

TURN = 0x63657265_62617273  # the advisory lock of those who make the tables, "cerebars"
_EPOCH = np.datetime64("2000-01-01", "D").astype(np.int64)
_NO_DAY = -(2**31)  # "-infinity", for NaT
_HEADER, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_TYPES = {"series": ">i4", "time_ns": ">i8", "session": ">i4", "pay_date": ">i4", **dict.fromkeys(NUMBERS, ">f8")}
_NULLS = {**dict.fromkeys(NUMBERS, "'NaN'"), "pay_date": "'-infinity'"}
_STAGED = "CREATE TEMPORARY TABLE IF NOT EXISTS new_bars (LIKE bars) ON COMMIT DELETE ROWS"


class PostgresTables:
    """See `feeds.sql_tables.SqlTables`. Writers of one series take turns on its row."""

    row_lock = " FOR UPDATE"
    failures: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: URL, busy_timeout_s: float) -> None:
        self._address = PostgresAddress(url, busy_timeout_s)
        self.shown = self._address.shown
        self._engine = create_engine(self._address.url, pool_pre_ping=True, max_overflow=-1, hide_parameters=True,
                                     connect_args=self._address.arguments)
        self._process = os.getpid()
        weakref.finalize(self, _close, self._engine, self._process)

    def reading(self) -> Engine:
        """A snapshot from the first statement on."""
        return self._mine().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def writing(self) -> Engine:
        """What is committed is seen as soon as the row is ours."""
        return self._mine().execution_options(isolation_level="READ COMMITTED")

    def absent(self) -> bool:
        """Nobody makes one by writing."""
        return False

    def first_use(self) -> AbstractContextManager[object]:
        """The advisory lock is enough."""
        return nullcontext()

    def there(self, connection: Connection) -> bool:
        """By the catalogue."""
        found = f"SELECT 1 FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename = 'bar_format'"
        return connection.exec_driver_sql(found).first() is not None

    def make(self, connection: Connection) -> None:
        """One process at a time; a schema that is there needs no right to make it."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")
        if not connection.exec_driver_sql(f"SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'").first():
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        for statement in statements("INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY"):
            connection.exec_driver_sql(statement)

    def bars(self, connection: Connection, series: int, first: np.datetime64 | None = None,
             last: np.datetime64 | None = None) -> dict[str, np.ndarray]:
        """One COPY."""
        within = f" AND session BETWEEN '{first or '-infinity'}' AND '{last or 'infinity'}'"
        names = ", ".join(f"COALESCE({name}, {_NULLS[name]})" if name in _NULLS else name for name in COLUMNS)
        with _cursor(connection) as cursor:
            asked = f"COPY (SELECT {names} FROM bars WHERE series = {series:d}{within} ORDER BY time_ns) TO STDOUT (FORMAT binary)"
            with cursor.copy(asked) as copy:
                content = b"".join(copy)
        rows = np.frombuffer(content[len(_HEADER):-len(_END)], dtype=_row(COLUMNS))
        columns = {name: rows[name].astype(_TYPES[name].replace(">", "=")) for name in COLUMNS}
        return columns | {name: _days(columns[name]) for name in ("session", "pay_date")}

    def replace(self, connection: Connection, series: int, bars: SymbolBars, by_session: bool) -> None:
        """COPY into a table of this connection, and from there in place of the old ones."""
        values = {"series": series, "time_ns": bars.index, "session": _numbers(bars.session), "pay_date": _numbers(bars.pay_date),
                  **{name: getattr(bars, name) for name in NUMBERS}}
        rows = np.empty(len(bars), dtype=_row(("series", *COLUMNS)))
        rows["fields"] = len(values)
        for name, column in values.items():
            rows[f"size of {name}"], rows[name] = rows.dtype[name].itemsize, column
        key = "session" if by_session else "time_ns"
        names = ", ".join(f"NULLIF({name}, {_NULLS[name]})" if name in _NULLS else name for name in ("series", *COLUMNS))
        with _cursor(connection) as cursor:
            cursor.execute(_STAGED)
            with cursor.copy("COPY new_bars FROM STDIN (FORMAT binary)") as copy:
                copy.write(_HEADER + rows.tobytes() + _END)
            cursor.execute(f"DELETE FROM bars WHERE series = {series:d} AND {key} IN (SELECT {key} FROM new_bars)")
            cursor.execute(f"INSERT INTO bars (series, {', '.join(COLUMNS)}) SELECT {names} FROM new_bars")

    def advice(self, error: Exception) -> str:
        """The server's own words, and advice."""
        return self._address.advice(error)

    def passing(self, error: Exception) -> bool:
        """It was not reached, is starting, or was lost."""
        return passing(error)

    def _mine(self) -> Engine:
        if self._process != os.getpid():  # no connection outlives a fork
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return self._engine


def _close(engine: Engine, process: int) -> None:
    engine.dispose(close=process == os.getpid())


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()


def _row(names: tuple[str, ...]) -> np.dtype:
    """A row of binary COPY without NULL: the number of fields, then the size and the value of each."""
    return np.dtype([("fields", ">i2"), *[pair for name in names for pair in ((f"size of {name}", ">i4"), (name, _TYPES[name]))]])


def _numbers(days: np.ndarray) -> np.ndarray:
    return np.where(np.isnat(days), _NO_DAY, days.astype("datetime64[D]").astype(np.int64) - _EPOCH)


def _days(numbers: np.ndarray) -> np.ndarray:
    days = (numbers.astype(np.int64) + _EPOCH).astype("datetime64[D]")
    days[numbers == _NO_DAY] = np.datetime64("NaT")
    return days
