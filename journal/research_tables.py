"""The tables of research: backtests, sweeps with their trials, and the gate's verdicts. See `journal.tables`."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.measures import MEASURES
from journal.columns import Id
from journal.table_base import Base


class RunRow(Base):
    """One backtest: what was asked for, what it ran on, what came out, where the report is. `key` names one that may be told twice."""

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
    key: Mapped[str | None] = mapped_column(index=True, unique=True)


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
    """What the gate said of one strategy source, set of parameters, universe and data. Append-only; the latest counts.

    `key` names one that may be told twice.
    """

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
    key: Mapped[str | None] = mapped_column(index=True, unique=True)
