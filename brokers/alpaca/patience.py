"""Patience: how long and how often one call is tried again. Imports core.clock only."""

import random
from collections.abc import Callable

from core.clock import Clock

FIRST_S, LONGEST_S = 0.5, 8.0


class Patience:
    """Exponential backoff with jitter, up to a deadline, or until there is no time for it; time and waiting are `clock`'s."""

    def __init__(self, clock: Clock, source: random.Random, deadline_s: float, hurried: Callable[[], bool] = lambda: False) -> None:
        self._clock, self._random, self._hurried = clock, source, hurried
        self._until = clock.monotonic() + deadline_s
        self._tries = 0

    def wait(self, at_least_s: float | None = None) -> bool:
        """Wait before the next try, or answer False at once where it would come after the deadline."""
        pause = min(FIRST_S * 2**self._tries, LONGEST_S) * self._random.uniform(0.5, 1.0)
        pause = max(pause, at_least_s or 0.0)
        self._tries += 1
        if self._hurried() or self._clock.monotonic() + pause > self._until:
            return False
        self._clock.sleep(pause)
        return True
