"""`Pages`: the records of live accounts in parts: executions, orders, decisions, notes, signals and equity, and the orders of backtests.

What is chosen is gone on with where one part ended.

A place to go on from is a text that names the last record seen, so that what is recorded meanwhile is neither left out nor repeated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Select, func, literal, select, tuple_, union_all

from core.errors import UsageError
from journal.account_log import LiveExecution, Note
from journal.blotter import DONE, LiveOrder
from journal.database import Database
from journal.history import DECISION, EquityPoint, Signal, Snapshot
from journal.tables import (
    AccountNoteRow,
    DecisionRow,
    ExecutionRow,
    LiveExecutionRow,
    LiveOrderRow,
    OrderRow,
    SignalRow,
    SnapshotRow,
)

Record = TypeVar("Record")
LONG_AGO, FAR_AHEAD = 0, 2**62


@dataclass(frozen=True)
class Chosen:
    """Which records are wanted; None, and no symbols, leave the choice open.

    Attributes:
        since_ns, until_ns: from one moment up to, but without, another; UTC ns.
    """

    account: str | None = None
    run: str | None = None
    symbols: Sequence[str] = ()
    since_ns: int = LONG_AGO
    until_ns: int = FAR_AHEAD


class Part(NamedTuple, Generic[Record]):
    """Some records, and the place after them; "" where these are the last."""

    records: list[Record]
    after: str


class RecordedOrder(NamedTuple):
    """An order as it stands, whose it is, its decision, and when it was written down and last changed, UTC ns."""

    order: LiveOrder
    account: str
    run: str
    decision: int
    created_ns: int
    updated_ns: int


class Pages:
    """The records of one database. Raises StoreFailed as `Journal` does, and UsageError for a place that is none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def executions(self, chosen: Chosen, after: str = "", limit: int = 1000, owned: bool = False) -> Part[LiveExecution]:
        """Executions in the order of their times; `owned`: only those of runs."""
        row = LiveExecutionRow
        wanted = matching(select(row), chosen, account=row.account, run=row.run, symbol=row.symbol, moment=row.time_ns)
        if owned:
            wanted = wanted.where(row.run != "")
        return self._part(wanted, (row.time_ns, row.id), after, limit, lambda found: record_of(LiveExecution, found[0]))

    def notes(self, chosen: Chosen, kinds: Iterable[str], after: str = "", limit: int = 1000) -> Part[Note]:
        """Notes of some kinds in the order they were written."""
        row = AccountNoteRow
        wanted = matching(select(row), chosen, account=row.account, run=row.run, moment=row.time_ns).where(row.kind.in_(list(kinds)))
        return self._part(wanted, (row.id,), after, limit, lambda found: record_of(Note, found[0]))

    def decisions(self, chosen: Chosen, after: str = "", limit: int = 1000, with_orders: bool = False, latest: bool = False) -> Part[DecisionRow]:
        """Decisions in the order of their bars; `with_orders`: only those that asked for some, `latest`: only the last of each run."""
        row = DecisionRow
        wanted = matching(select(row), chosen, account=row.account, run=row.run_key, moment=row.bar_ns)
        if with_orders:
            wanted = wanted.where(row.id.in_(select(LiveOrderRow.decision_id)))
        if latest:
            wanted = wanted.where(row.id.in_(select(func.max(row.id)).group_by(row.account, row.run_key)))
        return self._part(wanted, (row.bar_ns, row.id), after, limit, _row)

    def orders(self, chosen: Chosen, after: str = "", limit: int = 1000, decisions: Sequence[int] = (),
               unfinished: bool = False, named: str | None = None) -> Part[RecordedOrder]:
        """Orders by decision and their turns in it.

        Args:
            decisions: only of these. unfinished: only those not done. named: only the one with this client order id.
        """
        row, decision = LiveOrderRow, DecisionRow
        joined = select(row, decision.account, decision.run_key).join(decision, row.decision_id == decision.id)
        wanted = matching(joined, chosen, account=decision.account, run=decision.run_key, symbol=row.symbol, moment=row.created_ns)
        if decisions:
            wanted = wanted.where(row.decision_id.in_(list(decisions)))
        if unfinished:
            wanted = wanted.where(row.state != DONE)
        if named is not None:
            wanted = wanted.where(row.client_order_id == named)
        return self._part(wanted, (row.decision_id, row.place, row.attempt, row.client_order_id), after, limit, recorded_order)

    def signals(self, chosen: Chosen, after: str = "", limit: int = 1000) -> Part[Signal]:
        """What strategies have said, in the order of the bars."""
        row = SignalRow
        wanted = matching(select(row), chosen, account=row.account, run=row.run, moment=row.bar_ns)
        return self._part(wanted, (row.bar_ns, row.id), after, limit, lambda found: record_of(Signal, found[0]))

    def snapshots(self, chosen: Chosen, after: str = "", limit: int = 1000) -> Part[Snapshot]:
        """What accounts and runs were worth and held, in the order of the moments."""
        row = SnapshotRow
        wanted = matching(select(row), chosen, account=row.account, run=row.run, moment=row.time_ns)
        return self._part(wanted, (row.time_ns, row.id), after, limit, lambda found: record_of(Snapshot, found[0]))

    def equity(self, chosen: Chosen, after: str = "", limit: int = 1000) -> Part[EquityPoint]:
        """Equity and cash as snapshots and decisions have seen them, in the order of the moments."""
        seen, made = SnapshotRow, DecisionRow
        snapshots = select(seen.account, seen.run, seen.time_ns, seen.equity, seen.cash, seen.source, literal(0).label("turn"), seen.id)
        decisions = select(made.account, made.run_key, made.bar_ns, made.equity, made.cash, literal(DECISION), literal(1), made.id)
        points = union_all(
            matching(snapshots, chosen, account=seen.account, run=seen.run, moment=seen.time_ns),
            matching(decisions, chosen, account=made.account, run=made.run_key, moment=made.bar_ns)).subquery().c
        keys = (points.time_ns, points.turn, points.id)
        return self._part(select(*points), keys, after, limit, lambda found: record_of(EquityPoint, found), row_of=lambda found: found)

    def run_orders(self, run_id: int, after: str = "", limit: int = 1000) -> Part[OrderRow]:
        """Orders of a backtest, in time order."""
        return self._part(select(OrderRow).where(OrderRow.run_id == run_id), (OrderRow.id,), after, limit, _row)

    def run_executions(self, run_id: int, after: str = "", limit: int = 1000) -> Part[ExecutionRow]:
        """Executions of a backtest, in the order they were recorded."""
        return self._part(select(ExecutionRow).where(ExecutionRow.run_id == run_id), (ExecutionRow.id,), after, limit, _row)

    def _part(self, wanted: Select[Any], keys: Sequence[Any], after: str, limit: int, made: Any, row_of: Any = None) -> Part[Any]:
        row_of = row_of or _row
        if after:
            wanted = wanted.where(tuple_(*keys) > tuple_(*_place(after, keys)))
        with self._database.reading() as session:
            found = list(session.execute(wanted.order_by(*keys).limit(limit + 1)))
        place = "-".join(str(getattr(row_of(found[limit - 1]), key.key)) for key in keys) if len(found) > limit else ""
        return Part([made(each) for each in found[:limit]], place)


def matching(wanted: Any, chosen: Chosen, *, account: Any, run: Any, moment: Any, symbol: Any = None) -> Select[Any]:
    """A query with what is chosen, of the columns that say whose a record is, of when, and of what."""
    if chosen.since_ns > LONG_AGO:
        wanted = wanted.where(moment >= chosen.since_ns)
    if chosen.until_ns < FAR_AHEAD:
        wanted = wanted.where(moment < chosen.until_ns)
    if chosen.account is not None:
        wanted = wanted.where(account == chosen.account)
    if chosen.run is not None:
        wanted = wanted.where(run == chosen.run)
    return wanted.where(symbol.in_(list(chosen.symbols))) if chosen.symbols else wanted


def _place(after: str, keys: Sequence[Any]) -> list[Any]:
    parts = after.split("-", len(keys) - 1)
    try:
        place = [key.type.python_type(part) for key, part in zip(keys, parts, strict=True)]
    except ValueError:
        place = [-1]
    if any(isinstance(each, int) and not 0 <= each < 2**63 for each in place):
        raise UsageError(f"after {after!r:.60} is no place to go on from: take it from `next` of the page before")
    return place


def record_of(kind: Any, row: Any) -> Any:
    """A row as the dataclass of its fields."""
    return kind(**{name: getattr(row, name) for name in kind.__dataclass_fields__})


def _row(found: Any) -> Any:
    return found[0]


def recorded_order(found: Any) -> RecordedOrder:
    """A row of orders, with account and run."""
    row, account, run = found
    return RecordedOrder(record_of(LiveOrder, row), account, run, row.decision_id, row.created_ns, row.updated_ns)
