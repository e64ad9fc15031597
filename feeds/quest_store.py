"""QuestStore: bars in QuestDB, for joins over time with what the journal has there. Imports core and feeds.

All of a write are rows of one table sent in one transaction, and nothing is overwritten: writers need not wait for each other,
whoever reads sees a write wholly or not at all, and of what two write at once both is kept. Only a write of more than `BATCH` bars
is several transactions, the sessions asked for in the last: what was interrupted is asked for again.
"""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from core.calendars import get_calendar
from core.errors import StoreFailed
from core.questdb_bars import found_days, within
from core.questdb_server import SETTLE_S, QuestAway, QuestServer, QuestTable
from core.series import SymbolBars
from feeds.averages import Averages, without_bars
from feeds.coverage import Coverage, runs
from feeds.intervals import is_intraday
from feeds.quest_averages import AVERAGES, averages_frame, read_averages
from feeds.quest_log import SeriesLog, new_bars
from feeds.quest_rows import ASKED, CHANGE, FORGOTTEN, OF_SERIES, SELECTED, SYMBOLS, TABLE, Write, log_of
from feeds.revisions import Revisions, as_of
from feeds.series_cache import SeriesCache
from feeds.source import cut_all
from feeds.store import Finding, Holding
from feeds.stored import StoredBars, doubts
from feeds.stores import shown

if TYPE_CHECKING:
    import pandas as pd
    from questdb import Sender

log = logging.getLogger(__name__)
WAITS_S = (0.2, 1.0, 2.0)  # before it is tried again
BATCH = 100_000
_SERIES = f"FROM {TABLE.name} {OF_SERIES}"
_ALL = f"SELECT {SELECTED} {_SERIES}"
_CHANGES = f"SELECT {CHANGE} {_SERIES} AND kind IN ('asked', 'forgotten')"
_COUNTED = f'SELECT symbol, count(), cast(max(ts) AS LONG) FROM {TABLE.name} WHERE source = %s AND "interval" = %s AND symbol'
_EVERY_CHANGE = f"""SELECT source, "interval", symbol, {CHANGE} FROM {TABLE.name} WHERE kind IN ('asked', 'forgotten')"""
_LISTED = f"""SELECT source, "interval", symbol, count(), cast(min(first) AS LONG), cast(max(first) AS LONG) FROM (
    SELECT source, "interval", symbol, slot, min(session) first FROM {TABLE.name} WHERE kind = 'bar')"""
Found = TypeVar("Found")


class QuestStore:
    """Bars in a QuestDB; see `feeds.store.BarStore` for the methods, and `feeds.quest_rows` for the table.

    A series that has not been written since is served from memory.

    Args:
        place: "questdb://USER:PASSWORD@HOST:PORT?pg_port=PORT".
        waits_s: how long to wait before each further try when the server does not answer.
        settle_s: how long for what was written to become visible.

    Raises:
        UsageError: the address is none, or the package questdb is not installed.
    """

    def __init__(self, place: str, waits_s: Sequence[float] | None = None, settle_s: float = SETTLE_S) -> None:
        self._connect = lambda: QuestServer(place, (TABLE, AVERAGES), settle_s=settle_s)
        self._waits_s = tuple(WAITS_S if waits_s is None else waits_s)
        self._cache, self._lock = SeriesCache[StoredBars](), threading.RLock()
        self._open()

    def __repr__(self) -> str:
        return f"QuestStore({self._server.shown!r})"

    @property
    def place(self) -> str:
        """Where it is; without user, password and options."""
        return shown(self._server.shown)

    def read(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
             source: str, known_at: int | None = None) -> list[SymbolBars]:
        """What is stored of the symbols, without those that have no bar from `start` to `end`."""
        series = self._series(symbols, interval, source)
        if known_at is None:
            return cut_all([stored.bars for stored in series], start, end)
        return cut_all([as_of(stored.bars, stored.versions, known_at, not is_intraday(interval)) for stored in series], start, end)

    def revisions(self, symbol: str, interval: str = "1d", *, source: str) -> Revisions:
        """Every earlier version of a bar."""
        return next((stored.versions for stored in self._series([symbol], interval, source)), Revisions.none(symbol))

    def missing(self, symbol: str, sessions: np.ndarray, interval: str = "1d", *, source: str,
                calendar: str = "XNYS") -> np.ndarray:
        """Those of `sessions` that were never asked for."""
        found = self._carried_out(lambda: self._log(_CHANGES, symbol, interval, source))
        return (found.coverage if found else Coverage()).missing(sessions, get_calendar(calendar))

    def write(self, symbol: str, bars: SymbolBars | None, covered: np.ndarray, interval: str = "1d", *, source: str,
              calendar: str = "XNYS", now: int | None = None, earlier: Revisions | None = None) -> None:
        """Add bars and record `covered` as asked for, in one transaction."""
        moment, by_session, known = time.time_ns() if now is None else now, not is_intraday(interval), get_calendar(calendar)
        ranges = runs(np.unique(covered[known.position(covered) >= 0]), known)

        def add() -> None:
            condition, bounds = within(bars.session[0], bars.session[-1]) if bars is not None and len(bars) else (" AND false", [])
            found = self._log(f"{_ALL} AND (kind IN ('asked', 'forgotten') OR kind = 'bar'{condition})", symbol, interval, source, *bounds)
            writing = Write(source, interval, symbol, found.newest if found else 0)
            rows = []
            if bars is not None and len(bars):
                new = new_bars(found, bars, calendar, by_session=by_session, moment=moment, earlier=earlier)
                rows = [*_parts(writing.bars(new, by_session)), *([] if earlier is None else _parts(writing.earlier(earlier)))]
            if sum(map(len, rows)) > BATCH:
                for part in (writing.sessions(ASKED, [], calendar), *rows):
                    self._send(TABLE, [part])
                rows = []
            if ranges or found is None or found.calendar != calendar:
                rows.append(writing.sessions(ASKED, ranges, calendar))
            if rows:
                self._send(TABLE, rows)

        self._carried_out(add)

    def write_averages(self, averages: Averages, interval: str = "1d", *, source: str) -> None:
        """Add averages, in a table of their own."""
        def put() -> None:
            if self._log(_CHANGES, averages.symbol, interval, source) is None:
                raise without_bars(averages.symbol, interval, source)
            for part in _parts(averages_frame(self._server, averages, interval, source, not is_intraday(interval))):
                self._send(AVERAGES, [part])

        self._carried_out(put)

    def averages(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
                 source: str) -> list[Averages]:
        """The stored averages of the symbols, without those that have none from `start` to `end`."""
        def found() -> list[Averages]:
            return [read_averages(self._server, symbol, start, end, interval, source) for symbol in symbols]

        return [each for each in self._carried_out(found) if len(each)]

    def forget(self, symbol: str, start: str | None = None, end: str | None = None, interval: str = "1d", *,
               source: str) -> None:
        """Have sessions asked for again; a symbol that is not stored stays so."""
        def remove() -> None:
            found = self._log(_CHANGES, symbol, interval, source)
            if found is not None:
                sessions = get_calendar(found.calendar).sessions
                span = np.datetime64(start or sessions[0], "D"), np.datetime64(end or sessions[-1], "D")
                writing = Write(source, interval, symbol, found.newest)
                self._send(TABLE, [writing.sessions(FORGOTTEN, [span], found.calendar)])

        self._carried_out(remove)

    def list(self) -> Sequence[Holding]:
        """Everything stored, counted by the server."""
        def found() -> tuple[list[Any], list[Any]]:
            return self._server.ask(_EVERY_CHANGE), self._server.ask(_LISTED)

        rows, counts = self._carried_out(found)
        counted = {row[:3]: (row[3], *found_days(row[4:])) for row in counts}
        listed = []
        for names, series in groupby(sorted(rows, key=lambda row: row[:5]), key=lambda row: row[:3]):
            found_log = log_of(names[2], [row[3:] for row in series])
            asked = len(found_log.coverage.sessions(get_calendar(found_log.calendar)))
            count, first, last = counted.get(names, (0, None, None))
            listed.append(Holding(names[0], names[2], names[1], count, first, last, asked, found_log.calendar))
        return listed

    def check(self, now: int | None = None) -> Sequence[Finding]:
        """Holes, untraded sessions, invalid bars and stale series, symbol by symbol."""
        now = time.time_ns() if now is None else now
        return [Finding(held.source, held.symbol, held.interval, kind, detail) for held in self.list()
                for stored in self._series([held.symbol], held.interval, held.source) for kind, detail in doubts(stored, now)]

    def _series(self, symbols: Sequence[str], interval: str, source: str) -> Sequence[StoredBars]:
        """What is stored of those of the symbols that are, in their order; from memory where nothing was written since."""
        def found() -> Sequence[StoredBars]:
            counted = f'{_COUNTED} IN ({", ".join(["%s"] * len(symbols))})'
            rows = self._server.ask(counted, [source, interval, *symbols]) if symbols else []
            identities = {symbol: (count, newest) for symbol, count, newest in rows}
            return [self._stored(symbol, interval, source, identities[symbol]) for symbol in symbols if symbol in identities]

        return self._carried_out(found)

    def _stored(self, symbol: str, interval: str, source: str, identity: tuple[int, int]) -> StoredBars:
        key = (source, interval, symbol)
        known = self._cache.get(key, identity)
        if known is not None:
            return known
        found = self._log(_ALL, symbol, interval, source)
        if found is None:
            raise StoreFailed(f"{self._server.shown}: the rows of {symbol} were removed from {TABLE.name} while they were read; repeat")
        stored = found.stored(not is_intraday(interval))
        self._cache.put(key, (found.rows, found.newest), stored)
        return stored

    def _log(self, statement: str, symbol: str, interval: str, source: str, *values: int) -> SeriesLog | None:
        rows = self._server.ask(statement, [source, interval, symbol, *values], binary=True)
        return log_of(symbol, rows) if rows else None

    def _send(self, table: QuestTable, frames: "Sequence[pd.DataFrame]") -> None:
        """All in one transaction, visible afterwards."""
        def fill(sender: "Sender") -> None:
            for frame in frames:
                symbols = [name for name in SYMBOLS if name in frame]
                sender.dataframe(frame, table_name=table.name, symbols=symbols, at="ts")

        self._server.send(fill)
        self._server.settle()

    def _carried_out(self, work: Callable[[], Found]) -> Found:
        """When all that was sent before is visible; again, as it can be repeated, when the server was away for a moment."""
        with self._lock:
            if self._process != os.getpid():  # no connection outlives a fork
                self._open()
            for wait_s in (*self._waits_s, None):
                try:
                    self._server.settle()
                    return work()
                except QuestAway as error:
                    if wait_s is None:
                        raise
                    log.warning("%s; trying again in %g s", error, wait_s)
                    time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _open(self) -> None:
        self._server, self._process = self._connect(), os.getpid()
        weakref.finalize(self, _close, self._server, self._process)


def _parts(frame: "pd.DataFrame") -> "Sequence[pd.DataFrame]":
    return [frame.iloc[at:at + BATCH] for at in range(0, len(frame), BATCH)]


def _close(server: QuestServer, process: int) -> None:
    if process == os.getpid():
        server.close()
