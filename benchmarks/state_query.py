"""How long the actual portfolio of an account takes after a million executions, on SQLite and on PostgreSQL.

    python benchmarks/state_query.py [EXECUTIONS]

Executions of 4 runs in 500 symbols each; the median of 50 queries of one run and of the whole account, in milliseconds, beside the time
that recording one more execution takes, totals included.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert

sys.path[:0] = [str(Path(__file__).parents[1])]

from journal import Journal
from journal.account_log import LiveExecution
from journal.holdings import add_up_all
from journal.tables import LiveExecutionRow
from tests.postgres_server import started

RUNS, SYMBOLS, AT_ONCE, TIMES = 4, 500, 50_000, 50


def main(executions: int) -> None:
    """Measure both databases."""
    with tempfile.TemporaryDirectory() as folder, started() as server:
        for name, place in (("SQLite", Path(folder) / "journal.db"), ("PostgreSQL", server.get_uri())):
            with Journal(place) as journal:
                _fill(journal, executions)
                _measure(name, journal, executions)


def _fill(journal: Journal, executions: int) -> None:
    with journal._database.writing() as session:
        for first in range(0, executions, AT_ONCE):
            session.execute(insert(LiveExecutionRow), [vars(_execution(at)) for at in range(first, min(first + AT_ONCE, executions))])
        add_up_all(session.connection())


def _execution(at: int) -> LiveExecution:
    qty = Decimal(1 + at % 7)
    return LiveExecution(f"c-{at}", "", qty, "A", f"run {at % RUNS}", f"S{at // RUNS % SYMBOLS:03}", "sell" if at % 3 == 2 else "buy", qty,
                         Decimal(10_000 + at % 997).scaleb(-2), 10**18 + at)


def _measure(name: str, journal: Journal, executions: int) -> None:
    one, all_ = (_median(lambda run=run: journal.state.portfolio("A", run)) for run in ("run 1", None))
    more = iter(range(executions, executions + 2 * TIMES))
    told = _median(lambda: journal.account_log.execute([_execution(next(more))]))
    print(f"{name:>10}: {executions:,} executions; portfolio of a run {one:.1f} ms, of the account {all_:.1f} ms; one more execution {told:.1f} ms")


def _median(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
