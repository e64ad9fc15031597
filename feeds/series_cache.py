"""SeriesCache: what was read last, in memory, as long as the store still has the same. Imports nothing of the project."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, Protocol, TypeVar

CACHE_BYTES = 512 * 2**20


class Sized(Protocol):
    """What knows its size."""

    @property
    def nbytes(self) -> int:
        """Memory of its columns."""


Kept = TypeVar("Kept", bound=Sized)


class SeriesCache(Generic[Kept]):
    """The series read last, up to a number of bytes; safe for threads.

    A series is found by its key and the identity it had when it was put in: whatever changes with its content.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit, self._size = limit, 0
        self._entries: OrderedDict[Hashable, tuple[Hashable, Kept, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, identity: Hashable) -> Kept | None:
        """The series, or None where it is not there or was another one."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry[0] != identity:
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def latest(self, key: Hashable) -> tuple[Any, Kept] | None:
        """(identity, series) as it was put in last; None where it is not there."""
        with self._lock:
            entry = self._entries.get(key)
            return entry[:2] if entry else None

    def put(self, key: Hashable, identity: Hashable, stored: Kept) -> None:
        """Keep a series; the ones not used for longest make room."""
        size = stored.nbytes
        with self._lock:
            if key in self._entries:
                self._size -= self._entries.pop(key)[2]
            self._entries[key] = (identity, stored, size)
            self._size += size
            while self._size > self._limit and len(self._entries) > 1:
                self._size -= self._entries.popitem(last=False)[1][2]
