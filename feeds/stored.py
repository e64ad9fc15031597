"""One stored series: its bars and what was asked for; how new bars are added, and what can be said of it.

The same for every kind of store. Imports core and feeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.calendars import get_calendar
from core.errors import BadBars
from core.series import SymbolBars, validate
from feeds.coverage import Coverage, complete_sessions, runs
from feeds.revisions import COLUMNS, Revisions, joined, revised
from feeds.source import cut
from feeds.store import Holding

STALE_SESSIONS = 5


@dataclass(frozen=True, eq=False)
class StoredBars:
    """What is stored of one symbol.

    Attributes:
        bars: may have no row. coverage: sessions asked for. calendar: name of their exchange calendar.
        earlier: versions of bars whose place others took; None = none.
    """

    bars: SymbolBars
    coverage: Coverage
    calendar: str
    earlier: Revisions | None = None

    @property
    def versions(self) -> Revisions:
        """The earlier versions."""
        return self.earlier or Revisions.none(self.bars.symbol)

    @property
    def nbytes(self) -> int:
        """Memory of the columns."""
        series = [self.bars, *([self.earlier.bars] if self.earlier else [])]
        return sum(getattr(each, name).nbytes for each in series for name in COLUMNS)

    def forgetting(self, start: str | None, end: str | None) -> Coverage:
        """The coverage without the sessions from `start` to `end`; None = without bound."""
        calendar = get_calendar(self.calendar)
        return self.coverage.removing(calendar.between(start or calendar.sessions[0], end or calendar.sessions[-1]), calendar)


def added(stored: StoredBars | None, symbol: str, bars: SymbolBars | None, covered: np.ndarray, calendar: str, *, by_session: bool,
          moment: int, earlier: Revisions | None) -> StoredBars:
    """What is stored after `BarStore.write`."""
    old = stored or StoredBars(SymbolBars.make(symbol, [], [], [], validated=False), Coverage(), calendar)
    known = get_calendar(calendar)
    coverage = old.coverage.adding(covered, known)
    if bars is None:
        return StoredBars(old.bars, coverage, calendar, old.earlier)
    new, replaced = news(old.bars, old.coverage, bars, calendar, by_session=by_session, moment=moment, earlier=earlier)
    versions = old.versions.adding(replaced)
    return StoredBars(merge(old.bars, new, by_session), coverage, calendar, versions if len(versions) else None)


def news(old: SymbolBars, coverage: Coverage, bars: SymbolBars, calendar: str, *, by_session: bool, moment: int,
         earlier: Revisions | None) -> tuple[SymbolBars, Revisions]:
    """(those of the bars that are new or say something else than the old ones, the versions to keep).

    Args:
        coverage: sessions asked for before. earlier: versions that another store has kept; no others of the same bars are made.
    """
    asked = np.isin(bars.session, coverage.sessions(get_calendar(calendar))) if coverage.ranges else np.zeros(len(bars), bool)
    new, replaced = revised(old, bars, asked, by_session, moment)
    if earlier is not None:
        replaced = replaced.rows(~np.isin(replaced.bars.index, earlier.bars.index)).adding(earlier)
    return new, replaced


def merge(old: SymbolBars, new: SymbolBars, by_session: bool) -> SymbolBars:
    """All bars of both, the new one where both have one of the same session (else: of the same time)."""
    if not len(old):
        return new
    if not len(new):
        return old
    name = "session" if by_session else "index"
    both = joined(old.rows(~np.isin(getattr(old, name), getattr(new, name))), new)
    return both.rows(np.argsort(both.index, kind="stable"))


def holding(source: str, interval: str, stored: StoredBars) -> Holding:
    """What `BarStore.list` says of one series."""
    session = stored.bars.session
    first, last = (session[0], session[-1]) if len(session) else (None, None)
    count = len(stored.coverage.sessions(get_calendar(stored.calendar)))
    return Holding(source, stored.bars.symbol, interval, len(session), first, last, count, stored.calendar)


def doubts(stored: StoredBars, now: int) -> Iterator[tuple[str, str]]:
    """What `BarStore.check` says of one series, as (kind, detail); `now` in UTC ns."""
    calendar = get_calendar(stored.calendar)
    covered = stored.coverage.sessions(calendar)
    if len(covered):
        holes = stored.coverage.missing(calendar.between(covered[0], covered[-1]), calendar)
        for first, last in runs(holes, calendar):
            yield "hole", f"{first} to {last} was never asked for: fetch it"
        late = len(complete_sessions(calendar, str(covered[-1] + 1), None, now))
        if late > STALE_SESSIONS:
            yield "stale", f"asked for up to {covered[-1]}, {late} sessions ago: fetch the rest"
    if len(stored.bars):
        inside = cut(stored.bars, covered[0], covered[-1]) if len(covered) else stored.bars
        expected = covered[(covered >= stored.bars.session[0]) & (covered <= stored.bars.session[-1])]
        for first, last in runs(np.setdiff1d(expected, inside.session), calendar):
            yield "untraded", f"no bar from {first} to {last}: not traded, or lost by the source"
        try:
            validate(stored.bars)
        except BadBars as error:
            yield "invalid", f"{error.row}: {error.rule}; forget and fetch it again"
