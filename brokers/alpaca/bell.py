"""Bell: wakes the one who waits for bars, trade updates or a signal, whichever comes first. Imports core.clock."""

from __future__ import annotations

import threading

from core.clock import Clock


class Bell:
    """Rung from any thread, waited for in one."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._event = clock, threading.Event()

    def ring(self) -> None:
        """Wake the one who waits, or who will wait next."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, `seconds` at most; whether it has rung since the last wait."""
        rung = self._clock.wait(self._event, seconds)
        self._event.clear()
        return rung
