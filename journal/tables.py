"""The tables, as typed SQLAlchemy models. Times are UTC nanoseconds, sessions ISO dates, amounts exact decimals."""

from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import DDL, BigInteger, ForeignKey, Integer, UniqueConstraint, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from journal.columns import Exact, Json

SCHEMA_VERSION = 1


class Base(DeclarativeBase):
    """Metadata of all tables."""

    type_annotation_map: ClassVar = {Decimal: Exact, dict[str, Any]: Json, list[str]: Json, int: BigInteger}


class RunRow(Base):
    """One backtest: what was asked for, what it ran on, what came out, where the report is."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
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

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
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

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
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


class TrialRow(Base):
    """One trial of a search. The table is append-only: the database itself refuses to change or delete a row."""

    __tablename__ = "trials"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    created_ns: Mapped[int]
    strategy: Mapped[str] = mapped_column(index=True)
    strategy_source: Mapped[str]
    params: Mapped[dict[str, Any]]
    universe: Mapped[list[str]]
    fingerprint: Mapped[str]
    metrics: Mapped[dict[str, Any]]


for _action in ("UPDATE", "DELETE"):
    event.listen(TrialRow.__table__, "after_create", DDL(
        f"CREATE TRIGGER trials_no_{_action.lower()} BEFORE {_action} ON trials "
        "BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END"))
