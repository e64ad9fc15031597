"""What the venue has still to do at later moments of its own clock, in order of time and then of arrival."""

import heapq
from collections.abc import Callable
from itertools import count


class Agenda:
    """Deferred work: `at` adds, `pop` hands out the earliest."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._arrival = count()

    def at(self, when: int, work: Callable[[], None]) -> None:
        """Do `work` at `when` (UTC ns)."""
        heapq.heappush(self._heap, (when, next(self._arrival), work))

    def next_moment(self) -> int | None:
        """When there is something to do; None when nothing is left."""
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Callable[[], None]:
        """The earliest work, taken off the agenda."""
        return heapq.heappop(self._heap)[2]
