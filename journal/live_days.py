"""`LiveDays`: what live runs have decided, sent and executed, of all accounts and between two moments. Reads only."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from journal.account_log import LiveExecution
from journal.blotter import LiveOrder
from journal.journal import Journal
from journal.pages import Chosen, Part

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
        self._pages = journal.pages

    def decided(self) -> list[Trace]:
        """Every decision that asked for orders."""
        rows = every(lambda after: self._pages.decisions(Chosen(), after, with_orders=True))
        return [Trace(row.account, row.run_key, str(row.spec.get("calendar", "XNYS")), row.bar_ns) for row in rows]

    def orders(self, decisions: Collection[int]) -> list[SentOrder]:
        """Every attempt of some decisions, in the order they were written down."""
        numbers = sorted(decisions)
        found = [each for first in range(0, len(numbers), SOME) for each in self._orders(numbers[first:first + SOME])]
        found.sort(key=lambda each: (each.created_ns, each.order.place, each.order.attempt))
        return [SentOrder(each.order, each.decision, each.created_ns, each.updated_ns) for each in found]

    def executions(self) -> list[LiveExecution]:
        """What was executed for runs, on all accounts, in order."""
        return list(every(lambda after: self._pages.executions(Chosen(), after, owned=True)))

    def _orders(self, numbers: list[int]) -> Iterator[Any]:
        return every(lambda after: self._pages.orders(Chosen(), after, decisions=numbers))


def every(part: Callable[[str], Part[Any]]) -> Iterator[Any]:
    """The records of all parts; `part` is given the place to go on from."""
    after = ""
    while True:
        records, after = part(after)
        yield from records
        if not after:
            return
