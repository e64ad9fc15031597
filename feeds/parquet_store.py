"""ParquetStore: a file a source, interval and symbol under DIRECTORY/SOURCE/INTERVAL/, replaced under a lock.

A file that cannot be read is set aside as *.corrupt-N and counts as never fetched. Imports core and feeds.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout

from core.calendars import get_calendar
from core.errors import BadBars, StoreFailed
from core.series import SymbolBars, validate
from feeds.coverage import Coverage, complete_sessions, runs
from feeds.intervals import is_intraday
from feeds.parquet_file import COLUMNS, StoredBars, decode, encode, replace_file
from feeds.source import cut, cut_all
from feeds.store import Finding, Holding

log = logging.getLogger(__name__)
CACHE_BYTES = 512 * 2**20
LOCK_TIMEOUT_S, LOCK_POLL_S = 60.0, 0.01
STALE_SESSIONS = 5
SUFFIX = ".parquet"


class FileIdentity(NamedTuple):
    """What changes whenever a file is replaced."""

    modified_ns: int
    size: int
    inode: int


class ParquetStore:
    """Bars in Parquet files; see `feeds.store.BarStore` for the methods."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._cache = _Cache(CACHE_BYTES)

    def __repr__(self) -> str:
        return f"ParquetStore({str(self.directory)!r})"

    def read(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
             source: str) -> list[SymbolBars]:
        """What is stored of the symbols, without those that have no bar from `start` to `end`."""
        stored = (self._load(self.path(symbol, interval, source)) for symbol in symbols)
        return cut_all([each.bars for each in stored if each], start, end)

    def missing(self, symbol: str, sessions: np.ndarray, interval: str = "1d", *, source: str,
                calendar: str = "XNYS") -> np.ndarray:
        """Those of `sessions` that were never asked for."""
        stored = self._load(self.path(symbol, interval, source))
        return (stored.coverage if stored else Coverage()).missing(sessions, get_calendar(calendar))

    def write(self, symbol: str, bars: SymbolBars | None, covered: np.ndarray, interval: str = "1d", *, source: str,
              calendar: str = "XNYS") -> None:
        """Add bars and record `covered` as asked for, in one rename."""
        path = self.path(symbol, interval, source)
        with self._locked(path):
            stored = self._load(path)
            coverage = (stored.coverage if stored else Coverage()).adding(covered, get_calendar(calendar))
            old = stored.bars if stored else SymbolBars.make(symbol, [], [], [], validated=False)
            merged = merge(old, bars, by_session=not is_intraday(interval)) if bars is not None else old
            replace_file(path, encode(StoredBars(merged, coverage, calendar)))

    def forget(self, symbol: str, start: str | None = None, end: str | None = None, interval: str = "1d", *,
               source: str) -> None:
        """Have sessions asked for again; a symbol that is not stored stays so."""
        path = self.path(symbol, interval, source)
        with self._locked(path):
            stored = self._load(path)
            if stored:
                calendar = get_calendar(stored.calendar)
                again = calendar.between(start or calendar.sessions[0], end or calendar.sessions[-1])
                coverage = stored.coverage.removing(again, calendar)
                replace_file(path, encode(StoredBars(stored.bars, coverage, stored.calendar)))

    def list(self) -> Sequence[Holding]:
        """Everything stored; files that cannot be read are set aside and left out."""
        return [_holding(source, interval, stored) for source, interval, _, stored in self._all() if stored]

    def check(self, now: int | None = None) -> Sequence[Finding]:
        """Holes, untraded sessions, invalid bars, stale series and corrupt files, symbol by symbol."""
        now = time.time_ns() if now is None else now
        findings = []
        for source, interval, path, stored in self._all():
            symbol = unquote(path.name.removesuffix(SUFFIX))
            found = _doubts(stored, now) if stored else [("corrupt", f"{path} was set aside: fetch it again")]
            findings += [Finding(source, symbol, interval, kind, detail) for kind, detail in found]
        return findings

    def path(self, symbol: str, interval: str, source: str) -> Path:
        """The file of one series."""
        return self.directory / source / interval / (quote(symbol, safe="^.-_=") + SUFFIX)

    def _all(self) -> Iterator[tuple[str, str, Path, StoredBars | None]]:
        for path in sorted(self.directory.glob(f"*/*/[!.]*{SUFFIX}")):
            yield path.parent.parent.name, path.parent.name, path, self._load(path)

    def _load(self, path: Path) -> StoredBars | None:
        """The file's content, from memory when the file is the one seen last; None when there is none."""
        try:
            status = os.stat(path)
            identity = FileIdentity(status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._cache.get(path, identity)
            content = b"" if known else path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"cannot read {path}: {error.strerror}; check the permissions") from None
        if known:
            return known
        try:
            stored = decode(content)
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            self._set_aside(path, identity, error)
            return None
        self._cache.put(path, identity, stored)
        return stored

    def _set_aside(self, path: Path, identity: FileIdentity, error: Exception) -> None:
        number = 1
        while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
            number += 1
        try:
            status = os.stat(path)
            if identity == (status.st_mtime_ns, status.st_size, status.st_ino):  # nobody has replaced it meanwhile
                os.replace(path, aside)
        except OSError as failure:
            raise StoreFailed(f"cannot set {path} aside, which is corrupt: {failure.strerror}") from None
        log.warning("%s is corrupt (%s): set aside as %s, its bars will be fetched again", path,
                    str(error).split("\n")[0], aside.name)

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Alone with the file, without the leftovers of killed writers."""
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_TIMEOUT_S)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(poll_interval=LOCK_POLL_S)
        except Timeout:
            raise StoreFailed(f"another process has held {lock.lock_file} for {LOCK_TIMEOUT_S:g} s: stop it") from None
        except OSError as error:
            raise StoreFailed(f"cannot write {path}: {error.strerror}; choose another folder") from None
        try:
            for leftover in path.parent.glob(f".{path.name.replace('[', '[[]')}.*.tmp"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            lock.release()


class _Cache:
    """The series read last, up to a number of bytes; safe for threads."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._entries: OrderedDict[Path, tuple[FileIdentity, StoredBars, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, identity: FileIdentity) -> StoredBars | None:
        with self._lock:
            entry = self._entries.get(path)
            if entry is None or entry[0] != identity:
                return None
            self._entries.move_to_end(path)
            return entry[1]

    def put(self, path: Path, identity: FileIdentity, stored: StoredBars) -> None:
        size = sum(getattr(stored.bars, name).nbytes for name in COLUMNS)
        with self._lock:
            if path in self._entries:
                self._size -= self._entries.pop(path)[2]
            self._entries[path] = (identity, stored, size)
            self._size += size
            while self._size > self._limit and len(self._entries) > 1:
                self._size -= self._entries.popitem(last=False)[1][2]


def merge(old: SymbolBars, new: SymbolBars, by_session: bool) -> SymbolBars:
    """All bars of both, the new one where both have one of the same session (else: of the same time)."""
    if not len(old):
        return new
    name = "session" if by_session else "index"
    kept = old.rows(~np.isin(getattr(old, name), getattr(new, name)))
    columns = {each: np.concatenate([getattr(kept, each), getattr(new, each)]) for each in COLUMNS}
    order = np.argsort(columns["index"], kind="stable")
    both = {each: values[order] for each, values in columns.items()}
    return SymbolBars(new.symbol, **both, close_only=old.close_only or new.close_only)


def _holding(source: str, interval: str, stored: StoredBars) -> Holding:
    session = stored.bars.session
    first, last = (session[0], session[-1]) if len(session) else (None, None)
    count = len(stored.coverage.sessions(get_calendar(stored.calendar)))
    return Holding(source, stored.bars.symbol, interval, len(session), first, last, count)


def _doubts(stored: StoredBars, now: int) -> Iterator[tuple[str, str]]:
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
