"""Source "csv": bars from the user's own CSV files, with splits and dividends from SYMBOL.actions.csv beside them.

A daily row stands for a session. An intraday time is the start of its bar (the completion, in a column named "Close
Time" or "End") in the exchange's time zone unless it names an offset; bars outside the exchange's hours are left out.
Imports core and feeds.source.
"""

import datetime as dt
import logging
import warnings
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from core.calendars import get_calendar
from core.errors import BadBars, UnknownName, UsageError
from core.series import SymbolBars, validate
from feeds.csv_actions import with_actions
from feeds.csv_dates import parse_times
from feeds.csv_table import CsvTable, read_table, symbol_of
from feeds.intervals import completion, is_intraday, require_daily
from feeds.source import Progress, cut

log = logging.getLogger(__name__)


class CsvSource:
    """CSV files named as symbols ("data/SPY.csv"), all of a folder ("csv:DIR"), or one long file ("csv:FILE.csv").

    A file with a symbol column holds many symbols; any other holds the symbol it is named after.
    """

    name = "csv"
    synthetic = False
    stored = False
    market_index = ""

    def __init__(self, place: str | Path | None = None, calendar: str = "XNYS") -> None:
        self.calendar = calendar
        self.place = Path(place) if place else None
        self._tables: dict[str, CsvTable] = {}
        if self.place and self.place.is_file():
            self._add(self.place)
        elif self.place and not self.place.is_dir():
            near = [each.name for each in self.place.parent.glob("*")] if self.place.parent.is_dir() else []
            raise UnknownName.of(f"folder or file in {self.place.parent}", self.place.name, near)

    @property
    def note(self) -> str:
        """The files read so far."""
        return ", ".join(sorted({str(table.path) for table in self._tables.values()})[:5])

    def symbols(self) -> tuple[str, ...]:
        """Every symbol of the folder or the long file; empty when neither was named."""
        if self.place and self.place.is_dir():
            files = (path for path in self.place.glob("*.csv") if not path.stem.endswith(".actions"))
            return tuple(sorted(symbol_of(path) for path in files))
        return tuple(self._tables)

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """The symbols behind names and file paths; a file with a symbol column stands for all in it.

        Raises:
            UnknownName: no such file or name. UsageError: a name, but no folder to look in. BadBars: as `fetch`.
        """
        found: list[str] = []
        for written in symbols:
            is_path = written.lower().endswith(".csv") or "/" in written or "\\" in written
            found.extend(self._add(Path(written)) if is_path else [self._find(written)])
        return tuple(dict.fromkeys(found))

    def sector(self, symbol: str) -> str:
        """Unknown: files of bars do not say."""
        return ""

    def last_session(self, symbols: Sequence[str]) -> np.datetime64:
        """The latest date in any of the symbols' files."""
        tables = [self._tables[symbol] for symbol in self.canonical(symbols)]
        return np.datetime64(max(max(_times(table)[0]).date() for table in tables), "D")

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str = "1d",
              progress: Progress | None = None) -> list[SymbolBars]:
        """Bars of the symbols; see `feeds.source.Source.fetch`.

        Raises:
            UnknownName: no such file or name. UsageError: a file that cannot be read.
            BadBars: names file, line, value and rule.
        """
        series = []
        names = self.canonical(symbols)
        for done, symbol in enumerate(names, 1):
            bars = cut(read_bars(self._tables[symbol], symbol, interval, self.calendar), start, end)
            if len(bars):
                series.append(bars)
            if progress:
                progress(done, len(names), symbol)
        return series

    def _find(self, symbol: str) -> str:
        if symbol in self._tables:
            return symbol
        if self.place is None:
            raise UsageError(f"symbol {symbol!r} names no file: write data/{symbol}.csv, or --source csv:FOLDER")
        if symbol not in self.symbols():
            raise UnknownName.of("symbol", symbol, self.symbols(), f"(in {self.place})")
        self._add(self.place / f"{symbol}.csv")
        return symbol

    def _add(self, path: Path) -> tuple[str, ...]:
        table = read_table(path)
        names = table.symbols or (symbol_of(path),)
        for name in names:
            known = self._tables.get(name)
            if known is not None and known.path != path:
                raise UsageError(f"symbol {name} is in {known.path} and in {path}: name one of them")
            self._tables[name] = table.of_symbol(name) if table.symbols else table
        return names


def read_bars(table: CsvTable, symbol: str, interval: str, calendar: str) -> SymbolBars:
    """The validated bars of one symbol's rows, with the actions beside its file.

    Raises:
        BadBars: names file, line, value and rule.
    """
    table.require("date" if "end" not in table.columns else "end", "close")
    times, stamped_at_end = _times(table)
    if len(times) > 1 and all(late > early for late, early in pairwise(times)):
        table, times = table.rows(range(len(times))[::-1]), times[::-1]
    _check_order(table, times)
    index, session = _moments(table, times, stamped_at_end, interval, calendar)
    kept = get_calendar(calendar).open_of(session) < index
    if not kept.all():
        log.warning("%s: %d bars outside the hours of %s left out", symbol, int((~kept).sum()), calendar)
    bars = _validated(table, SymbolBars.make(symbol, index, session, **_columns(table), validated=False))
    return with_actions(bars.rows(kept), table.path.with_name(f"{symbol}.actions.csv"))


def _times(table: CsvTable) -> tuple[list[dt.datetime], bool]:
    """The time of each row, and whether it is the bar's completion."""
    if "end" in table.columns:
        return parse_times(table.columns["end"], table.bad), True
    texts = table.columns["date"]
    if "clock" in table.columns:
        texts = [f"{date} {clock}" for date, clock in zip(texts, table.columns["clock"], strict=True)]
    times = parse_times(texts, table.bad)
    for row, time in enumerate(times):
        if (time.tzinfo is None) != (times[0].tzinfo is None):
            raise table.bad(row, f"time {texts[row]!r} names an offset where others do not, or none where they do")
    return times, False


def _check_order(table: CsvTable, times: list[dt.datetime]) -> None:
    for row, (before, after) in enumerate(pairwise(times), 1):
        if before == after:
            raise table.bad(row, f"the time {after} is there twice", "remove one of the rows")
        if after < before:
            raise table.bad(row, f"{after} stands after {before}", "sort the rows by date")


def _moments(table: CsvTable, times: list[dt.datetime], stamped_at_end: bool, interval: str,
             calendar: str) -> tuple[np.ndarray, np.ndarray]:
    """(completion in UTC ns, session) of each row."""
    exchange = get_calendar(calendar)
    clocks = [time.time() != dt.time() for time in times]
    if not is_intraday(interval):
        require_daily(interval, CsvSource.name)
        if any(clocks):
            row = clocks.index(True)
            raise table.bad(row, f"{times[row]} has a time of day", "for bars within the day add --interval 1m")
        session = np.array([time.date() for time in times], dtype="datetime64[D]")
        _warn_closed(table, session, calendar)
        return exchange.close_of(session), session
    if not any(clocks):
        raise table.bad(0, f"{times[0].date()} has no time of day", "for daily bars use --interval 1d")
    zone = _zone(calendar)
    local = (time if time.tzinfo else time.replace(tzinfo=zone) for time in times)
    index = np.array([round(time.timestamp() * 1e6) * 1_000 for time in local], dtype=np.int64)
    return (index, exchange.session_of(index)) if stamped_at_end else completion(index, interval, exchange)


def _warn_closed(table: CsvTable, session: np.ndarray, calendar: str) -> None:
    closed = get_calendar(calendar).position(session) < 0
    if closed.any():
        log.warning("%s: %d dates are no session of %s, the first is %s", table.path, int(closed.sum()), calendar,
                    session[closed][0])


@lru_cache(maxsize=16)
def _zone(calendar: str) -> ZoneInfo:
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses what pandas is about to drop
        return ZoneInfo(str(exchange_calendars.get_calendar(calendar, start="2024-01-02", end="2024-01-31").tz))


def _columns(table: CsvTable) -> dict[str, np.ndarray]:
    columns = {"close": table.numbers("close")}
    if any(name in table.columns for name in ("open", "high", "low")):
        table.require("open", "high", "low")
        columns |= {name: table.numbers(name) for name in ("open", "high", "low")}
        if "volume" in table.columns:
            columns["volume"] = table.numbers("volume", empty=np.nan)
    return columns


def _validated(table: CsvTable, bars: SymbolBars) -> SymbolBars:
    try:
        validate(bars)
    except BadBars as error:
        row = int(error.row.split()[1])  # "row 3 (2020-01-02)"
        raise table.bad(row, f"{error.rule} on {bars.session[row]}") from None
    return bars
