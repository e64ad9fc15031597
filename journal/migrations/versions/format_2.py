"""Sweeps: their trials, and the verdicts of the gate. The first format's table of trials is kept under another name."""

import sqlalchemy as sa
from alembic import op

from journal.append_only import append_only
from journal.columns import Id, Json

revision, down_revision = "0002", "0001"
MEASURES = ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "exposure", "turnover", "costs",
            "win_rate", "average_trade", "profit_factor", "trades", "fills", "rejected", "final_value")


def upgrade() -> None:
    """Make the tables."""
    if sa.inspect(op.get_bind()).has_table("trials"):
        _keep_first_trials()
    _make_sweeps()
    make_trials()
    _make_verdicts()
    for table in ("trials", "verdicts"):
        for statement in append_only(table, op.get_bind().dialect.name):
            op.execute(statement)


def _keep_first_trials() -> None:
    for action in ("update", "delete"):
        op.execute(f"DROP TRIGGER trials_no_{action}")
    op.rename_table("trials", "trials_1")
    op.execute("DROP INDEX IF EXISTS ix_trials_strategy")


def _make_sweeps() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", Id, primary_key=True),
        sa.Column("key", sa.String, nullable=False, index=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("finished_ns", sa.BigInteger),
        sa.Column("strategy", sa.String, nullable=False, index=True),
        sa.Column("strategy_source", sa.String, nullable=False),
        sa.Column("universe", Json, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("space", Json, nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("objective", sa.String, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("start", sa.String, nullable=False),
        sa.Column("end", sa.String, nullable=False),
        sa.Column("sessions", sa.BigInteger, nullable=False),
    )


def make_trials() -> None:
    """Make the table of trials, without its triggers."""
    op.create_table(
        "trials",
        sa.Column("sweep_id", Id, sa.ForeignKey("sweeps.id"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("params", sa.Text, nullable=False),
        *(sa.Column(name, sa.Double) for name in MEASURES),
        sa.Column("blocks", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _make_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", Id, primary_key=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("run_id", Id, sa.ForeignKey("runs.id")),
        sa.Column("strategy", sa.String, nullable=False),
        sa.Column("strategy_source", sa.String, nullable=False, index=True),
        sa.Column("params", Json, nullable=False),
        sa.Column("universe", Json, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("numbers", Json, nullable=False),
    )
