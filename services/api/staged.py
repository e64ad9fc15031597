"""`Staged`: parts of runs that are too large for one request, kept in memory until the run itself is told."""

import threading

from core.errors import UnknownName, UsageError

MOST_BYTES = 256_000_000


class Staged:
    """The parts by the key of their run. Beyond `most` bytes the oldest run's are forgotten, and have to be sent again."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._lock = most, threading.Lock()
        self._parts: dict[str, dict[int, bytes]] = {}

    def put(self, key: str, number: int, part: bytes) -> None:
        """Keep a part; another one of its number is replaced.

        Raises:
            UsageError: the parts of this run alone are too large.
        """
        with self._lock:
            own = self._parts.pop(key, {})
            own[number] = part
            if _size(own) > self._most:
                raise UsageError(f"parts: those of {key} are larger than {self._most:,} bytes together; record a shorter run")
            while self._parts and sum(map(_size, self._parts.values())) + _size(own) > self._most:
                del self._parts[next(iter(self._parts))]
            self._parts[key] = own

    def all_of(self, key: str, count: int) -> list[bytes]:
        """The parts of a run in their order.

        Raises:
            UnknownName: some are not there (any more).
        """
        with self._lock:
            own = self._parts.get(key, {})
            missing = next((number for number in range(count) if number not in own), None)
            if missing is not None:
                raise UnknownName(f"unknown part {missing} of {key}: send all {count} parts again")
            return [own[number] for number in range(count)]

    def drop(self, key: str) -> None:
        """Forget a run's parts."""
        with self._lock:
            self._parts.pop(key, None)


def _size(parts: dict[int, bytes]) -> int:
    return sum(map(len, parts.values()))
