"""The tables of live accounts, by account and run: what was decided, sent and executed, what is held, and who was told. See `journal.tables`."""

from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from journal.columns import Id
from journal.table_base import Base


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
    __table_args__ = (
        UniqueConstraint("client_order_id", "filled"),
        Index("ix_live_executions_time", "time_ns"),
        Index("ix_live_executions_account_time", "account", "time_ns"),
        Index("ix_live_executions_holding", "account", "run", "symbol", "time_ns"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    client_order_id: Mapped[str]
    broker_id: Mapped[str]
    filled: Mapped[Decimal]
    account: Mapped[str]
    run: Mapped[str]
    symbol: Mapped[str]
    side: Mapped[str]
    qty: Mapped[Decimal]
    price: Mapped[Decimal]
    time_ns: Mapped[int]
    commission: Mapped[Decimal]


class AccountNoteRow(Base):
    """What a human or a later run must know of a live account; fields as in `journal.account_log.Note`. Append-only.

    `key` names a note that may be told twice.
    """

    __tablename__ = "account_notes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    run: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str]
    time_ns: Mapped[int]
    facts: Mapped[dict[str, Any]]
    key: Mapped[str | None] = mapped_column(index=True, unique=True)


class SteeringRequestRow(Base):
    """What is asked of running strategies; fields as in `journal.steering.SteeringRequest`. Append-only; `key` names it."""

    __tablename__ = "steering_requests"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    strategy: Mapped[str]
    run: Mapped[str]
    facts: Mapped[dict[str, Any]]
    by: Mapped[str]
    asked_ns: Mapped[int]


class SteeringAnswerRow(Base):
    """What a run has made of a request; fields as in `journal.steering.SteeringAnswer`. Append-only."""

    __tablename__ = "steering_answers"
    __table_args__ = (UniqueConstraint("account", "run", "request_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("steering_requests.id"), index=True)
    account: Mapped[str]
    run: Mapped[str]
    taken: Mapped[bool]
    text: Mapped[str]
    bar_ns: Mapped[int]
    answered_ns: Mapped[int]


class SignalRow(Base):
    """What a strategy has said on a bar: symbol -> conviction; fields as in `journal.history.Signal`. Append-only."""

    __tablename__ = "signals"
    __table_args__ = (UniqueConstraint("account", "run", "bar_ns"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str]
    run: Mapped[str]
    strategy: Mapped[str]
    bar_ns: Mapped[int]
    convictions: Mapped[dict[str, Any]]


class SnapshotRow(Base):
    """What an account, or a run on it, was worth and held at a moment; fields as in `journal.history.Snapshot`. Append-only."""

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("account", "run", "time_ns"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str]
    run: Mapped[str]
    time_ns: Mapped[int]
    equity: Mapped[Decimal]
    cash: Mapped[Decimal]
    positions: Mapped[dict[str, Any]]
    source: Mapped[str]


class HoldingRow(Base):
    """What the executions and bookings of a run in a symbol add up to; fields as in `journal.holding.Holding`.

    Kept in step with them by the transactions that write them; can be worked out again from them at any time.
    """

    __tablename__ = "holdings"

    account: Mapped[str] = mapped_column(primary_key=True)
    run: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)
    qty: Mapped[Decimal]
    average: Mapped[Decimal]
    mark: Mapped[Decimal]
    cash: Mapped[Decimal]
    realized: Mapped[Decimal]
    commission: Mapped[Decimal]
    booked: Mapped[Decimal]
    transferred: Mapped[Decimal]
    executions: Mapped[int]
    first_ns: Mapped[int]
    last_ns: Mapped[int]


class ReconciliationRow(Base):
    """What somebody says an account holds, beside what was known; fields as in `journal.state.Reconciliation`. Append-only."""

    __tablename__ = "reconciliations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    account: Mapped[str] = mapped_column(index=True)
    run: Mapped[str | None]
    by: Mapped[str]
    time_ns: Mapped[int]
    positions: Mapped[dict[str, Any]]
    cash: Mapped[Decimal | None]
    differences: Mapped[dict[str, Any]]
