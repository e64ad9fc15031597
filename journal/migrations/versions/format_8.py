"""Subscribers, what they follow, the advice of strategies, and who was told of it; the steps of the daily run."""

import sqlalchemy as sa
from alembic import op

from journal.columns import Exact, Id, Json

revision, down_revision = "0008", "0007"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "subscribers", sa.Column("id", Id, primary_key=True), sa.Column("address", sa.String, nullable=False, unique=True),
        sa.Column("token", sa.String, nullable=False, unique=True), sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("confirmed_ns", sa.BigInteger), sa.Column("left_ns", sa.BigInteger))
    op.create_table(
        "subscriptions", sa.Column("id", Id, primary_key=True), _subscriber(), sa.Column("strategy", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False), sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("subscriber_id", "strategy", "symbol"))
    op.create_index("ix_subscriptions_followed", "subscriptions", ["strategy", "symbol"])
    op.create_table(
        "advices", sa.Column("id", Id, primary_key=True), sa.Column("created_ns", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("strategy", "symbol", "session", "signal")),
        sa.Column("close", Exact, nullable=False), sa.Column("reasons", Json, nullable=False), sa.UniqueConstraint("strategy", "symbol", "session"))
    op.create_table(
        "deliveries", sa.Column("id", Id, primary_key=True), _subscriber(), sa.Column("kind", sa.String, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("ref", "created_ns", "next_ns", "attempts")),
        sa.Column("error", sa.String, nullable=False), sa.Column("sent_ns", sa.BigInteger), sa.UniqueConstraint("subscriber_id", "kind", "ref"))
    unsent = sa.text("sent_ns IS NULL")
    op.create_index("ix_deliveries_due", "deliveries", ["subscriber_id"], sqlite_where=unsent, postgresql_where=unsent)
    op.create_table(
        "daily_steps", sa.Column("id", Id, primary_key=True), sa.Column("session", sa.String, nullable=False), sa.Column("step", sa.String, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False), sa.Column("attempts", sa.BigInteger, nullable=False), sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("text", sa.String, nullable=False), sa.UniqueConstraint("session", "step"))


def _subscriber() -> sa.Column:
    return sa.Column("subscriber_id", Id, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False)
