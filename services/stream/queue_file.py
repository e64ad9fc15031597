"""`QueueFile`: the executions that the API has not acknowledged yet, in an SQLite file of their own. Imports journal's records and core.

Every change outlives a power cut. One process at a time has the file; its threads share it.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from filelock import FileLock, Timeout

from core.errors import StoreFailed, UsageError
from journal.account_log import LiveExecution
from journal.columns import canonical_json, shortest
from journal.remote_state import record

MARK = 0x63627371  # SQLite's application_id of such a file
OVERLAP_NS = 3_600 * 10**9  # what the broker lists this much late is found
WAITING, DONE, REFUSED = "waiting", "done", "refused"
TABLES = f"""
PRAGMA application_id = {MARK};
CREATE TABLE executions (number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, client_order_id TEXT NOT NULL, filled TEXT NOT NULL,
    time_ns INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', UNIQUE (client_order_id, filled));
CREATE INDEX executions_state ON executions (state, number);
CREATE TABLE accounts (account TEXT PRIMARY KEY, listed_ns INTEGER NOT NULL);
"""


class Waiting(NamedTuple):
    """An execution in its turn."""

    number: int
    execution: LiveExecution


class QueueFile:
    """The queue.

    Raises:
        UsageError: the file is no queue, cannot be made, or another process has it.

    Every method raises StoreFailed where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._lock = _taken(path)
        try:
            self._connection = _opened(path)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others have it."""
        self._connection.close()
        self._lock.release()

    def put(self, executions: Iterable[LiveExecution], listed: tuple[str, int] | None = None) -> int:
        """Take executions in, those that it has had stay as they are.

        Args:
            listed: an account, and up to when (UTC ns) the broker has listed what was executed on it.

        Returns:
            How many were new.
        """
        rows = [(each.account, each.client_order_id, f"{shortest(each.filled):f}", each.time_ns, WAITING, canonical_json(vars(each)))
                for each in executions]
        with self._changing() as cursor:
            before = self._connection.total_changes
            cursor.executemany("INSERT INTO executions (account, client_order_id, filled, time_ns, state, body) VALUES (?, ?, ?, ?, ?, ?) "
                               "ON CONFLICT (client_order_id, filled) DO NOTHING", rows)
            new = self._connection.total_changes - before
            if listed is not None:
                cursor.execute("INSERT INTO accounts VALUES (?, ?) "
                               "ON CONFLICT (account) DO UPDATE SET listed_ns = max(listed_ns, excluded.listed_ns)", listed)
                cursor.execute("DELETE FROM executions WHERE account = ? AND state = ? AND time_ns < ?",
                               (listed[0], DONE, listed[1] - 2 * OVERLAP_NS))
        return new

    def first(self) -> Waiting | None:
        """The one whose turn it is."""
        with self._changing() as cursor:
            row = cursor.execute("SELECT number, body FROM executions WHERE state = ? ORDER BY number LIMIT 1", (WAITING,)).fetchone()
        return None if row is None else Waiting(row[0], record(LiveExecution, json.loads(row[1])))

    def done(self, number: int) -> None:
        """It is acknowledged; only its name is kept for a while, since the broker tells of it twice."""
        self._end(number, DONE, "")

    def refuse(self, number: int, reason: str) -> None:
        """It is set aside for a human."""
        self._end(number, REFUSED, reason)

    def count(self) -> int:
        """How many wait."""
        with self._changing() as cursor:
            return int(cursor.execute("SELECT count(*) FROM executions WHERE state = ?", (WAITING,)).fetchone()[0])

    def refused(self) -> list[tuple[LiveExecution, str]]:
        """What was set aside, and why."""
        with self._changing() as cursor:
            rows = cursor.execute("SELECT body, reason FROM executions WHERE state = ? ORDER BY number", (REFUSED,)).fetchall()
        return [(record(LiveExecution, json.loads(body)), reason) for body, reason in rows]

    def listed_ns(self, account: str) -> int | None:
        """Up to when the broker has listed what was executed, UTC ns; None where it never has."""
        with self._changing() as cursor:
            row = cursor.execute("SELECT listed_ns FROM accounts WHERE account = ?", (account,)).fetchone()
        return None if row is None else int(row[0])

    def _end(self, number: int, state: str, reason: str) -> None:
        with self._changing() as cursor:
            cursor.execute("UPDATE executions SET state = ?, reason = ?, body = CASE ? WHEN 'done' THEN '' ELSE body END WHERE number = ?",
                           (state, reason, state, number))

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Cursor]:
        """One transaction of one thread."""
        with self._guard:
            try:
                with self._connection:
                    yield self._connection.cursor()
            except sqlite3.Error as error:
                raise StoreFailed(f"the queue {self.path} cannot be written ({error}): make room on the disk, and the file writable") from None


def _taken(path: Path) -> FileLock:
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(f"another process has the queue {path}: stop it, or name another file with --queue") from None
    except OSError as error:
        raise UsageError(f"cannot make the queue {path}: {error.strerror or error}; name another file with --queue") from None
    return lock


def _opened(path: Path) -> Any:
    connection = None
    try:
        connection = sqlite3.connect(path, check_same_thread=False)
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if mark != MARK and not empty:
            raise sqlite3.DatabaseError("another program's database")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if empty:
            connection.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
        return connection
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise UsageError(f"{path} is no queue of cerebrolab serve stream ({error}): name another file with --queue") from None
