"""What is known of one series in QuestDB: everything that was ever written of it, and what follows from that. Imports core and feeds.

Nothing is ever overwritten: of two bars of one session the one written later counts, and the other is its earlier version.
"""

from dataclasses import dataclass

import numpy as np

from core.calendars import get_calendar
from core.series import SymbolBars
from feeds.coverage import Coverage
from feeds.revisions import Revisions, revised
from feeds.stored import StoredBars, merge


@dataclass(frozen=True, eq=False)
class WrittenBars:
    """Bars in the order in which they were written.

    Attributes:
        bars: (R) rows.
        moment: (R,) int64, UTC ns, when they arrived.
        asked: (R,) bool, whether their session had been asked for before.
        told: (R,) bool, whether the versions whose place they took are among those that another store has kept.
    """

    bars: SymbolBars
    moment: np.ndarray
    asked: np.ndarray
    told: np.ndarray


@dataclass(frozen=True, eq=False)
class SeriesLog:
    """All that was written of a series.

    Attributes:
        written: bars. kept: versions that another store has kept.
        changes: (first session, last session, whether they were asked for or forgotten), in order.
        calendar: of the newest write. newest: when that was, as the table counts it; rows: how many there are of anything.
    """

    written: WrittenBars
    kept: Revisions
    changes: list[tuple[np.datetime64, np.datetime64, bool]]
    calendar: str
    newest: int
    rows: int

    @property
    def coverage(self) -> Coverage:
        """The sessions asked for."""
        return Coverage.after(self.changes, get_calendar(self.calendar))

    def stored(self, by_session: bool) -> StoredBars:
        """The bars, and the versions whose place others took."""
        written, name = self.written, "session" if by_session else "index"
        bars = written.bars.rows(slice(0))
        earlier = Revisions(bars, written.moment[:0])
        keys, moment, before = getattr(written.bars, name), written.moment.copy(), np.empty(0, np.int64)
        for layer in _layers(keys):
            if len(before):  # of two that were written at once, the one that counts less may have arrived later
                moment[layer] = np.maximum(moment[layer], moment[before[np.searchsorted(keys[before], keys[layer])]] + 1)
            new, replaced = revised(bars, written.bars.rows(layer), written.asked[layer], by_session, 0)
            at = layer[np.searchsorted(keys[layer], getattr(replaced.bars, name))]
            untold = ~written.told[at]
            earlier = earlier.adding(Revisions(replaced.bars.rows(untold), moment[at][untold]))
            bars, before = merge(bars, new, by_session), layer
        earlier = earlier.adding(self.kept)
        for each in (bars, earlier.bars):
            for column in vars(each).values():
                if isinstance(column, np.ndarray):
                    column.flags.writeable = False
        return StoredBars(bars, self.coverage, self.calendar, earlier if len(earlier) else None)


def _layers(keys: np.ndarray) -> list[np.ndarray]:
    """The rows of the first bar of each key, in order of the keys; then of the second of those that have one; and so on."""
    order = np.argsort(keys, kind="stable")
    places = np.arange(len(keys))
    first = np.r_[True, keys[order][1:] != keys[order][:-1]][:len(keys)]
    nth = places - np.maximum.accumulate(np.where(first, places, 0))
    return [order[nth == layer] for layer in range(nth.max(initial=-1) + 1)]


def new_bars(found: SeriesLog | None, bars: SymbolBars, calendar: str, *, by_session: bool, moment: int, earlier: Revisions | None) -> WrittenBars:
    """Those of the bars that are new or say something else than what was found, as they are to be written."""
    name = "session" if by_session else "index"
    old = found.stored(by_session).bars if found else bars.rows(slice(0))
    asked_for = found.coverage.sessions(get_calendar(calendar)) if found else bars.session[:0]
    new, replaced = revised(old, bars, np.isin(bars.session, asked_for), by_session, moment)
    told = replaced.bars.rows(np.isin(replaced.bars.index, earlier.bars.index)) if earlier else replaced.bars.rows(slice(0))
    return WrittenBars(new, np.full(len(new), moment), np.isin(new.session, asked_for), np.isin(getattr(new, name), getattr(told, name)))
