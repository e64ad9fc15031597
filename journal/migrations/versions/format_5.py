"""Trials of the first sweeps, which had numbers of their own, are keyed by sweep and number as all others."""

import sqlalchemy as sa
from alembic import op

from journal.append_only import append_only
from journal.migrations.versions.format_2 import MEASURES, make_trials

revision, down_revision = "0005", "0004"
COLUMNS = ", ".join(("sweep_id", "number", "params", *MEASURES, "blocks"))


def upgrade() -> None:
    """Copy the trials into a table with the other key."""
    if not any(column["name"] == "id" for column in sa.inspect(op.get_bind()).get_columns("trials")):
        return
    for action in ("update", "delete"):
        op.execute(f"DROP TRIGGER trials_no_{action}")
    op.rename_table("trials", "trials_numbered")
    make_trials()
    op.execute(f"INSERT INTO trials ({COLUMNS}) SELECT {COLUMNS} FROM trials_numbered")
    op.drop_table("trials_numbered")
    for statement in append_only("trials", "sqlite"):
        op.execute(statement)
