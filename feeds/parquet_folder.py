"""Parquet files of a local folder: a file a series, replaced under a lock. Imports core and feeds.

A file that cannot be read is set aside as *.corrupt-N and counts as never fetched.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, NamedTuple

import pyarrow as pa
from filelock import FileLock, Timeout

from core.errors import StoreFailed
from feeds.parquet_file import FileKind, replace_file
from feeds.series_cache import Kept, SeriesCache

log = logging.getLogger(__name__)
LOCK_TIMEOUT_S, LOCK_POLL_S = 60.0, 0.01


class FileIdentity(NamedTuple):
    """What changes whenever a file is replaced."""

    modified_ns: int
    size: int
    inode: int


class ParquetFolder(Generic[Kept]):
    """See `feeds.parquet_store.SeriesFiles`. Safe for several processes."""

    def __init__(self, directory: Path, kind: FileKind[Kept]) -> None:
        self.directory, self._kind = directory, kind
        self._cache = SeriesCache[Kept]()

    def path(self, name: str) -> Path:
        """The file of one series."""
        return self.directory / name

    def names(self, suffix: str) -> Sequence[str]:
        """Of every file that is there, in order."""
        return sorted(path.relative_to(self.directory).as_posix() for path in self.directory.glob(f"*/*/[!.]*{suffix}"))

    def load(self, names: Sequence[str]) -> list[Kept | None]:
        """The files' content; None where there is none."""
        return [self._load(self.path(name)) for name in names]

    def change(self, name: str, changed: Callable[[Kept | None], Kept | None]) -> None:
        """Replace a file by what `changed` makes of it, under its lock; None = leave it."""
        path = self.path(name)
        with self._locked(path):
            new = changed(self._load(path))
            if new is not None:
                replace_file(path, self._kind.encode(new))

    def _load(self, path: Path) -> Kept | None:
        """The file's content, from memory when the file is the one seen last; None when there is none."""
        try:
            status = os.stat(path)
            identity = FileIdentity(status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._cache.get(path, identity)
            content = path.read_bytes() if known is None else b""
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"cannot read {path}: {error.strerror}; check the permissions") from None
        if known is not None:
            return known
        try:
            stored = self._kind.decode(content)
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
        log.warning("%s is corrupt (%s): set aside as %s, %s", path, str(error).split("\n")[0], aside.name, self._kind.advice)

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Alone with the file."""
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_TIMEOUT_S)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(poll_interval=LOCK_POLL_S)
        except Timeout:
            raise StoreFailed(f"another process has held {lock.lock_file} for {LOCK_TIMEOUT_S:g} s: stop it") from None
        except OSError as error:
            raise StoreFailed(f"cannot write {path}: {error.strerror}; choose another folder") from None
        try:
            yield
        finally:
            lock.release()
