"""`Journal`: record runs, and read them back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core.clock import Clock, SystemClock
from core.errors import UnknownName
from core.result import Fill, OrderRecord, RunResult
from journal.account_log import AccountLog
from journal.blotter import Blotter
from journal.comparison import Comparison, compare
from journal.database import BUSY_TIMEOUT_S, Database, insert_new
from journal.history import History
from journal.ledger import Ledger
from journal.pages import Pages
from journal.state import State
from journal.steering import Steering
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
        pages: the records of live accounts in parts.

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
        self.pages = Pages(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file, or the server's connections."""
        self._database.close()

    # -- runs -----------------------------------------------------------------------------------------

    def record_run(self, result: RunResult, directory: str | None = None) -> int:
        """Record a run with its orders and executions, all or nothing; returns its number."""
        with self._database.writing() as session:
            row = _run_row(result, directory, self._clock.now_ns())
            session.add(row)
            session.flush()
            if result.orders:
                session.execute(insert(OrderRow), [_order_values(row.id, order) for order in result.orders])
            _add_executions(session, row.id, result.fills)
            return row.id

    def record_executions(self, run_id: int, fills: Iterable[Fill]) -> int:
        """Add the executions not yet there; returns how many were new.

        A fill's key is its order, its time and its place among that order's fills of that time.

        Raises:
            UnknownName: no such run.
        """
        with self._database.writing() as session:
            _existing(session, run_id)
            return _add_executions(session, run_id, list(fills))

    def run(self, run_id: int) -> RunRow:
        """One run.

        Raises:
            UnknownName: no such run.
        """
        with self._database.reading() as session:
            return _existing(session, run_id)

    def runs(self, strategy: str | None = None, limit: int | None = None) -> list[RunRow]:
        """Runs, the latest first."""
        chosen = select(RunRow).order_by(RunRow.id.desc()).limit(limit)
        if strategy is not None:
            chosen = chosen.where(RunRow.strategy == strategy)
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


def _existing(session: Session, run_id: int) -> RunRow:
    row = session.get(RunRow, run_id)
    if row is None:
        last = session.scalar(select(func.max(RunRow.id)))
        advice = f"the latest is {last}" if last else "the journal has none yet"
        raise UnknownName(f"unknown run {run_id}: {advice}, see cerebrolab runs list")
    return row


def _run_row(result: RunResult, directory: str | None, now_ns: int) -> RunRow:
    summary, bars = result.summary(), result.bars
    return RunRow(
        created_ns=now_ns, strategy=result.spec.strategy, strategy_source=result.strategy_source,
        symbols=list(result.spec.symbols), spec=result.spec.masked(), source=bars.origin.source or "own data",
        start=summary["start"], end=summary["end"], interval=bars.interval, fingerprint=bars.fingerprint,
        versions=dict(result.versions), directory=directory, cash=result.spec.cash, final_value=result.final_value,
        metrics=dict(result.metrics), warnings=list(result.warnings), trades=summary["trades"],
        fills=summary["fills"], rejected=summary["rejected"], seconds=summary["seconds"],
    )


def _order_values(run_id: int, order: OrderRecord) -> dict[str, Any]:
    values = order._asdict()
    return {"run_id": run_id, "number": values.pop("order"), "time_ns": values.pop("time"), **values}


def _add_executions(session: Session, run_id: int, fills: Sequence[Fill]) -> int:
    seen: Counter[tuple[int, int]] = Counter()
    rows = []
    for fill in fills:
        values = fill._asdict()
        order, time_ns = values.pop("order"), values.pop("time")
        seen[order, time_ns] += 1
        rows.append({**values, "run_id": run_id, "order_number": order, "time_ns": time_ns,
                     "session": str(fill.session), "key": f"{order}:{time_ns}:{seen[order, time_ns]}"})
    if not rows:
        return 0
    before = _count(session, run_id)
    session.execute(insert_new(session, ExecutionRow), rows)
    return _count(session, run_id) - before


def _count(session: Session, run_id: int) -> int:
    return session.scalar(select(func.count()).where(ExecutionRow.run_id == run_id)) or 0
