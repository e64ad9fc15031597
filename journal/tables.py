"""The tables, as typed SQLAlchemy models. Times are UTC nanoseconds, sessions ISO dates, amounts exact decimals.

A change here needs a migration in `journal.migrations.versions`, and the next `journal.schema.REVISION`.
"""

from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.measures import MEASURES
from journal.append_only import append_only
from journal.columns import Exact, Id, Json

APPEND_ONLY = ("trials", "verdicts", "live_executions", "account_notes")


class Base(DeclarativeBase):
    """Metadata of all tables."""

    type_annotation_map: ClassVar = {Decimal: Exact, dict[str, Any]: Json, list[str]: Json, int: BigInteger}


class RunRow(Base):
    """One backtest: what was asked for, what it ran on, what came out, where the report is."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    created_ns: Mapped[int]
    strategy: Mapped[str]
    strategy_source: Mapped[str]
    symbols: Mapped[list[str]]
    spec: Mapped[dict[str, Any]]
    source: Mapped[str]
    start: Mapped[str]
    end: Mapped[str]
    interval: Mapped[str]
    fingerprint: Mapped[str]
    versions: Mapped[dict[str, Any]]
    directory: Mapped[str | None]
    cash: Mapped[Decimal]
    final_value: Mapped[Decimal]
    metrics: Mapped[dict[str, Any]]
    warnings: Mapped[list[str]]
    trades: Mapped[int]
    fills: Mapped[int]
    rejected: Mapped[int]
    seconds: Mapped[float]


class OrderRow(Base):
    """One order of a run, as it ended; fields as in `core.result.OrderRecord`."""

    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    number: Mapped[int]
    time_ns: Mapped[int]
    symbol: Mapped[str]
    size: Mapped[Decimal]
    kind: Mapped[str]
    price: Mapped[Decimal | None]
    status: Mapped[str]
    filled: Mapped[Decimal]
    reason: Mapped[str]
    intent: Mapped[str]


class ExecutionRow(Base):
    """One fill of a run; `key` names it within the run, so that recording it again changes nothing."""

    __tablename__ = "executions"
    __table_args__ = (UniqueConstraint("run_id", "key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    key: Mapped[str]
    order_number: Mapped[int]
    time_ns: Mapped[int]
    session: Mapped[str]
    symbol: Mapped[str]
    size: Mapped[Decimal]
    price: Mapped[Decimal]
    commission: Mapped[Decimal]
    intent: Mapped[str]


class SweepRow(Base):
    """One sweep: what was searched for, on what. Its trials may come in several sessions, from several processes."""

    __tablename__ = "sweeps"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(index=True)
    created_ns: Mapped[int]
    finished_ns: Mapped[int | None]
    strategy: Mapped[str] = mapped_column(index=True)
    strategy_source: Mapped[str]
    universe: Mapped[list[str]]
    fingerprint: Mapped[str]
    spec: Mapped[dict[str, Any]]
    space: Mapped[dict[str, Any]]
    method: Mapped[str]
    objective: Mapped[str]
    seed: Mapped[int]
    engine: Mapped[str]
    start: Mapped[str]
    end: Mapped[str]
    sessions: Mapped[int]


class TrialRow(Base):
    """One trial of a sweep, with its measures. Append-only: the database itself refuses to change or delete a row.

    `blocks` holds float32 sums, then sums of squares, of its session returns in equal blocks of the sessions.
    """

    __table__ = Table(
        "trials", Base.metadata,
        Column("sweep_id", Id, ForeignKey("sweeps.id"), primary_key=True),
        Column("number", BigInteger, primary_key=True),
        Column("params", Text, nullable=False),
        *(Column(name, Double) for name in MEASURES),
        Column("blocks", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


class VerdictRow(Base):
    """What the gate said of one strategy source, set of parameters, universe and data. Append-only; the latest counts."""

    __tablename__ = "verdicts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    created_ns: Mapped[int]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    strategy: Mapped[str]
    strategy_source: Mapped[str] = mapped_column(index=True)
    params: Mapped[dict[str, Any]]
    universe: Mapped[list[str]]
    fingerprint: Mapped[str]
    passed: Mapped[bool]
    reasons: Mapped[list[str]]
    numbers: Mapped[dict[str, Any]]


class DecisionRow(Base):
    """What a strategy decided on one bar for one account: shares to hold, and what the account had then."""

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("account", "run_key", "bar_ns"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    created_ns: Mapped[int]
    account: Mapped[str]
    run_key: Mapped[str]
    bar_ns: Mapped[int]
    session: Mapped[str]
    strategy: Mapped[str]
    strategy_source: Mapped[str]
    spec: Mapped[dict[str, Any]]
    fingerprint: Mapped[str]
    equity: Mapped[Decimal]
    cash: Mapped[Decimal]
    targets: Mapped[dict[str, Any]]
    notes: Mapped[list[str]]


class LiveOrderRow(Base):
    """One attempt to trade at a broker, written before it is sent; fields as in `journal.blotter.LiveOrder`."""

    __tablename__ = "live_orders"

    client_order_id: Mapped[str] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)
    place: Mapped[int]
    symbol: Mapped[str]
    side: Mapped[str]
    qty: Mapped[Decimal]
    intent: Mapped[str]
    attempt: Mapped[int]
    state: Mapped[str]
    tif: Mapped[str]
    broker_id: Mapped[str]
    status: Mapped[str]
    filled: Mapped[Decimal]
    price: Mapped[Decimal | None]
    reason: Mapped[str]
    created_ns: Mapped[int]
    updated_ns: Mapped[int]


class LiveExecutionRow(Base):
    """One execution on a live account, whoever's order it was; fields as in `journal.account_log.LiveExecution`. Append-only."""

    __tablename__ = "live_executions"
    __table_args__ = (UniqueConstraint("client_order_id", "filled"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    client_order_id: Mapped[str]
    broker_id: Mapped[str]
    filled: Mapped[Decimal]
    account: Mapped[str] = mapped_column(index=True)
    run: Mapped[str]
    symbol: Mapped[str]
    side: Mapped[str]
    qty: Mapped[Decimal]
    price: Mapped[Decimal]
    time_ns: Mapped[int]
    commission: Mapped[Decimal]


class AccountNoteRow(Base):
    """What a human or a later run must know of a live account; fields as in `journal.account_log.Note`. Append-only."""

    __tablename__ = "account_notes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    run: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str]
    time_ns: Mapped[int]
    facts: Mapped[dict[str, Any]]


for _name in APPEND_ONLY:
    for _dialect in ("sqlite", "postgresql"):
        for _statement in append_only(_name, _dialect):
            event.listen(Base.metadata.tables[_name], "after_create", DDL(_statement).execute_if(dialect=_dialect))
