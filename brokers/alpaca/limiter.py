"""RateLimiter: so many requests a minute and no more, the urgent ones first. Imports core.clock only."""

import threading
from collections import deque
from enum import IntEnum

from core.clock import Clock

WINDOW_S = 60.0
TURN_S = 0.05  # how long others who are more urgent get to take theirs


class Priority(IntEnum):
    """How urgent a request is; the smaller, the earlier."""

    CANCEL = 0
    ORDER = 1
    POLL = 2


RESERVED_PERCENT = {Priority.CANCEL: 0, Priority.ORDER: 5, Priority.POLL: 15}  # tokens left for what is more urgent


class RateLimiter:
    """A bucket of `per_minute` tokens, each of which comes back 60 s after it was taken.

    So no 60 seconds ever see more than `per_minute` requests; a bucket that refills steadily would let twice as many
    through in its first minute. Threads may share it. Time and waiting are `clock`'s.
    """

    def __init__(self, clock: Clock, per_minute: int = 200) -> None:
        self._clock, self._per_minute = clock, per_minute
        self._taken: deque[float] = deque()
        self._held_until = 0.0
        self._waiting = dict.fromkeys(Priority, 0)
        self._lock = threading.Lock()

    def acquire(self, priority: Priority, until: float | None = None) -> bool:
        """Take a token; wait for one that is not reserved for, or awaited by, something more urgent.

        Args:
            until: monotonic seconds by the clock; None = as long as it takes.

        Returns:
            Whether there was one until then.
        """
        with self._lock:
            self._waiting[priority] += 1
        try:
            while until is None or self._clock.monotonic() < until:
                wait = self._try(priority)
                if wait <= 0:
                    return True
                self._clock.sleep(wait if until is None else min(wait, until - self._clock.monotonic()))
            return False
        finally:
            with self._lock:
                self._waiting[priority] -= 1

    def hold(self, seconds: float) -> None:
        """Let nobody through for `seconds`: the venue has said that its own count is exceeded."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def _try(self, priority: Priority) -> float:
        """Take a token and answer 0, or answer the seconds until it is worth another try."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._held_until:
                return self._held_until - now
            while self._taken and self._taken[0] <= now - WINDOW_S:
                self._taken.popleft()
            ahead = sum(count for other, count in self._waiting.items() if other < priority)
            reserved = self._per_minute * RESERVED_PERCENT[priority] // 100 + ahead
            lacking = len(self._taken) + reserved - self._per_minute  # tokens that must come back before one is free
            if lacking < 0:
                self._taken.append(now)
                return 0.0
            if lacking >= len(self._taken):
                return TURN_S
            return max(self._taken[lacking] + WINDOW_S - now, 1e-3)
