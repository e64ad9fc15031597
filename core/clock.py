"""Clocks: the real one, and one that tests and replays move by hand. Whatever waits or stamps takes a `Clock`."""

import math
import threading
import time
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """What the time is and how to wait."""

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970."""

    def monotonic(self) -> float:
        """Seconds that never go back, for deadlines; the zero is arbitrary."""

    def sleep(self, seconds: float) -> None:
        """Wait; a negative time is no wait."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, `seconds` at most; whether it has come."""


class SystemClock:
    """The computer's clock."""

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(max(seconds, 0.0))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, `seconds` at most; whether it has come."""
        return event.wait(max(seconds, 0.0))


class ManualClock:
    """A clock that only moves when told to, or when something sleeps on it."""

    def __init__(self, now_ns: int = 0) -> None:
        self._start = self._now = now_ns

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return (self._now - self._start) / 1e9

    def sleep(self, seconds: float) -> None:
        """Move on at once by `seconds`."""
        self._now += math.ceil(max(seconds, 0.0) * 1e9)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move on by `seconds`, unless the event has come; whether it has."""
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()
