"""Parquet files of a local folder: a file a series, replaced under a lock. Imports core and feeds.

A file that cannot be read is set aside as *.corrupt-N and counts as never fetched.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from filelock import FileLock, Timeout

from core.errors import StoreFailed
from feeds.parquet_file import decode, encode, replace_file
from feeds.series_cache import SeriesCache
from feeds.stored import StoredBars

log = logging.getLogger(__name__)
LOCK_TIMEOUT_S, LOCK_POLL_S = 60.0, 0.01


class FileIdentity(NamedTuple):
    """What changes whenever a file is replaced."""

    modified_ns: int
    size: int
    inode: int


class ParquetFolder:
    """See `feeds.parquet_store.SeriesFiles`. Safe for several processes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._cache = SeriesCache()

    def path(self, name: str) -> Path:
        """The file of one series."""
        return self.directory / name

    def names(self, suffix: str) -> Sequence[str]:
        """Of every file that is there, in order."""
        return sorted(path.relative_to(self.directory).as_posix() for path in self.directory.glob(f"*/*/[!.]*{suffix}"))

    def load(self, names: Sequence[str]) -> list[StoredBars | None]:
        """The files' content; None where there is none."""
        return [self._load(self.path(name)) for name in names]

    def change(self, name: str, changed: Callable[[StoredBars | None], StoredBars | None]) -> None:
        """Replace a file by what `changed` makes of it, under its lock; None = leave it."""
        path = self.path(name)
        with self._locked(path):
            new = changed(self._load(path))
            if new is not None:
                replace_file(path, encode(new))

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
