"""`LiveDays`: what live runs have decided, sent and executed, of all accounts and between two moments. Reads only."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select

from journal.account_log import LiveExecution
from journal.blotter import LiveOrder
from journal.journal import Journal
from journal.tables import DecisionRow, LiveExecutionRow, LiveOrderRow

SOME = 500  # numbers in one question


class SentOrder(NamedTuple):
    """An order as it stands.

    Attributes:
        order: the attempt. decision: number of its decision. sent_ns: when it was written down to be sent, UTC ns; a daily
            run writes its orders down when it decides. changed_ns: when it last changed.
    """

    order: LiveOrder
    decision: int
    sent_ns: int
    changed_ns: int


class Trace(NamedTuple):
    """That a run did something: decided on a bar that was complete at `time_ns`, or executed at it."""

    account: str
    run: str
    calendar: str
    time_ns: int


class LiveDays:
    """The live part of a journal, read across accounts. Raises StoreFailed as `Journal` does."""

    def __init__(self, journal: Journal) -> None:
        self._database = journal.blotter._database

    def decided(self) -> list[Trace]:
        """Every decision that asked for orders."""
        chosen = select(DecisionRow).where(DecisionRow.id.in_(select(LiveOrderRow.decision_id))).order_by(DecisionRow.bar_ns)
        with self._database.reading() as session:
            return [Trace(row.account, row.run_key, str(row.spec.get("calendar", "XNYS")), row.bar_ns)
                    for row in session.scalars(chosen)]

    def orders(self, decisions: Collection[int]) -> list[SentOrder]:
        """Every attempt of some decisions, in the order they were written down."""
        numbers, found = sorted(decisions), []
        with self._database.reading() as session:
            for first in range(0, len(numbers), SOME):
                chosen = select(LiveOrderRow).where(LiveOrderRow.decision_id.in_(numbers[first:first + SOME]))
                found += list(session.scalars(chosen.order_by(LiveOrderRow.created_ns, LiveOrderRow.place, LiveOrderRow.attempt)))
        return [SentOrder(LiveOrder(**{name: getattr(row, name) for name in LiveOrder.__dataclass_fields__}), row.decision_id,
                          row.created_ns, row.updated_ns) for row in found]

    def executions(self) -> list[LiveExecution]:
        """What was executed for runs, on all accounts, in order."""
        chosen = select(LiveExecutionRow).where(LiveExecutionRow.run != "").order_by(LiveExecutionRow.time_ns, LiveExecutionRow.id)
        with self._database.reading() as session:
            return [LiveExecution(**{name: getattr(row, name) for name in LiveExecution.__dataclass_fields__})
                    for row in session.scalars(chosen)]
