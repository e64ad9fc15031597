"""SqlStore: bars in a SQLite file or on a PostgreSQL server, a row each, so that any SQL tool can ask for them.

Imports core and feeds.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, Row, bindparam, text
from sqlalchemy.exc import DBAPIError

from core.calendars import get_calendar
from core.errors import StoreFailed
from core.series import SymbolBars
from feeds.averages import Averages, without_bars
from feeds.coverage import Coverage
from feeds.intervals import is_intraday
from feeds.revisions import Revisions, as_of
from feeds.series_cache import SeriesCache
from feeds.source import cut_all
from feeds.sql_averages import put_averages, read_averages
from feeds.sql_revisions import add_revisions, read_revisions
from feeds.sql_tables import FORMAT, tables_at
from feeds.store import Finding, Holding
from feeds.stored import StoredBars, doubts, news
from feeds.stores import shown

log = logging.getLogger(__name__)
BUSY_TIMEOUT_S = 30.0
WAITS_S = (0.2, 1.0, 2.0)  # before it is tried again
_SERIES = "SELECT id, source, interval, symbol, close_only, calendar, coverage, version FROM bar_series"
_SOME = text(f"{_SERIES} WHERE source = :source AND interval = :interval AND symbol IN :symbols").bindparams(
    bindparam("symbols", expanding=True))
_ALL = text(f"{_SERIES} ORDER BY source, interval, symbol")
_LISTED = text("SELECT series, count(*), min(session), max(session) FROM bars GROUP BY series")
_NEW = text("INSERT INTO bar_series (source, interval, symbol, close_only, calendar, coverage, version) "
            "VALUES (:source, :interval, :symbol, :close_only, :calendar, '[]', 0) ON CONFLICT DO NOTHING")
_CHANGED = text("UPDATE bar_series SET close_only = :close_only, calendar = :calendar, coverage = :coverage, version = :version WHERE id = :id")
Found = TypeVar("Found")


class SqlStore:
    """Bars in a database; see `feeds.store.BarStore` for the methods, and `feeds.sql_tables` for the tables.

    A series that has not been written since is served from memory: bars that others change by hand in SQL are seen by
    the next process.

    Args:
        place: a SQLite file, "sqlite:///path", or "postgresql://user:password@host:port/database".
        busy_timeout_s: how long to wait for another process's writing.
        waits_s: how long to wait before each further try when the server does not answer.

    Raises:
        UsageError: the address names no database of a kind that is known.
    """

    def __init__(self, place: str | Path, busy_timeout_s: float = BUSY_TIMEOUT_S, waits_s: Sequence[float] | None = None) -> None:
        self._tables = tables_at(place, busy_timeout_s)
        self._failures: tuple[type[Exception], ...] = (DBAPIError, OSError, *self._tables.failures)
        self._waits_s = tuple(WAITS_S if waits_s is None else waits_s)
        self._cache = SeriesCache[StoredBars]()
        self._ready = False

    def __repr__(self) -> str:
        return f"SqlStore({self._tables.shown!r})"

    @property
    def place(self) -> str:
        """Where it is; without user, password and options."""
        return shown(self._tables.shown)

    def read(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
             source: str, known_at: int | None = None) -> list[SymbolBars]:
        """What is stored of the symbols, without those that have no bar from `start` to `end`."""
        def bars(connection: Connection, row: Row) -> SymbolBars:
            stored = self._stored(connection, row).bars
            if known_at is None:
                return stored
            return as_of(stored, read_revisions(connection, row.id, row.symbol), known_at, not is_intraday(interval))

        def found(connection: Connection) -> list[SymbolBars]:
            rows = {row.symbol: row for row in self._rows(connection, symbols, interval, source)}
            return [bars(connection, rows[symbol]) for symbol in symbols if symbol in rows]

        return cut_all(self._reading(found, []), start, end)

    def revisions(self, symbol: str, interval: str = "1d", *, source: str) -> Revisions:
        """Every earlier version of a bar."""
        def found(connection: Connection) -> Revisions:
            rows = self._rows(connection, [symbol], interval, source)
            return read_revisions(connection, rows[0].id, symbol) if rows else Revisions.none(symbol)

        return self._reading(found, Revisions.none(symbol))

    def missing(self, symbol: str, sessions: np.ndarray, interval: str = "1d", *, source: str,
                calendar: str = "XNYS") -> np.ndarray:
        """Those of `sessions` that were never asked for."""
        rows = self._reading(lambda connection: self._rows(connection, [symbol], interval, source), [])
        return (self._coverage(rows[0]) if rows else Coverage()).missing(sessions, get_calendar(calendar))

    def write(self, symbol: str, bars: SymbolBars | None, covered: np.ndarray, interval: str = "1d", *, source: str,
              calendar: str = "XNYS", now: int | None = None, earlier: Revisions | None = None) -> None:
        """Add bars and record `covered` as asked for, in one transaction."""
        moment, by_session = time.time_ns() if now is None else now, not is_intraday(interval)

        def add(connection: Connection) -> None:
            row = self._locked(connection, symbol, interval, source, calendar)
            asked = self._coverage(row)
            close_only = bool(row.close_only) or (bars is not None and bars.close_only)
            self._change(connection, row, asked.adding(covered, get_calendar(calendar)), calendar, close_only)
            if bars is not None and len(bars):
                old = self._bars(connection, row, bars.session[0], bars.session[-1])
                new, replaced = news(old, asked, bars, calendar, by_session=by_session, moment=moment, earlier=earlier)
                add_revisions(connection, row.id, replaced)
                self._tables.replace(connection, row.id, new, by_session)

        self._writing(add)

    def write_averages(self, averages: Averages, interval: str = "1d", *, source: str) -> None:
        """Add averages, in one transaction."""
        def put(connection: Connection) -> None:
            rows = self._rows(connection, [averages.symbol], interval, source, self._tables.row_lock)
            if not rows:
                raise without_bars(averages.symbol, interval, source)
            put_averages(connection, rows[0].id, averages, not is_intraday(interval))

        self._writing(put)

    def averages(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
                 source: str) -> list[Averages]:
        """The stored averages of the symbols, without those that have none from `start` to `end`."""
        def found(connection: Connection) -> list[Averages]:
            rows = {row.symbol: row for row in self._rows(connection, symbols, interval, source)}
            return [read_averages(connection, rows[symbol].id, symbol, start, end) for symbol in symbols if symbol in rows]

        return [each for each in self._reading(found, []) if len(each)]

    def forget(self, symbol: str, start: str | None = None, end: str | None = None, interval: str = "1d", *,
               source: str) -> None:
        """Have sessions asked for again; a symbol that is not stored stays so."""
        def remove(connection: Connection) -> None:
            for row in self._rows(connection, [symbol], interval, source, self._tables.row_lock):
                stored = self._stored(connection, row)
                self._change(connection, row, stored.forgetting(start, end), row.calendar, row.close_only)

        self._writing(remove)

    def list(self) -> Sequence[Holding]:
        """Everything stored, counted by the database."""
        rows, counts = self._reading(lambda connection: (connection.execute(_ALL).all(), connection.execute(_LISTED).all()), ([], []))
        counted = {series: (count, np.datetime64(first, "D"), np.datetime64(last, "D")) for series, count, first, last in counts}
        listed = []
        for row in rows:
            count, first, last = counted.get(row.id, (0, None, None))
            asked = len(self._coverage(row).sessions(get_calendar(row.calendar)))
            listed.append(Holding(row.source, row.symbol, row.interval, count, first, last, asked, row.calendar))
        return listed

    def check(self, now: int | None = None) -> Sequence[Finding]:
        """Holes, untraded sessions, invalid bars and stale series, symbol by symbol."""
        now = time.time_ns() if now is None else now
        return [Finding(row.source, row.symbol, row.interval, kind, detail)
                for row, stored in self._all() for kind, detail in doubts(stored, now)]

    def _all(self) -> Iterator[tuple[Row, StoredBars]]:
        for row in self._reading(lambda connection: connection.execute(_ALL).all(), []):
            yield row, self._carried_out(self._tables.reading, partial(self._stored, row=row))

    def _rows(self, connection: Connection, symbols: Sequence[str], interval: str, source: str, lock: str = "") -> Sequence[Row]:
        asked = text(_SOME.text + lock).bindparams(bindparam("symbols", expanding=True)) if lock else _SOME
        return connection.execute(asked, {"source": source, "interval": interval, "symbols": list(symbols)}).all()

    def _locked(self, connection: Connection, symbol: str, interval: str, source: str, calendar: str) -> Row:
        """The row of a series, made where there is none, and kept from other writers until the end of the transaction."""
        rows = self._rows(connection, [symbol], interval, source, self._tables.row_lock)
        if not rows:
            connection.execute(_NEW, {"source": source, "interval": interval, "symbol": symbol, "close_only": False, "calendar": calendar})
            rows = self._rows(connection, [symbol], interval, source, self._tables.row_lock)
        return rows[0]

    def _change(self, connection: Connection, row: Row, coverage: Coverage, calendar: str, close_only: bool) -> None:
        connection.execute(_CHANGED, {"id": row.id, "close_only": bool(close_only), "calendar": calendar, "coverage": coverage.to_json(),
                                      "version": secrets.randbits(63)})

    def _stored(self, connection: Connection, row: Row) -> StoredBars:
        """The series of a row, from memory when it is the one seen last."""
        known = self._cache.get(row.id, row.version)
        if known is not None:
            return known
        stored = StoredBars(self._bars(connection, row), self._coverage(row), row.calendar)
        self._cache.put(row.id, row.version, stored)
        return stored

    def _bars(self, connection: Connection, row: Row, first: np.datetime64 | None = None, last: np.datetime64 | None = None) -> SymbolBars:
        columns = self._tables.bars(connection, row.id, first, last)
        columns["index"] = columns.pop("time_ns")
        for values in columns.values():
            values.flags.writeable = False
        return SymbolBars(row.symbol, **columns, close_only=bool(row.close_only))

    def _coverage(self, row: Row) -> Coverage:
        try:
            return Coverage.from_json(row.coverage)
        except (ValueError, TypeError):
            raise StoreFailed(f"the bars in {self._tables.shown} are damaged: {row.coverage!r:.60} is no coverage of {row.symbol} "
                              f"{row.interval} of {row.source}; delete that row of bar_series and its bars, and fetch them again") from None

    def _reading(self, work: Callable[[Connection], Found], nothing: Any) -> Found:
        """What is found; `nothing` where there is no database yet, and none is made for looking."""
        return nothing if self._tables.absent() else self._carried_out(self._tables.reading, work)

    def _writing(self, work: Callable[[Connection], Found]) -> Found:
        return self._carried_out(self._tables.writing, work)

    def _carried_out(self, engine: Callable[[], Engine], work: Callable[[Connection], Found]) -> Found:
        """One transaction; all of it again, as it can be repeated, when the server was away for a moment."""
        for wait_s in (*self._waits_s, None):
            try:
                self._prepare()
                with engine().begin() as connection:
                    return work(connection)
            except StoreFailed:
                raise
            except self._failures as error:
                told = f"the bars in {self._tables.shown} failed: {self._tables.advice(error)}"
                if wait_s is None or not self._tables.passing(error):
                    raise StoreFailed(told) from None
                log.warning("%s; trying again in %g s", told, wait_s)
                time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _prepare(self) -> None:
        """Make the tables on first use, and refuse those of a later cerebrolab."""
        if self._ready:
            return
        with self._tables.first_use():
            with self._tables.reading().begin() as connection:
                there = self._tables.there(connection)
            if not there:
                with self._tables.writing().begin() as connection:
                    self._tables.make(connection)
            with self._tables.reading().begin() as connection:
                found = connection.execute(text("SELECT format FROM bar_format")).scalar_one()
            if found < FORMAT:
                with self._tables.writing().begin() as connection:
                    self._tables.make(connection)
        if found > FORMAT:
            raise StoreFailed(f"the bars in {self._tables.shown} are of format {found}, not {FORMAT}: use the cerebrolab that wrote them")
        self._ready = True
