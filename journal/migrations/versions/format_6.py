"""Live accounts are complete: steering, signals, snapshots, reconciliations, and what the executions add up to."""

import sqlalchemy as sa
from alembic import op

from journal.append_only import append_only
from journal.columns import Exact, Id, Json
from journal.holdings import add_up_all

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    """Make the tables, and add up the executions that are there."""
    _make_steering()
    _make_history()
    _make_holdings()
    for table in ("steering_requests", "steering_answers", "signals", "snapshots", "reconciliations"):
        for statement in append_only(table, op.get_bind().dialect.name):
            op.execute(statement)
    op.add_column("account_notes", sa.Column("key", sa.String))
    op.create_index("ix_account_notes_key", "account_notes", ["key"], unique=True)
    op.drop_index("ix_live_executions_account", "live_executions")
    op.create_index("ix_live_executions_time", "live_executions", ["time_ns"])
    op.create_index("ix_live_executions_account_time", "live_executions", ["account", "time_ns"])
    op.create_index("ix_live_executions_holding", "live_executions", ["account", "run", "symbol", "time_ns"])
    add_up_all(op.get_bind())


def _make_steering() -> None:
    op.create_table(
        "steering_requests",
        sa.Column("id", Id, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("strategy", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("asked_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "steering_answers",
        sa.Column("id", Id, primary_key=True),
        sa.Column("request_id", Id, sa.ForeignKey("steering_requests.id"), nullable=False, index=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("taken", sa.Boolean, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("bar_ns", sa.BigInteger, nullable=False),
        sa.Column("answered_ns", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account", "run", "request_id"),
    )


def _make_history() -> None:
    op.create_table(
        "signals",
        sa.Column("id", Id, primary_key=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("strategy", sa.String, nullable=False),
        sa.Column("bar_ns", sa.BigInteger, nullable=False),
        sa.Column("convictions", Json, nullable=False),
        sa.UniqueConstraint("account", "run", "bar_ns"),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", Id, primary_key=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("equity", Exact, nullable=False),
        sa.Column("cash", Exact, nullable=False),
        sa.Column("positions", Json, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.UniqueConstraint("account", "run", "time_ns"),
    )


def _make_holdings() -> None:
    op.create_table(
        "holdings",
        *(sa.Column(name, sa.String, primary_key=True) for name in ("account", "run", "symbol")),
        *(sa.Column(name, Exact, nullable=False)
          for name in ("qty", "average", "mark", "cash", "realized", "commission", "booked", "transferred")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("executions", "first_ns", "last_ns")),
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", Id, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("account", sa.String, nullable=False, index=True),
        sa.Column("run", sa.String),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("positions", Json, nullable=False),
        sa.Column("cash", Exact),
        sa.Column("differences", Json, nullable=False),
    )
