"""Runs that decide by code of one's own, known by the name it has in their specs. Imports journal and core."""

from typing import TYPE_CHECKING

from core.errors import UnknownName
from journal.live_days import every
from journal.pages import Chosen

if TYPE_CHECKING:
    from journal.journal import Journal


def runs_of(journal: "Journal", name: str) -> list[tuple[str, str]]:
    """The (class, run) pairs whose latest decision was made by a strategy named so; the code is not read.

    Raises:
        UnknownName: there are none.
    """
    rows = every(lambda after: journal.pages.decisions(Chosen(), after, latest=True))
    found = sorted({(row.strategy, row.run_key) for row in rows if row.spec.get("strategy") == name})
    if not found:
        raise UnknownName(f"strategy {name!r:.60} is code of one's own, and no run in the journal decides by it: name it as the run's spec does")
    return found
