"""`Database`: transactions on the journal's database, of whichever kind, and every failure as one clear `StoreFailed`."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from core.errors import StoreFailed, UsageError
from journal.backend import Backend
from journal.schema import prepare
from journal.sqlite import Sqlite

BUSY_TIMEOUT_S = 30.0
PLACES = "write a file, sqlite:///path/to/journal.db or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


class Database:
    """One database, its tables made on first use, safe for several processes.

    Args:
        place: a file, "sqlite:///path" or "postgresql://user:password@host:port/database".
        busy_timeout_s: how long to wait for another process's writing.

    Raises:
        UsageError: the address names no database of a kind that is known.
    """

    def __init__(self, place: str | Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._backend = _backend(place, busy_timeout_s)
        self._ready = False
        self._turn, self._busy_timeout_s = threading.Lock(), busy_timeout_s  # threads wait here, which costs less than at the database
        self._joined = threading.local()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state."""
        with self._session(self._backend.reading()) as session:
            yield session

    @contextmanager
    def writing(self, durable: bool = False) -> Iterator[Session]:
        """A session that holds the write lock from its start and commits at its end, or changes nothing; within `together` it is that one's.

        Args:
            durable: what is committed outlives a power cut, whatever else is set; it costs waiting for the disk.
        """
        joined = getattr(self._joined, "session", None)
        if joined is not None:
            yield joined
            return
        if not self._turn.acquire(timeout=self._busy_timeout_s):
            raise StoreFailed(f"the journal {self._backend.shown} failed: others are writing; wait for them and repeat")
        try:
            with self._session(self._backend.writing(durable)) as session, session.begin():
                yield session
        finally:
            self._turn.release()

    @contextmanager
    def together(self, durable: bool = True) -> Iterator[None]:
        """What this thread writes within is one transaction, as durable as is said here: all of it is kept, or nothing."""
        outer = getattr(self._joined, "session", None)
        with self.writing(durable) as session:
            self._joined.session = session
            try:
                yield
            finally:
                self._joined.session = outer

    def keep_open(self) -> None:
        """Until `close`, spare every transaction the work of connecting."""
        with self._told():
            self._prepare()
            self._backend.keep_open()

    def close(self) -> None:
        """Close every connection."""
        self._backend.close()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with self._told():
            self._prepare()
            with Session(engine, expire_on_commit=False) as session:
                yield session

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, OSError) as error:
            if isinstance(error, StoreFailed):
                raise
            raise StoreFailed(f"the journal {self._backend.shown} failed: {self._backend.explain(error)}") from error

    def _prepare(self) -> None:
        if not self._ready:
            prepare(self._backend)
            self._ready = True


def insert_new(session: Session, table: Any) -> Any:
    """An insert into a table (or its class) that leaves the rows that are there already as they are."""
    if session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing()


def elsewhere(shown: str) -> UsageError:
    """What is said where the database itself is needed, and an API was named."""
    return UsageError(f"this takes the database itself, and {shown} is an API: set CEREBROLAB_JOURNAL to the database, or ask the API")


def _backend(place: str | Path, busy_timeout_s: float) -> Backend:
    if isinstance(place, Path):
        return Sqlite(place, busy_timeout_s)
    shown = re.sub(r"://.*@", "://***@", place)
    if place.startswith("questdb:"):
        raise UsageError(f"journal {shown!r} is no journal: QuestDB follows it; set CEREBROLAB_QUESTDB to that, and CEREBROLAB_JOURNAL to a journal")
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        raise UsageError(f"journal {shown!r} is no database address: {PLACES}") from None
    if url.get_backend_name() in ("http", "https"):
        raise elsewhere(shown)
    if url.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise UsageError(f"journal {shown!r} is not supported: {PLACES}")
    if not url.database:
        raise UsageError(f"journal {shown!r} names no database: {PLACES}")
    if url.get_backend_name() == "sqlite":
        return Sqlite(Path(url.database), busy_timeout_s)
    from journal.postgres import Postgres

    return Postgres(url, busy_timeout_s)
