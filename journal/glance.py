"""`Glance`: what is looked at first of a live account: its equity by the hour, its latest orders and executions.

Of the database itself: the REST API shows it, `ApiJournal` has none. Imports what is beside it.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Select, func, select

from journal.account_log import LiveExecution
from journal.blotter import is_key, named
from journal.database import Database
from journal.pages import Chosen, RecordedOrder, matching, record_of, recorded_order
from journal.tables import DecisionRow, LiveExecutionRow, LiveOrderRow, SnapshotRow

HOUR_NS = 3600 * 10**9


class Worth(NamedTuple):
    """(M,) moments, UTC ns, in order, and what an account or run was worth then and had in cash, account currency."""

    time_ns: np.ndarray
    equity: np.ndarray
    cash: np.ndarray


class Glance:
    """Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accounts(self) -> list[str]:
        """The accounts of which something was decided, seen or executed, in order."""
        with self._database.reading() as session:
            return sorted({name for row in (SnapshotRow, DecisionRow, LiveExecutionRow) for name in session.scalars(select(row.account).distinct())})

    def worth(self, account: str, run: str = "", only_last: bool = False) -> Worth:
        """The last of each hour (`only_last`: of all) that snapshots have seen of an account (run "") or a run on it.

        Where there are none, what decisions have seen: all of an account, or those of the run.
        """
        for row, moment, runs in ((SnapshotRow, SnapshotRow.time_ns, SnapshotRow.run), (DecisionRow, DecisionRow.bar_ns, DecisionRow.run_key)):
            whose = [row.account == account, *([runs == run] if run or row is SnapshotRow else [])]
            found = self._worth(row, moment, whose, only_last)
            if len(found.time_ns):
                break
        return found

    def orders(self, chosen: Chosen, limit: int) -> list[RecordedOrder]:
        """Orders, those of the last decision first; a daily run is chosen by its name or by the key of its decisions."""
        row, decision = LiveOrderRow, DecisionRow
        joined = select(row, decision.account, decision.run_key).join(decision, row.decision_id == decision.id)
        every_run = replace(chosen, run=None)
        wanted = matching(joined, every_run, account=decision.account, run=decision.run_key, symbol=row.symbol, moment=row.created_ns)
        if chosen.run is not None:
            wanted = wanted.where(decision.run_key.in_([chosen.run, *self._keys(every_run, chosen.run)]))
        return [recorded_order(each) for each in self._first(wanted.order_by(row.decision_id.desc(), row.place.desc(), row.attempt.desc()), limit)]

    def executions(self, chosen: Chosen, limit: int) -> list[LiveExecution]:
        """Executions, the last first."""
        row = LiveExecutionRow
        wanted = matching(select(row), chosen, account=row.account, run=row.run, symbol=row.symbol, moment=row.time_ns)
        return [record_of(LiveExecution, each[0]) for each in self._first(wanted.order_by(row.time_ns.desc(), row.id.desc()), limit)]

    def _keys(self, chosen: Chosen, name: str) -> list[str]:
        """Under which daily runs of a name have decided."""
        last = select(func.max(DecisionRow.id)).group_by(DecisionRow.account, DecisionRow.run_key)
        wanted = matching(select(DecisionRow), replace(chosen, symbols=()), account=DecisionRow.account, run=DecisionRow.run_key, moment=DecisionRow.bar_ns)
        with self._database.reading() as session:
            return [row.run_key for row in session.scalars(wanted.where(DecisionRow.id.in_(last))) if is_key(row.run_key) and named(row) == name]

    def _first(self, wanted: Select[Any], limit: int) -> list[Any]:
        with self._database.reading() as session:
            return list(session.execute(wanted.limit(limit)))

    def _worth(self, row: Any, moment: Any, whose: list[Any], only_last: bool) -> Worth:
        seen = select(moment.label("moment"), row.equity, row.cash)
        if only_last:
            wanted: Any = seen.where(*whose).order_by(moment.desc(), row.id.desc()).limit(1)
        else:
            turn = func.row_number().over(partition_by=moment // HOUR_NS, order_by=(moment.desc(), row.id.desc())).label("turn")
            ranked = seen.add_columns(turn).where(*whose).subquery()
            wanted = select(ranked.c.moment, ranked.c.equity, ranked.c.cash).where(ranked.c.turn == 1).order_by(ranked.c.moment)
        with self._database.reading() as session:
            found = list(session.execute(wanted))
        times, equity, cash = zip(*found, strict=True) if found else ((), (), ())
        return Worth(np.array(times, np.int64), np.array(equity, np.float64), np.array(cash, np.float64))
