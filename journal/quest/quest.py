"""`Quest`: the journal's executions and equity, and bars, in QuestDB for analysis. What it answers is what the journal answers."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from core.clock import Clock
from core.errors import StoreFailed
from core.questdb_server import SETTLE_S, QuestServer, QuestTable
from core.series import SymbolBars
from journal.account_log import LiveExecution
from journal.columns import shortest
from journal.history import DECISION, EquityPoint
from journal.quest.bars import read_bars, send_bars
from journal.quest.tables import BARS, EQUITY, EXECUTIONS, TABLES, exact

Record = LiveExecution | EquityPoint
LATEST = 2**63 - 1


class Kind(NamedTuple):
    """Records of one kind, numbered by the journal from 1 on; `condition` tells them from others of their table."""

    name: str
    table: QuestTable
    record: type[Record]
    condition: str = "true"


EXECUTION = Kind("execution", EXECUTIONS, LiveExecution)
SNAPSHOT, DECIDED = (Kind(name, EQUITY, EquityPoint, f"kind = '{name}'") for name in ("snapshot", DECISION))
KINDS = (EXECUTION, SNAPSHOT, DECIDED)


class Quest:
    """The tables on one QuestDB; for one thread at a time.

    Args:
        address: "questdb://USER:PASSWORD@HOST:PORT?pg_port=PORT".
        clock: waits. settle_s: how long for what was sent to become visible.

    Every method raises StoreFailed when the server fails, and its kind `QuestAway` when it does not answer.

    Raises:
        UsageError: the address is none, or the package questdb is not installed.
    """

    def __init__(self, address: str, clock: Clock | None = None, settle_s: float = SETTLE_S) -> None:
        self._server = QuestServer(address, TABLES, clock, settle_s)
        self.shown = self._server.shown

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    # -- reading --------------------------------------------------------------------------------------

    def executions(self, account: str, run: str | None = None, since_ns: int = 0, until_ns: int = 2**62) -> list[LiveExecution]:
        """As `journal.account_log.AccountLog.executions`."""
        found = self._of(EXECUTION, account, run, since_ns, until_ns)
        return [record for _, record in found if isinstance(record, LiveExecution)]

    def equity(self, account: str, run: str | None = None, since_ns: int = 0, until_ns: int = 2**62) -> list[EquityPoint]:
        """As `journal.history.History.equity`."""
        found = [record for kind in (SNAPSHOT, DECIDED) for _, record in self._of(kind, account, run, since_ns, until_ns)]
        points = [record for record in found if isinstance(record, EquityPoint)]
        return sorted(points, key=lambda point: (point.time_ns, point.run, point.source))

    def bars(self, symbol: str, start: str | None = None, end: str | None = None, interval: str = "1d", *, source: str) -> SymbolBars:
        """The bars of a symbol, sessions `start` to `end` both included.

        Raises:
            NoBars: there are none.
        """
        return read_bars(self._server, symbol, start, end, interval, source)

    def count(self, kind: Kind) -> int:
        """How many records of a kind are there."""
        return self._counted(kind.table, kind.condition)

    def count_bars(self) -> int:
        """How many bars are there, of all series."""
        return self._counted(BARS, "true")

    def newest(self, kind: Kind) -> tuple[int, Record] | None:
        """The record of a kind with the highest number."""
        found = self._records(kind, f"{kind.condition} ORDER BY id DESC LIMIT 1")
        return found[0] if found else None

    # -- writing --------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until everything sent is visible."""
        self._server.settle()

    def append(self, kind: Kind, records: Sequence[tuple[int, Record]]) -> None:
        """Send records with their numbers in the journal, all or nothing; those that are there stay as they are.

        Raises:
            StoreFailed: a number would have to be rounded, or a time is before 1970; nothing is written.
        """
        from questdb import Sender, TimestampNanos

        rows = [_row(kind, number, record) for number, record in records]

        def fill(sender: Sender) -> None:
            for time_ns, symbols, columns in rows:
                sender.row(kind.table.name, symbols=symbols, columns=columns, at=TimestampNanos(time_ns))

        self._server.send(fill)

    def add_bars(self, source: str, interval: str, bars: SymbolBars) -> None:
        """Send a series; bars that are there with the same time are replaced, as a source may correct what it said.

        Raises:
            StoreFailed: QuestDB cannot hold it exactly: a bar before 1970, or an infinite number; nothing is written.
        """
        send_bars(self._server, source, interval, bars)

    def _of(self, kind: Kind, account: str, run: str | None, since_ns: int, until_ns: int) -> list[tuple[int, Record]]:
        condition = f"{kind.condition} AND account = %s AND ts >= cast(%s AS TIMESTAMP_NS) AND ts < cast(%s AS TIMESTAMP_NS)"
        values: list[Any] = [account, max(since_ns, 0), min(max(until_ns, 0), LATEST)]
        if run is not None:
            condition += " AND run = %s"
            values.append(run)
        self.settle()
        return self._records(kind, f"{condition} ORDER BY ts, id", values)

    def _records(self, kind: Kind, condition: str, values: Sequence[Any] = ()) -> list[tuple[int, Record]]:
        names = [name for name in kind.record.__dataclass_fields__ if name != "time_ns"]
        numbers = {name for name in names if kind.table.columns[name].startswith("DECIMAL")}
        rows = self._server.ask(f"SELECT id, cast(ts AS LONG), {', '.join(names)} FROM {kind.table.name} WHERE {condition}", values)
        found: list[tuple[int, Record]] = []
        for number, time_ns, *rest in rows:
            fields: Any = {name: shortest(value) if name in numbers else value for name, value in zip(names, rest, strict=True)}
            found.append((number, kind.record(time_ns=time_ns, **fields)))
        return found

    def _counted(self, table: QuestTable, condition: str) -> int:
        return int(self._server.ask(f"SELECT count() FROM {table.name} WHERE {condition}")[0][0])


def _row(kind: Kind, number: int, record: Record) -> tuple[int, dict[str, str | None], dict[str, Any]]:
    """A record's time, and its columns as the client takes them: symbols and others."""
    what = f"{kind.name} {number} of the journal"
    if not 0 <= record.time_ns <= LATEST:
        raise StoreFailed(f"{what} cannot be copied to QuestDB: its time is before 1970; nothing of its batch was written, and it is in the journal")
    values: dict[str, Any] = {name: value for name, value in vars(record).items() if name != "time_ns"}
    types = kind.table.columns
    symbols = {name: value for name, value in values.items() if types[name] == "SYMBOL"}
    columns = {name: exact(kind.table, name, value, what) if types[name].startswith("DECIMAL") else value
               for name, value in values.items() if name not in symbols}
    if "kind" in types:
        symbols["kind"] = kind.name
    return record.time_ns, symbols, {"id": number, **columns}
