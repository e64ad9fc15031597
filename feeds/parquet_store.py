"""ParquetStore: a file a source, interval and symbol, PLACE/SOURCE/INTERVAL/SYMBOL.parquet, in a folder or a bucket.

Averages are in PLACE/averages/SOURCE/INTERVAL/SYMBOL.parquet. Imports core and feeds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

import numpy as np

from core.calendars import get_calendar
from core.series import SymbolBars
from feeds.averages import Averages, without_bars
from feeds.coverage import Coverage
from feeds.intervals import is_intraday
from feeds.parquet_file import AVERAGES, BARS
from feeds.parquet_folder import ParquetFolder
from feeds.revisions import Revisions, as_of
from feeds.series_cache import Kept
from feeds.source import cut_all
from feeds.store import Finding, Holding
from feeds.stored import StoredBars, added, doubts, holding

SUFFIX = ".parquet"
BATCH = 64  # files loaded together; where they are far away, at the same time


class SeriesFiles(Protocol[Kept]):
    """Where the files are, by names such as "yahoo/1d/SPY.parquet"."""

    def path(self, name: str) -> Path | str:
        """The place of a file, for messages."""

    def names(self, suffix: str) -> Sequence[str]:
        """Of every file that is there, in order.

        Raises:
            StoreFailed: they cannot be listed.
        """

    def load(self, names: Sequence[str]) -> list[Kept | None]:
        """The files' content, from memory where it is that seen last; None where there is none, or it is damaged.

        Raises:
            StoreFailed: one cannot be read.
        """

    def change(self, name: str, changed: Callable[[Kept | None], Kept | None]) -> None:
        """Replace a file by what `changed` makes of its content, while no other process does; None = leave it.

        Raises:
            StoreFailed: it cannot be written; what was there is untouched.
        """


class ParquetStore:
    """Bars in Parquet files; see `feeds.store.BarStore` for the methods.

    Args:
        place: a folder, "file:///folder", "s3://bucket/prefix", or another address that fsspec knows.

    Raises:
        UsageError: the address is of no kind that is known here, or keys are missing.
    """

    def __init__(self, place: str | Path) -> None:
        self._files, self._averages = _files_at(place)

    def __repr__(self) -> str:
        return f"ParquetStore({self.place!r})"

    @property
    def place(self) -> str:
        """Where it is."""
        return str(self._files.path("")).rstrip("/")

    def read(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
             source: str, known_at: int | None = None) -> list[SymbolBars]:
        """What is stored of the symbols, without those that have no bar from `start` to `end`."""
        loaded = self._files.load([_name(symbol, interval, source) for symbol in symbols])
        stored = [each for each in loaded if each]
        if known_at is None:
            return cut_all([each.bars for each in stored], start, end)
        by_session = not is_intraday(interval)
        return cut_all([as_of(each.bars, each.versions, known_at, by_session) for each in stored], start, end)

    def revisions(self, symbol: str, interval: str = "1d", *, source: str) -> Revisions:
        """Every earlier version of a bar."""
        stored, = self._files.load([_name(symbol, interval, source)])
        return stored.versions if stored else Revisions.none(symbol)

    def missing(self, symbol: str, sessions: np.ndarray, interval: str = "1d", *, source: str,
                calendar: str = "XNYS") -> np.ndarray:
        """Those of `sessions` that were never asked for."""
        stored, = self._files.load([_name(symbol, interval, source)])
        return (stored.coverage if stored else Coverage()).missing(sessions, get_calendar(calendar))

    def write(self, symbol: str, bars: SymbolBars | None, covered: np.ndarray, interval: str = "1d", *, source: str,
              calendar: str = "XNYS", now: int | None = None, earlier: Revisions | None = None) -> None:
        """Add bars and record `covered` as asked for, in one file."""
        moment = time.time_ns() if now is None else now

        def changed(stored: StoredBars | None) -> StoredBars:
            return added(stored, symbol, bars, covered, calendar, by_session=not is_intraday(interval), moment=moment, earlier=earlier)

        self._files.change(_name(symbol, interval, source), changed)

    def write_averages(self, averages: Averages, interval: str = "1d", *, source: str) -> None:
        """Add averages, in a file of their own."""
        name, by_session = _name(averages.symbol, interval, source), not is_intraday(interval)
        if self._files.load([name]) == [None]:
            raise without_bars(averages.symbol, interval, source)
        self._averages.change(name, lambda old: averages.replacing(old or Averages.none(averages.symbol), by_session))

    def averages(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
                 source: str) -> list[Averages]:
        """The stored averages of the symbols, without those that have none from `start` to `end`."""
        loaded = self._averages.load([_name(symbol, interval, source) for symbol in symbols])
        parts = (each.between(start, end) for each in loaded if each)
        return [each for each in parts if len(each)]

    def forget(self, symbol: str, start: str | None = None, end: str | None = None, interval: str = "1d", *,
               source: str) -> None:
        """Have sessions asked for again; a symbol that is not stored stays so."""
        def without(stored: StoredBars | None) -> StoredBars | None:
            return replace(stored, coverage=stored.forgetting(start, end)) if stored else None

        self._files.change(_name(symbol, interval, source), without)

    def list(self) -> Sequence[Holding]:
        """Everything stored, without files that cannot be read."""
        return [holding(source, interval, stored) for source, interval, _, stored in self._all() if stored]

    def check(self, now: int | None = None) -> Sequence[Finding]:
        """Holes, untraded sessions, invalid bars, stale series and corrupt files, symbol by symbol."""
        now = time.time_ns() if now is None else now
        findings = []
        for source, interval, file, stored in self._all():
            corrupt = f"{self._files.path(f'{source}/{interval}/{file}')} was damaged and counts as never fetched: fetch it again"
            found = doubts(stored, now) if stored else [("corrupt", corrupt)]
            symbol = unquote(file.removesuffix(SUFFIX))
            findings += [Finding(source, symbol, interval, kind, detail) for kind, detail in found]
        return findings

    def path(self, symbol: str, interval: str, source: str) -> Path:
        """The file of one series, in a folder."""
        return Path(self._files.path(_name(symbol, interval, source)))

    @property
    def directory(self) -> Path:
        """The folder."""
        return Path(self._files.path(""))

    def _all(self) -> Iterator[tuple[str, str, str, StoredBars | None]]:
        names = self._files.names(SUFFIX)
        for first in range(0, len(names), BATCH):
            batch = names[first:first + BATCH]
            for name, stored in zip(batch, self._files.load(batch), strict=True):
                source, interval, file = name.split("/")
                yield source, interval, file, stored


def _name(symbol: str, interval: str, source: str) -> str:
    return f"{source}/{interval}/{quote(symbol, safe='^.-_=')}{SUFFIX}"


def _files_at(place: str | Path) -> tuple[SeriesFiles[StoredBars], SeriesFiles[Averages]]:
    """Where bars are, and where their averages are."""
    kind, given, _ = str(place).partition("://")
    if isinstance(place, Path) or not given or kind == "file":
        folder = Path(unquote(urlsplit(str(place)).path)) if given and not isinstance(place, Path) else Path(place)
        return ParquetFolder(folder, BARS), ParquetFolder(folder / "averages", AVERAGES)
    from feeds.parquet_objects import ParquetObjects, objects_at

    objects = objects_at(place)
    return ParquetObjects(place, objects, BARS), ParquetObjects(f"{place.partition('?')[0].rstrip('/')}/averages", objects, AVERAGES)
