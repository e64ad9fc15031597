"""Backtests: runs, their orders and executions."""

import sqlalchemy as sa
from alembic import op

from journal.columns import Exact, Id, Json

revision, down_revision = "0001", None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", Id, primary_key=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("strategy", sa.String, nullable=False),
        sa.Column("strategy_source", sa.String, nullable=False),
        sa.Column("symbols", Json, nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("start", sa.String, nullable=False),
        sa.Column("end", sa.String, nullable=False),
        sa.Column("interval", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("versions", Json, nullable=False),
        sa.Column("directory", sa.String),
        sa.Column("cash", Exact, nullable=False),
        sa.Column("final_value", Exact, nullable=False),
        sa.Column("metrics", Json, nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("trades", sa.BigInteger, nullable=False),
        sa.Column("fills", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", Id, primary_key=True),
        sa.Column("run_id", Id, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("size", Exact, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("price", Exact),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("filled", Exact, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("intent", sa.String, nullable=False),
        sa.UniqueConstraint("run_id", "number"),
    )
    op.create_table(
        "executions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("run_id", Id, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("order_number", sa.BigInteger, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("session", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("size", Exact, nullable=False),
        sa.Column("price", Exact, nullable=False),
        sa.Column("commission", Exact, nullable=False),
        sa.Column("intent", sa.String, nullable=False),
        sa.UniqueConstraint("run_id", "key"),
    )
