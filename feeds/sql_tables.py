"""The tables of bars in a database, and what each kind of database must be able to do with them. Imports feeds.stored.

    bar_series  one row a source, interval and symbol: calendar, sessions asked for (JSON pairs of dates)
    bars        one row a bar: series, time_ns (UTC, the moment it is complete), session, prices, volume, actions

and `feeds.sql_revisions`, `feeds.sql_averages`.

NULL stands for NaN and for an unknown pay date.
"""

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.errors import UsageError
from core.series import SymbolBars

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

PLACES = "write sqlite:///path/to/bars.db or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
FORMAT = 2  # 1: without bar_revisions and bar_averages
NUMBERS = ("open", "high", "low", "close", "volume", "dividend", "split")
COLUMNS = ("time_ns", "session", *NUMBERS, "pay_date")
_TABLES = """
CREATE TABLE IF NOT EXISTS bar_format (format INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bar_series (
    id {identity},
    source TEXT NOT NULL, interval TEXT NOT NULL, symbol TEXT NOT NULL,
    close_only BOOLEAN NOT NULL, calendar TEXT NOT NULL, coverage TEXT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (source, interval, symbol));
CREATE TABLE IF NOT EXISTS bars (
    series INTEGER NOT NULL REFERENCES bar_series (id), time_ns BIGINT NOT NULL, session DATE NOT NULL,
    open DOUBLE PRECISION, high DOUBLE PRECISION, low DOUBLE PRECISION, close DOUBLE PRECISION,
    volume DOUBLE PRECISION, dividend DOUBLE PRECISION, split DOUBLE PRECISION, pay_date DATE,
    PRIMARY KEY (series, time_ns)){clustered};
CREATE TABLE IF NOT EXISTS bar_revisions (
    series INTEGER NOT NULL REFERENCES bar_series (id), until_ns BIGINT NOT NULL, time_ns BIGINT NOT NULL, session DATE NOT NULL,
    open DOUBLE PRECISION, high DOUBLE PRECISION, low DOUBLE PRECISION, close DOUBLE PRECISION,
    volume DOUBLE PRECISION, dividend DOUBLE PRECISION, split DOUBLE PRECISION, pay_date DATE,
    PRIMARY KEY (series, time_ns, until_ns)){clustered};
CREATE TABLE IF NOT EXISTS bar_averages (
    series INTEGER NOT NULL REFERENCES bar_series (id), time_ns BIGINT NOT NULL, session DATE NOT NULL,
    sma_7 DOUBLE PRECISION, sma_21 DOUBLE PRECISION, sma_50 DOUBLE PRECISION, sma_100 DOUBLE PRECISION, sma_200 DOUBLE PRECISION,
    PRIMARY KEY (series, time_ns)){clustered};
INSERT INTO bar_format SELECT {format} WHERE NOT EXISTS (SELECT 1 FROM bar_format);
UPDATE bar_format SET format = {format} WHERE format < {format}
"""


class SqlTables(Protocol):
    """The tables in a database of one kind.

    Attributes:
        shown: its place, for messages; never with a password.
        row_lock: what a SELECT ends with that keeps other writers from the row.
        failures: what its driver raises.
    """

    shown: str
    row_lock: str
    failures: tuple[type[Exception], ...]

    def reading(self) -> "Engine":
        """Whose transactions see one consistent state."""

    def writing(self) -> "Engine":
        """Whose transactions write."""

    def absent(self) -> bool:
        """Whether there is no database yet, and writing would make one."""

    def first_use(self) -> AbstractContextManager[object]:
        """Around looking for the tables for the first time, and making them."""

    def there(self, connection: "Connection") -> bool:
        """Whether the tables are there."""

    def make(self, connection: "Connection") -> None:
        """Make those that are not, also where an earlier cerebrolab has made the others."""

    def bars(self, connection: "Connection", series: int, first: np.datetime64 | None = None,
             last: np.datetime64 | None = None) -> dict[str, np.ndarray]:
        """The bars of a series in order of time, as columns of `COLUMNS`; all, or those of sessions from `first` to `last`."""

    def replace(self, connection: "Connection", series: int, bars: SymbolBars, by_session: bool) -> None:
        """Add bars in place of those of the same sessions, or of the same times."""

    def advice(self, error: Exception) -> str:
        """What went wrong and what to do next, in one line without secrets."""

    def passing(self, error: Exception) -> bool:
        """Whether the same may succeed in a moment."""


def statements(identity: str, clustered: str = "") -> list[str]:
    """What makes the tables."""
    return _TABLES.format(identity=identity, clustered=clustered, format=FORMAT).strip().split(";\n")


def tables_at(place: str | Path, busy_timeout_s: float) -> SqlTables:
    """The tables in "sqlite:///path", "postgresql://user:password@host:port/database", or a SQLite file.

    Raises:
        UsageError: the address names no database of a kind that is known.
    """
    from feeds.sql_sqlite import SqliteTables

    if isinstance(place, Path):
        return SqliteTables(place, busy_timeout_s)
    url = _address(place)
    if url.get_backend_name() == "sqlite":
        return SqliteTables(Path(str(url.database)), busy_timeout_s)
    from feeds.sql_postgres import PostgresTables

    return PostgresTables(url, busy_timeout_s)


def _address(place: str) -> "URL":
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    shown = re.sub(r"://.*@", "://***@", place)
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        raise UsageError(f"bar store {shown!r} is no database address: {PLACES}") from None
    if url.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise UsageError(f"bar store {shown!r} is not supported: {PLACES}")
    if not url.database:
        raise UsageError(f"bar store {shown!r} names no database: {PLACES}")
    return url
