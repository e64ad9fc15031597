"""Clocks on which waiting lets a venue's time pass, so that a client lives days in seconds. Imports core and the modules beside it.

Nothing here knows the client: it is told what the client hears, and time passes only when that is all there was to hear.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from brokers.local_alpaca.moments import SECOND
from brokers.local_alpaca.server import LocalAlpaca
from core.errors import CerebrolabError

PATIENCE_S = 30.0
STEP_S = 2.0  # of the venue's time, while a stream is not connected
REPORTS = ("nonsense", "error")  # told of a connection that goes on


class VenueClock:
    """A `core.clock.Clock` on which waiting lets the venue's time pass; `skew_s` is what a wrong wall clock shows.

    Attributes:
        slept: seconds waited, wait by wait.
    """

    def __init__(self, alpaca: LocalAlpaca, skew_s: float = 0.0) -> None:
        self.alpaca, self.skew_s = alpaca, skew_s
        self.slept: list[float] = []
        self._start = alpaca.now

    def now_ns(self) -> int:
        """What the machine believes."""
        return self.alpaca.now + round(self.skew_s * SECOND)

    def monotonic(self) -> float:
        """Venue seconds since this clock was made."""
        return (self.alpaca.now - self._start) / SECOND

    def sleep(self, seconds: float) -> None:
        """Let the venue's time pass."""
        self.slept.append(seconds)
        self.alpaca.advance(seconds=max(seconds, 1e-9) if seconds > 0 else 0.0)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the venue's time pass, unless the event has come; whether it has."""
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()


class CallersClock(VenueClock):
    """A `VenueClock` on which only the thread that made it moves the venue's time; other threads wait a moment.

    Attributes:
        pauses: how often another thread has waited.
    """

    def __init__(self, alpaca: LocalAlpaca, skew_s: float = 0.0) -> None:
        super().__init__(alpaca, skew_s)
        self._caller = threading.current_thread()
        self.pauses = 0

    def sleep(self, seconds: float) -> None:
        """Let the venue's time pass, or wait for it to pass."""
        if threading.current_thread() is self._caller:
            super().sleep(seconds)
        else:
            time.sleep(0.002)
            self.pauses += 1


class Hearing:
    """How much a client has heard of what a stream of the venue told it.

    Attributes:
        stream: "trade" or "data". heard: messages, on the newest connection.
        state: what the client last said of its connection, "" while it does not listen.
    """

    def __init__(self, alpaca: LocalAlpaca, stream: str) -> None:
        self._alpaca, self.stream = alpaca, stream
        self.heard, self.state = 0, ""

    def through(self, callback: Callable[[Any], Any]) -> Callable[[Any], None]:
        """A callback of the client's that counts what it is called with."""
        def counted(told: Any) -> None:
            callback(told)
            self.take(told)

        return counted

    def take(self, told: Any) -> None:
        """The client was told something: a message, or a state, which has a name."""
        name = getattr(told, "name", None)
        if name is None or name == "nonsense":
            self.heard += 1
        elif name not in REPORTS:
            self.state = name
            self.heard *= name == "connected"  # another connection begins anew

    @property
    def missing(self) -> int:
        """How many messages were told on the newest connection and have not arrived."""
        return max(self._alpaca.streams.told(self.stream) - self.heard, 0)

    @property
    def complete(self) -> bool:
        """Whether there is nothing to wait for: all has arrived, or nobody listens."""
        return self.state == "" or (self.state == "connected" and not self.missing)


class ReplayClock(CallersClock):
    """The venue's time; waiting lets it pass, and waits (really) until the client has caught up with what it was told.

    Only the thread that made it may wait for events.

    Attributes:
        data, trade: what is heard of the streams.
        stops: moments, UTC ns, at which it stops; it goes no further than the last. reached: called after every wait.
    """

    def __init__(self, alpaca: LocalAlpaca, skew_s: float = 0.0) -> None:
        super().__init__(alpaca, skew_s)
        self.data, self.trade = Hearing(alpaca, "data"), Hearing(alpaca, "trade")
        self.stops: Sequence[int] = []
        self.reached: Callable[[], Any] = lambda: None

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the venue's time pass up to the next stop, or until the event comes; whether it has."""
        self.catch_up()
        left = min([at - self.alpaca.now for at in self.stops if at > self.alpaca.now], default=0) / SECOND
        calm = all(each.state in ("connected", "") for each in (self.data, self.trade))
        span = min(seconds, left, seconds if calm else STEP_S)
        until = self.alpaca.now + (max(round(span * SECOND), 1) if span > 0 else 0)  # who waits for a rest of 1e-14 s would wait for ever
        while not event.is_set() and self.alpaca.now < until:
            due = self.alpaca.due  # asked first: it waits for what the latest request still does at this very moment
            self.catch_up()
            if not event.is_set():
                self.alpaca.advance(to=min(max(due, self.alpaca.now), until))  # what is told at a moment is heard at that moment
                self.catch_up()
        self.reached()
        return event.is_set()

    def catch_up(self) -> None:
        """Wait until all that was told has arrived; a stream that is not connected is given two tries.

        Raises:
            CerebrolabError: it does not arrive.
        """
        before, deadline = self.pauses, time.monotonic() + PATIENCE_S
        while not all(each.complete for each in (self.data, self.trade)) and self.pauses < before + 2:
            if time.monotonic() > deadline:
                late = next(each for each in (self.data, self.trade) if not each.complete)
                raise CerebrolabError(f"the replay stands still: the {late.stream} stream is {late.state}, and {late.missing} messages have "
                                      f"not arrived within {PATIENCE_S:g} s; try again on a machine that is less busy")
            time.sleep(0.0002)
