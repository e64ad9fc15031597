"""A SQLite file that several processes use: its connections and transactions, and what its errors mean.

SQLAlchemy is imported only where a file is opened.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import Pool

_ADVICE = {
    "locked": "another process is writing; wait for it and repeat",
    "busy": "another process is writing; wait for it and repeat",
    "not a database": "the file is damaged; move it away, a new one will be made",
    "malformed": "the file is damaged; move it away, a new one will be made",
    "readonly": "make the file and its folder writable, or set CEREBROLAB_HOME to another folder",
    "unable to open": "make the file and its folder writable, or set CEREBROLAB_HOME to another folder",
    "full": "make room on the disk and repeat",
}


def sqlite_engine(path: Path, busy_timeout_s: float, pool: "type[Pool]", **pooling: Any) -> "Engine":
    """An engine with a write-ahead log and foreign keys.

    Its execution options: `writes` takes the write lock from the start, `durable` costs an fsync.
    """
    from sqlalchemy import URL, create_engine, event

    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=pool, connect_args={"timeout": busy_timeout_s}, **pooling)

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, by us
        for pragma in ("journal_mode=WAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: "Connection") -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('durable') else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def sqlite_advice(error: Exception) -> str:
    """SQLite's own words, and what to do."""
    cause = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    advice = next((text for word, text in _ADVICE.items() if word in cause), "look at the file and its folder")
    return f"{cause}; {advice}"
