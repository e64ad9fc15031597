"""The tables of subscriptions, advice, mails and the daily run. Imports journal.table_base and journal.columns."""

from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from journal.columns import Id
from journal.table_base import Base


class SubscriberRow(Base):
    """An address. `token` is in its links; without `confirmed_ns` it has not opted in, with `left_ns` it has left."""

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    token: Mapped[str] = mapped_column(unique=True)
    created_ns: Mapped[int]
    confirmed_ns: Mapped[int | None]
    left_ns: Mapped[int | None]


class SubscriptionRow(Base):
    """What a subscriber wants to hear of: the advice of a strategy on a symbol."""

    __tablename__ = "subscriptions"
    __table_args__ = (UniqueConstraint("subscriber_id", "strategy", "symbol"), Index("ix_subscriptions_followed", "strategy", "symbol"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    strategy: Mapped[str]
    symbol: Mapped[str]
    created_ns: Mapped[int]


class AdviceRow(Base):
    """What a strategy has said of a symbol to its subscribers, once a session."""

    __tablename__ = "advices"
    __table_args__ = (UniqueConstraint("strategy", "symbol", "session"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    created_ns: Mapped[int]
    strategy: Mapped[str]
    symbol: Mapped[str]
    session: Mapped[str]
    signal: Mapped[str]
    close: Mapped[Decimal]
    reasons: Mapped[dict[str, Any]]


_DUE = Index("ix_deliveries_due", "subscriber_id", sqlite_where=text("sent_ns IS NULL"), postgresql_where=text("sent_ns IS NULL"))


class DeliveryRow(Base):
    """One thing that one subscriber is told once: an advice (`ref` is its number), or the question whether the address is right."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("subscriber_id", "kind", "ref"), _DUE)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    kind: Mapped[str]
    ref: Mapped[int]
    created_ns: Mapped[int]
    next_ns: Mapped[int]
    attempts: Mapped[int]
    error: Mapped[str]
    sent_ns: Mapped[int | None]


class DailyStepRow(Base):
    """What became of a step of the daily run of a session; a step that is done is not done again."""

    __tablename__ = "daily_steps"
    __table_args__ = (UniqueConstraint("session", "step"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    session: Mapped[str]
    step: Mapped[str]
    done: Mapped[bool]
    attempts: Mapped[int]
    time_ns: Mapped[int]
    text: Mapped[str]
