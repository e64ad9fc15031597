"""`QuestServer`: rows sent by QuestDB's own client, questions asked over the PostgreSQL wire, and every failure as one clear `StoreFailed`."""

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from core.clock import Clock, SystemClock
from core.errors import StoreFailed, UsageError
from core.questdb_address import QuestAddress

if TYPE_CHECKING:
    import psycopg
    from questdb import Sender

SETTLE_S, LOOK_S = 30.0, 0.002
ANSWER_S = 120.0  # QuestDB itself ends a question after 60
_AWAY = "wait until it answers and repeat: what was sent is kept, and nothing is doubled"
_BY_WORDS = {  # QuestDB has few SQLSTATEs
    "invalid username|Unauthorized|status 401|authenticat": (False, "check the user and the password in its address"),
    "No space left|errno=28|DISK FULL|ould not (allocate|truncate|append)": (False, "make room on its disk, start it again and repeat"),
    "refused|resolve|lookup address|Name or service|timed? ?out|timeout|unreachable":
        (True, "check the address, both its ports, and that QuestDB runs"),
    "closed|lost|reset|terminat|broken|Connection|connection": (True, _AWAY),
    "": (False, "see its log"),
}


class QuestAway(StoreFailed):
    """QuestDB does not answer; it may later."""


@dataclass(frozen=True, eq=False)
class QuestTable:
    """A table: column -> type; the first is the time.

    keys: with the time, what names a row that replaces itself; () = every row stays. partition: a folder for each.
    indexed: columns of symbols by which rows are found.
    """

    name: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]
    partition: str
    indexed: tuple[str, ...] = ()

    @property
    def creation(self) -> str:
        """The statement that makes it where it is not there."""
        columns = ", ".join(f'"{name}" {kind}{" INDEX" * (name in self.indexed)}' for name, kind in self.columns.items())
        keys = "".join(f', "{name}"' for name in self.keys)
        return (f"CREATE TABLE IF NOT EXISTS {self.name} ({columns}) TIMESTAMP(ts) PARTITION BY {self.partition} WAL"
                + (f" DEDUP UPSERT KEYS(ts{keys})" if keys else ""))

    def is_as_made(self, found: Sequence[tuple[str, str, bool]]) -> bool:
        """Whether a table of these (column, type, is a key) is this one."""
        keys = ("ts", *self.keys) if self.keys else ()
        return list(found) == [(name, kind, name in keys) for name, kind in self.columns.items()]


class QuestServer:
    """One QuestDB, the tables made on first use; for one thread at a time.

    Args:
        address: "questdb://USER:PASSWORD@HOST:PORT?pg_port=PORT".
        tables: those that are asked and sent to.
        clock: waits. settle_s: how long for what was sent to become visible.

    Raises:
        UsageError: the address is none, or the package questdb is not installed.
    """

    def __init__(self, address: str, tables: Sequence[QuestTable], clock: Clock | None = None, settle_s: float = SETTLE_S) -> None:
        self._address, self._tables = QuestAddress.parse(address), tables
        if find_spec("questdb") is None:
            raise UsageError("QuestDB needs the package questdb, which is not installed: install it with pip install -e '.[services]'")
        self._clock, self._settle_s = clock or SystemClock(), settle_s
        self._connection: psycopg.Connection[Any] | None = None
        self._sender: Sender | None = None
        self.shown = self._address.shown

    def ask(self, statement: str, values: Sequence[Any] = (), binary: bool = False) -> list[Any]:
        """The rows that a statement finds; `binary`: floats with every bit."""
        with self._told():
            return _answer(self._connected(), statement, values, binary)

    def send(self, fill: "Callable[[Sender], object]") -> None:
        """Send what `fill` puts into a sender, rows of one table, all or nothing; the server has them then, and they are visible soon."""
        with self._told():
            self._connected()
            sender = self._established()
            fill(sender)
            sender.flush(transactional=True)

    def settle(self) -> None:
        """Wait until everything sent so far is visible.

        Raises:
            StoreFailed: it does not become so.
        """
        until, sent = self._clock.monotonic() + self._settle_s, dict[str, int]()
        while behind := self._unapplied(sent):
            name, suspended, reason = behind[0]
            if suspended:
                raise StoreFailed(f"{self.shown}: the table {name} is suspended ({' '.join(reason.split()) or 'it does not say why'}); make room "
                                  f"on its disk if it is full, then say ALTER TABLE {name} RESUME WAL in its console and repeat")
            if self._clock.monotonic() > until:
                raise StoreFailed(f"{self.shown}: the table {name} has not taken in what was sent within {self._settle_s:g} s; "
                                  "see its log, and repeat")
            self._clock.sleep(LOOK_S)

    def close(self) -> None:
        """Close the connections; whoever asks or sends next opens others."""
        if self._connection is not None:
            self._connection.close()
        if self._sender is not None:
            self._sender.close(flush=False)
        self._connection = self._sender = None

    def _unapplied(self, sent: dict[str, int]) -> list[tuple[str, bool, str]]:
        """(table, is suspended, why) of those that have not all that was `sent`, which the first look fills."""
        ours = {table.name for table in self._tables}
        rows = self.ask("SELECT name, suspended, writerTxn, sequencerTxn, errorMessage FROM wal_tables()")
        return [(name, suspended, reason or "") for name, suspended, written, last, reason in rows
                if name in ours and (suspended or written < sent.setdefault(name, last))]

    def _connected(self) -> "psycopg.Connection[Any]":
        import psycopg

        if self._connection is None:
            self._connection = psycopg.connect(**self._address.asking, autocommit=True, prepare_threshold=None)
            for table in self._tables:
                self._make(self._connection, table)
        return self._connection

    def _make(self, connection: "psycopg.Connection[Any]", table: QuestTable) -> None:
        """See to it that a table is there, and as it should be."""
        _answer(connection, table.creation)
        found = _answer(connection, f"""SELECT "column", type, "upsertKey" FROM table_columns('{table.name}')""")
        if not table.is_as_made(found):
            raise StoreFailed(f"{self.shown} has another table {table.name} than this cerebrolab makes: rename or drop it and repeat")

    def _established(self) -> "Sender":
        import questdb

        questdb.WARN_HIGH_RECONNECTS = False  # type: ignore[attr-defined]  # a new one follows a failure only
        if self._sender is None:
            sender = questdb.Sender.from_conf(self._address.sending)
            sender.establish()
            self._sender = sender
        return self._sender

    @contextmanager
    def _told(self) -> Iterator[None]:
        import psycopg
        from questdb import QuestDBError

        try:
            yield
        except (psycopg.Error, QuestDBError) as error:
            self.close()
            raise self._failure(error) from error
        except BaseException:
            self.close()
            raise

    def _failure(self, error: Exception) -> StoreFailed:
        text = self._address.masked(" ".join(str(error).split()))
        away, advice = next(found for words, found in _BY_WORDS.items() if re.search(words, text))
        return (QuestAway if away else StoreFailed)(f"{self.shown} failed: {text:.300}; {advice}")


def _answer(connection: "psycopg.Connection[Any]", statement: str, values: Sequence[Any] = (), binary: bool = False) -> list[Any]:
    overdue = threading.Timer(ANSWER_S, _cut, [connection.fileno()])
    overdue.start()
    try:
        found = connection.cursor(binary=binary).execute(statement, values or None)
        return found.fetchall() if found.description else []
    finally:
        overdue.cancel()


def _cut(number: int) -> None:
    """Break off a connection on which somebody waits for a server that hangs."""
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as connection:
        connection.shutdown(socket.SHUT_RDWR)
