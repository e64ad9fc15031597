"""The journal: what ran, what was ordered, what was executed, what was tried. The only code that touches the database.

    with Journal(Path("journal.db")) as journal:  # or Journal("postgresql://user:password@host/database")
        journal.record_run(result, "runs/first")

`opened(place)` is the same, or the journal behind a REST API where the place is one. May import core. Another kind of database is
another `journal.backend.Backend`.
"""

from journal.blotter import Blotter, LiveOrder
from journal.comparison import Comparison, compare
from journal.journal import Journal
from journal.ledger import Ledger, SweepHead, TrialBatch, rows_of
from journal.places import opened
from journal.tables import DecisionRow, ExecutionRow, OrderRow, RunRow, SweepRow, TrialRow, VerdictRow

__all__ = [
    "Blotter", "Comparison", "DecisionRow", "ExecutionRow", "Journal", "Ledger", "LiveOrder", "OrderRow", "RunRow", "SweepHead",
    "SweepRow", "TrialBatch", "TrialRow", "VerdictRow", "compare", "opened", "rows_of",
]
