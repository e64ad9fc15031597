"""The journal in one SQLite file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import NullPool, QueuePool

from core.errors import StoreFailed
from core.sqlite_files import sqlite_advice, sqlite_engine

BY_REVISION = 5  # `user_version` of a file whose table of revisions counts; lower numbers are those of the schema


class Sqlite:
    """One file, made on first use, safe for several processes (write-ahead log, foreign keys, busy timeout)."""

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self.path, self.shown = path, str(path)
        self._engine = sqlite_engine(path, busy_timeout_s, NullPool)
        self._kept = sqlite_engine(path, busy_timeout_s, QueuePool, max_overflow=-1)
        self._process, self._file = 0, (0, 0)

    def reading(self) -> Engine:
        """A snapshot: `BEGIN`.

        Raises:
            StoreFailed: the file that connections are kept to is not there any more.
        """
        if self._process != os.getpid():  # no connection outlives a fork
            return self._engine
        if self._identity() != self._file:  # what is written to a file that was removed is written nowhere
            raise StoreFailed(f"the journal {self.shown} was moved, removed or replaced while it was in use: put it back, or end this and start again")
        return self._kept

    def writing(self, durable: bool = False) -> Engine:
        """The write lock from the start: `BEGIN IMMEDIATE`; durable costs an fsync."""
        return self.reading().execution_options(writes=True, durable=durable)

    @contextmanager
    def first_use(self) -> Iterator[None]:
        """One process at a time, with the folder made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            yield

    def revision(self, connection: Connection) -> str | None:
        """By the number of the format, or the table of revisions."""
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version == BY_REVISION:
            return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
        return f"{version:04}" if version else None

    def make_room(self, connection: Connection) -> None:
        """Nothing to prepare in a new file."""

    def mark(self, connection: Connection) -> None:
        """A cerebrolab that knows numbers of formats only refuses the file."""
        connection.exec_driver_sql(f"PRAGMA user_version = {BY_REVISION}")

    def keep_open(self) -> None:
        """Spare every transaction the work of connecting, and what SQLite does when its last connection closes."""
        if self._process != os.getpid():
            self._kept.dispose(close=False)
            self._process, self._file = os.getpid(), self._identity()

    def close(self) -> None:
        """Close every connection."""
        self._kept.dispose(close=self._process == os.getpid())
        self._process = 0

    def _identity(self) -> tuple[int, int]:
        """What tells the file from another of its name; (0, 0) where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino

    def explain(self, error: Exception) -> str:
        """SQLite's own words, and advice."""
        return sqlite_advice(error)
