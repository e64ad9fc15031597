"""Parquet files in a bucket, or wherever fsspec reaches: a series an object, replaced on condition. Imports core and feeds.

An object that cannot be read counts as never fetched; the next write keeps it as *.corrupt-N.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol

import pyarrow as pa

from core.errors import StoreFailed, UsageError
from feeds.parquet_file import FileKind
from feeds.series_cache import Kept, SeriesCache

log = logging.getLogger(__name__)
AT_ONCE = 8  # requests
CONFLICTS = 100  # in a row, with other writers of one series


class Objects(Protocol):
    """What can be read and written whole, by keys. See `feeds.s3_bucket.S3Bucket`, which does this, for what each raises."""

    def get(self, key: str, known: str | None = None) -> tuple[bytes, str] | None: ...

    def put(self, key: str, content: bytes, expected: str | None) -> str | None: ...

    def keys(self, prefix: str) -> Iterator[str]: ...


class ParquetObjects(Generic[Kept]):
    """See `feeds.parquet_store.SeriesFiles`. As safe for several processes as writing the objects is on condition."""

    def __init__(self, place: str, objects: Objects, kind: FileKind[Kept]) -> None:
        self._place = place.partition("?")[0].rstrip("/")
        self._prefix = _prefix(self._place)
        self._objects, self._kind, self._cache = objects, kind, SeriesCache[Kept]()

    def path(self, name: str) -> str:
        """The address of an object."""
        return f"{self._place}/{name}"

    def names(self, suffix: str) -> Sequence[str]:
        """Of every object that is there, in order."""
        keys = (key.removeprefix(self._prefix) for key in self._objects.keys(self._prefix))
        return sorted(key for key in keys if key.endswith(suffix) and key.count("/") == 2)

    def load(self, names: Sequence[str]) -> list[Kept | None]:
        """The objects' content, several at once; None where there is none, or it is damaged."""
        if len(names) < 2:
            return [self._load(name)[0] for name in names]
        with ThreadPoolExecutor(min(AT_ONCE, len(names))) as pool:
            return [stored for stored, _ in pool.map(self._load, names)]

    def change(self, name: str, changed: Callable[[Kept | None], Kept | None]) -> None:
        """Replace an object by what `changed` makes of it; read and changed again when another was quicker."""
        for _ in range(CONFLICTS):
            stored, etag = self._load(name)
            new = changed(stored)
            if new is None:
                return
            if etag is not None and stored is None:
                self._keep_damaged(name)
            written = self._objects.put(self._prefix + name, self._kind.encode(new), etag)
            if written is not None:
                return
        raise StoreFailed(f"cannot write {self.path(name)}: others were quicker {CONFLICTS} times; stop them and repeat")

    def _load(self, name: str) -> tuple[Kept | None, str | None]:
        """(content, ETag); the content is None where it is damaged, both are where there is none."""
        known, stored = self._cache.latest(name) or (None, None)
        found = self._objects.get(self._prefix + name, known)
        if found is None:
            return None, None
        content, etag = found
        if etag == known:
            return stored, etag
        try:
            stored = self._kind.decode(content)
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            log.warning("%s is corrupt (%s): %s", self.path(name), str(error).split("\n")[0], self._kind.advice)
            return None, etag
        self._cache.put(name, etag, stored)
        return stored, etag

    def _keep_damaged(self, name: str) -> None:
        found, number = self._objects.get(self._prefix + name), 1
        while found is not None and self._objects.put(f"{self._prefix}{name}.corrupt-{number}", found[0], None) is None:
            number += 1


class FsspecObjects:
    """Files of an fsspec file system, such as memory://.

    fsspec knows no writing on condition: threads of one store take turns, and several processes must not write one series
    at the same time.
    """

    def __init__(self, system: Any) -> None:
        self._system, self._turn = system, threading.Lock()

    def get(self, key: str, known: str | None = None) -> tuple[bytes, str] | None:
        """The content, and its digest."""
        try:
            content = self._system.cat_file(key)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"cannot read {key}: {error}") from None
        digest = hashlib.sha256(content).hexdigest()
        return (b"" if digest == known else content), digest

    def put(self, key: str, content: bytes, expected: str | None) -> str | None:
        """Written where the digest is still that."""
        with self._turn:
            found = self.get(key)
            if (found[1] if found else None) != expected:
                return None
            try:
                self._system.makedirs(key.rpartition("/")[0], exist_ok=True)
                self._system.pipe_file(key, content)
            except OSError as error:
                raise StoreFailed(f"cannot write {key}: {error}") from None
        return hashlib.sha256(content).hexdigest()

    def keys(self, prefix: str) -> Iterator[str]:
        """By walking."""
        try:
            yield from (str(each).lstrip("/") for each in self._system.find(prefix.rstrip("/")))
        except OSError as error:
            raise StoreFailed(f"cannot list {prefix}: {error}") from None


def objects_at(place: str) -> Objects:
    """What is at "s3://bucket/prefix", or at another address that fsspec knows.

    Raises:
        UsageError: the address is of no kind that is known here, or keys are missing.
    """
    kind, _, rest = place.partition("://")
    if kind == "s3":
        from feeds.s3_bucket import S3Bucket

        bucket = rest.partition("/")[0]
        if not bucket or "//" in rest or not set("@?").isdisjoint(rest):
            raise UsageError("write s3://BUCKET/PREFIX, with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile")
        return S3Bucket(bucket)
    import fsspec

    try:
        return FsspecObjects(fsspec.filesystem(kind))
    except (ValueError, ImportError) as error:
        raise UsageError(f"no store can be at {kind}://: {str(error).splitlines()[0]}") from None


def _prefix(place: str) -> str:
    """What the keys begin with: within a bucket of S3, or with whatever comes first elsewhere."""
    kind, _, rest = place.partition("://")
    inside = rest.partition("/")[2] if kind == "s3" else rest.strip("/")
    return f"{inside}/" if inside else ""
