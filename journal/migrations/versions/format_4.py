"""Live accounts: what was executed on them, and notes."""

import sqlalchemy as sa
from alembic import op

from journal.append_only import append_only
from journal.columns import Exact, Id, Json

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "live_executions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("client_order_id", sa.String, nullable=False),
        sa.Column("broker_id", sa.String, nullable=False),
        sa.Column("filled", Exact, nullable=False),
        sa.Column("account", sa.String, nullable=False, index=True),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("qty", Exact, nullable=False),
        sa.Column("price", Exact, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("commission", Exact, nullable=False),
        sa.UniqueConstraint("client_order_id", "filled"),
    )
    op.create_table(
        "account_notes",
        sa.Column("id", Id, primary_key=True),
        sa.Column("account", sa.String, nullable=False, index=True),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("facts", Json, nullable=False),
    )
    for table in ("live_executions", "account_notes"):
        for statement in append_only(table, op.get_bind().dialect.name):
            op.execute(statement)
