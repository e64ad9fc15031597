"""Runs and verdicts may be named by a key, so that telling them twice records them once."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007", "0006"


def upgrade() -> None:
    """Add the keys; what is there has none."""
    for table in ("runs", "verdicts"):
        op.add_column(table, sa.Column("key", sa.String))
        op.create_index(f"ix_{table}_key", table, ["key"], unique=True)
