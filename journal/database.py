"""The connection to SQLite: opening, pragmas, transactions, and every database failure as one clear `StoreFailed`."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from core.errors import StoreFailed, UsageError
from journal.tables import SCHEMA_VERSION, Base

BUSY_TIMEOUT_S = 30.0
_ADVICE = {
    "locked": "another process is writing; wait for it and repeat",
    "busy": "another process is writing; wait for it and repeat",
    "not a database": "the file is damaged; move it away, a new one will be made",
    "malformed": "the file is damaged; move it away, a new one will be made",
    "readonly": "make the file and its folder writable, or set CEREBROLAB_HOME to another folder",
    "unable to open": "make the file and its folder writable, or set CEREBROLAB_HOME to another folder",
    "full": "make room on the disk and repeat",
}


class Database:
    """One SQLite file, made on first use, safe for several processes (write-ahead log, foreign keys, busy timeout)."""

    def __init__(self, place: str | Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = _path(place)
        self._engine = _engine(self.path, busy_timeout_s)
        self._ready = False
        self._kept: Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state."""
        with self._session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self, durable: bool = False) -> Iterator[Session]:
        """A session that holds the write lock from its start and commits at its end, or changes nothing.

        Args:
            durable: what is committed outlives a power cut, even while others have the file open; it costs an fsync.
        """
        with self._session(self._engine.execution_options(writes=True, durable=durable)) as session, session.begin():
            yield session

    def keep_open(self) -> None:
        """Until `close`, spare every transaction the work SQLite does when its last connection closes."""
        if self._kept is None:
            with self.reading() as session:
                session.connection()
            self._kept = self._engine.connect()

    def close(self) -> None:
        """Close every connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._engine.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        try:
            self._prepare()
            with Session(engine, expire_on_commit=False) as session:
                yield session
        except (DBAPIError, OSError) as error:
            if isinstance(error, StoreFailed):
                raise
            raise self._failure(error) from error

    def _prepare(self) -> None:
        if self._ready:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            with self._engine.connect() as connection:
                found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if found > SCHEMA_VERSION:
                raise StoreFailed(f"the journal {self.path} was written by a newer cerebrolab (format {found}, this one "
                                  f"reads {SCHEMA_VERSION}): update cerebrolab")
            if found < SCHEMA_VERSION:
                _create(self._engine, found)
        self._ready = True

    def _failure(self, error: Exception) -> StoreFailed:
        cause = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
        advice = next((text for word, text in _ADVICE.items() if word in cause), "look at the file and its folder")
        return StoreFailed(f"the journal {self.path} failed: {cause}; {advice}")


def _path(place: str | Path) -> Path:
    if isinstance(place, Path):
        return place
    try:
        url = make_url(place)
    except ArgumentError:
        raise UsageError(f"journal {place!r} is no database address: write sqlite:///path/to/journal.db") from None
    if url.get_backend_name() != "sqlite" or not url.database:
        raise UsageError(f"journal {place!r} is not supported: write sqlite:///path/to/journal.db")
    return Path(url.database)


def _engine(path: Path, busy_timeout_s: float) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool,
                           connect_args={"timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, by us
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if options.get("durable"):
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def _create(engine: Engine, found: int) -> None:
    with engine.execution_options(writes=True).begin() as connection:
        if found == 1:  # its table of trials has another shape: it is kept under another name
            for action in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER trials_no_{action}")
            connection.exec_driver_sql("ALTER TABLE trials RENAME TO trials_1")
            connection.exec_driver_sql("DROP INDEX IF EXISTS ix_trials_strategy")
        Base.metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
