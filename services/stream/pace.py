"""How long the trade-update stream waits, and a clock whose waiting ends when the service does. Imports core."""

import random
import threading
from dataclasses import dataclass

from core.clock import Clock


@dataclass(frozen=True)
class Pace:
    """Seconds.

    Attributes:
        first_s, longest_s: before what failed is tried again: doubled every time, less up to a half at random.
        read_s: between two readings of the account's executions while nothing calls for one.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    read_s: float = 60.0

    def pause_s(self, tries: int, source: random.Random) -> float:
        """The pause after `tries` failures before this one."""
        return min(self.first_s * 2.0 ** min(tries, 30), self.longest_s) * source.uniform(0.5, 1.0)


class EndingClock:
    """Another clock, on which nothing is waited for any more once `ending` is set."""

    def __init__(self, clock: Clock, ending: threading.Event) -> None:
        self._clock, self._ending = clock, ending

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970."""
        return self._clock.now_ns()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, until the end at most."""
        self._clock.wait(self._ending, seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, which whoever ends the service sets too; whether it has come."""
        return self._clock.wait(event, seconds)
