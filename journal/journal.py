"""`Journal`: record runs, and read them back."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core.clock import Clock, SystemClock
from core.errors import UnknownName
from core.result import Fill, RunResult
from journal.account_log import AccountLog
from journal.blotter import Blotter
from journal.comparison import Comparison, compare
from journal.daily_log import DailyLog
from journal.database import BUSY_TIMEOUT_S, Database, insert_new
from journal.glance import Glance
from journal.history import History
from journal.ledger import Ledger
from journal.pages import Pages
from journal.run_record import RunRecord, Values, execution_values, run_record
from journal.state import State
from journal.steering import Steering
from journal.subscriptions import Subscriptions
from journal.tables import ExecutionRow, OrderRow, RunRow


class Journal:
    """The journal in one SQLite file or on a PostgreSQL server; usable from several processes at once.

    Args:
        place: the file, "sqlite:///path" or "postgresql://user:password@host:port/database".
        clock: stamps what is recorded.
        busy_timeout_s: how long to wait for another process's writing.

    Attributes:
        ledger: the trials of sweeps, and the gate's verdicts. blotter: decisions and orders of live accounts.
        account_log: executions on them, and notes. steering: what is asked of running strategies, and their answers.
        state: the actual portfolios of live accounts, and reconciliations. history: signals, and equity over time.
        pages: the records of live accounts in parts. subscriptions: who follows the advice of strategies, and who was told.
        daily: the steps of the daily run. glance: what is looked at first of a live account; of the database itself only.

    Every method raises StoreFailed when the file is locked, damaged, full or not writable, or the server does not answer.

    Raises:
        UsageError: the address is none, or of a database that is not supported.
    """

    def __init__(self, place: str | Path, clock: Clock | None = None, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._database = Database(place, busy_timeout_s)
        self._clock = clock or SystemClock()
        self.ledger = Ledger(self._database, self._clock)
        self.blotter = Blotter(self._database, self._clock)
        self.account_log = AccountLog(self._database, self._clock)
        self.steering = Steering(self._database, self._clock)
        self.state = State(self._database, self._clock)
        self.history = History(self._database, self._clock)
        self.subscriptions = Subscriptions(self._database, self._clock)
        self.daily = DailyLog(self._database, self._clock)
        self.pages = Pages(self._database)
        self.glance = Glance(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file, or the server's connections."""
        self._database.close()

    def together(self, durable: bool = True) -> AbstractContextManager[None]:
        """What this thread writes within is one transaction: all of it is kept, or nothing; nothing of it is read before its end.

        Args:
            durable: it outlives a power cut, whatever is written in it.
        """
        self._database.keep_open()
        return self._database.together(durable)

    # -- runs -----------------------------------------------------------------------------------------

    def record_run(self, result: RunResult, directory: str | None = None) -> int:
        """Record a run with its orders and executions, all or nothing; returns its number."""
        return self.insert_run(run_record(result, directory, self._clock.now_ns()))

    def insert_run(self, record: RunRecord, key: str | None = None) -> int:
        """As `record_run`.

        Args:
            key: names the run, so that telling it twice records it once; None = it is told once.
        """
        with self._database.writing() as session:
            known = self._named(session, key)
            if known is not None:
                return known
            row = RunRow(**record.values, key=key)
            session.add(row)
            session.flush()
            if record.orders:
                session.execute(insert(OrderRow), [{**each, "run_id": row.id} for each in record.orders])
            _add_executions(session, row.id, record.executions)
            return row.id

    def run_named(self, key: str) -> int | None:
        """The number of the run that was recorded with a key."""
        with self._database.reading() as session:
            return self._named(session, key)

    def record_executions(self, run_id: int, fills: Iterable[Fill]) -> int:
        """Add the executions not yet there; returns how many were new.

        A fill's key is its order, its time and its place among that order's fills of that time.

        Raises:
            UnknownName: no such run.
        """
        return self.insert_executions(run_id, execution_values(fills))

    def insert_executions(self, run_id: int, rows: Sequence[Values]) -> int:
        """As `record_executions`, of rows as in `journal.run_record.RunRecord`."""
        with self._database.writing() as session:
            _existing(session, run_id)
            return _add_executions(session, run_id, rows)

    def run(self, run_id: int) -> RunRow:
        """One run.

        Raises:
            UnknownName: no such run.
        """
        with self._database.reading() as session:
            return _existing(session, run_id)

    def runs(self, strategy: str | None = None, limit: int | None = None, before: int | None = None) -> list[RunRow]:
        """Runs, the latest first; `before`: only those with smaller numbers."""
        chosen = select(RunRow).order_by(RunRow.id.desc()).limit(limit)
        if strategy is not None:
            chosen = chosen.where(RunRow.strategy == strategy)
        if before is not None:
            chosen = chosen.where(RunRow.id < before)
        with self._database.reading() as session:
            return list(session.scalars(chosen))

    def orders(self, run_id: int) -> list[OrderRow]:
        """Orders of a run, in time order."""
        with self._database.reading() as session:
            _existing(session, run_id)
            return list(session.scalars(select(OrderRow).where(OrderRow.run_id == run_id).order_by(OrderRow.id)))

    def executions(self, run_id: int) -> list[ExecutionRow]:
        """Executions of a run, in time order."""
        chosen = select(ExecutionRow).where(ExecutionRow.run_id == run_id)
        with self._database.reading() as session:
            _existing(session, run_id)
            return list(session.scalars(chosen.order_by(ExecutionRow.time_ns, ExecutionRow.id)))

    def compare(self, run_ids: Sequence[int]) -> Comparison:
        """Runs side by side.

        Raises:
            UnknownName: one of them does not exist.
        """
        return compare([self.run(run_id) for run_id in run_ids])

    def _named(self, session: Session, key: str | None) -> int | None:
        return None if key is None else session.scalar(select(RunRow.id).where(RunRow.key == key))


def _existing(session: Session, run_id: int) -> RunRow:
    row = session.get(RunRow, run_id)
    if row is None:
        last = session.scalar(select(func.max(RunRow.id)))
        advice = f"the latest is {last}" if last else "the journal has none yet"
        raise UnknownName(f"unknown run {run_id}: {advice}, see cerebrolab runs list")
    return row


def _add_executions(session: Session, run_id: int, rows: Sequence[Values]) -> int:
    if not rows:
        return 0
    before = _count(session, run_id)
    session.execute(insert_new(session, ExecutionRow), [{**row, "run_id": run_id} for row in rows])
    return _count(session, run_id) - before


def _count(session: Session, run_id: int) -> int:
    return session.scalar(select(func.count()).where(ExecutionRow.run_id == run_id)) or 0
