"""The journal: what ran, what was ordered, what was executed, what was tried. The only code that touches the database.

    with Journal(Path("journal.db")) as journal:  # or Journal("postgresql://user:password@host/database")
        journal.record_run(result, "runs/first")

May import core. Another kind of database is another `journal.backend.Backend`.
"""

from journal.blotter import Blotter, LiveOrder
from journal.comparison import Comparison, compare
from journal.journal import Journal
from journal.ledger import Ledger, SweepHead, TrialBatch, rows_of
from journal.tables import DecisionRow, ExecutionRow, OrderRow, RunRow, SweepRow, TrialRow, VerdictRow

__all__ = [
    "Blotter", "Comparison", "DecisionRow", "ExecutionRow", "Journal", "Ledger", "LiveOrder", "OrderRow", "RunRow", "SweepHead",
    "SweepRow", "TrialBatch", "TrialRow", "VerdictRow", "compare", "rows_of",
]
