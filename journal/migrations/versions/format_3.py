"""Live accounts: decisions, and the orders that follow from them."""

import sqlalchemy as sa
from alembic import op

from journal.columns import Exact, Id, Json

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decisions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("run_key", sa.String, nullable=False),
        sa.Column("bar_ns", sa.BigInteger, nullable=False),
        sa.Column("session", sa.String, nullable=False),
        sa.Column("strategy", sa.String, nullable=False),
        sa.Column("strategy_source", sa.String, nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("equity", Exact, nullable=False),
        sa.Column("cash", Exact, nullable=False),
        sa.Column("targets", Json, nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.UniqueConstraint("account", "run_key", "bar_ns"),
    )
    op.create_table(
        "live_orders",
        sa.Column("client_order_id", sa.String, primary_key=True),
        sa.Column("decision_id", Id, sa.ForeignKey("decisions.id"), nullable=False, index=True),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("qty", Exact, nullable=False),
        sa.Column("intent", sa.String, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("tif", sa.String, nullable=False),
        sa.Column("broker_id", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("filled", Exact, nullable=False),
        sa.Column("price", Exact),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("updated_ns", sa.BigInteger, nullable=False),
    )
