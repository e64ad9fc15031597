"""BrokerClock: the broker's time, carried on by the local monotonic clock. Imports core.clock and modules beside it.

The machine's wall clock is never asked: it may be wrong, and a replaying venue's date may be years ago.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass

from brokers.alpaca.hours import MarketClock
from brokers.alpaca.moments import SECOND_NS, new_york
from brokers.alpaca.rest import Rest

SLOW_S = 1.0  # an answer that took longer tells the time too vaguely
SAMPLES = 3
FRESH_S = 30.0


@dataclass(frozen=True)
class Offset:
    """Broker's UTC ns at the local monotonic zero, true to within `error_ns`."""

    zero_ns: int
    error_ns: int

    def agrees(self, other: Offset) -> bool:
        """Whether both can be true at once."""
        return abs(self.zero_ns - other.zero_ns) <= self.error_ns + other.error_ns


class BrokerClock:
    """A `core.clock.Clock` that shows the broker's time; threads may share it.

    `sync` at every reconnect: a suspended machine's monotonic clock stands still. Measurements that agree with
    the present offset do not move it, so that time does not tremble.

    Args:
        rest: asks /v2/clock and /v2/calendar; waits on its clock.
        fresh_s: how old an answer to `is_open` may be; closures that nobody announced show in it.

    Raises:
        BrokerUnavailable, Unauthorized: the first measurement failed.
    """

    def __init__(self, rest: Rest, fresh_s: float = FRESH_S) -> None:
        self._rest, self._local, self._fresh_s = rest, rest.local, fresh_s
        self._lock = threading.RLock()
        self._days: dict[int, tuple[dt.date, dict[dt.date, tuple[int, int]]]] = {}
        self._offset, self._told = self._measure()
        self._told_at = self._local.monotonic()

    def now_ns(self) -> int:
        """UTC nanoseconds, by the broker."""
        return self._offset.zero_ns + round(self._local.monotonic() * SECOND_NS)

    def monotonic(self) -> float:
        """Seconds that never go back, by the local clock."""
        return self._local.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, by the local clock."""
        self._local.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, by the local clock; whether it has come."""
        return self._local.wait(event, seconds)

    def sync(self) -> None:
        """Measure the offset again.

        Raises:
            BrokerUnavailable, Unauthorized: the broker did not say; the old offset stays.
        """
        with self._lock:
            measured, self._told = self._measure()
            self._told_at = self._local.monotonic()
            if not measured.agrees(self._offset) or measured.error_ns < self._offset.error_ns // 2:
                self._offset = measured

    @property
    def is_open(self) -> bool:
        """Whether regular trading goes on, as the broker said within `fresh_s`."""
        return self._state().is_open

    @property
    def next_open_ns(self) -> int:
        """The next regular open, UTC ns."""
        return self._state().next_open_ns

    @property
    def next_close_ns(self) -> int:
        """The next regular close, UTC ns."""
        return self._state().next_close_ns

    def today(self) -> dt.date:
        """The date in New York."""
        return new_york(self.now_ns()).date()

    def session_times(self, date: dt.date) -> tuple[int, int] | None:
        """Scheduled open and close of a day, UTC ns, half days with their hours; None where the market is closed.

        One request fetches a year; it is made again on another day, as closures are announced at short notice.
        """
        with self._lock:
            asked_on, days = self._days.get(date.year, (None, {}))
            if asked_on != self.today():
                first, last = dt.date(date.year, 1, 1), dt.date(date.year, 12, 31)
                days = {day.date: (day.open_ns, day.close_ns) for day in self._rest.calendar(first, last)}
                self._days[date.year] = (self.today(), days)
            return days.get(date)

    def _state(self) -> MarketClock:
        with self._lock:
            now = self.now_ns()
            stale = self._local.monotonic() - self._told_at >= self._fresh_s
            if stale or now >= min(self._told.next_open_ns, self._told.next_close_ns):
                self._told, self._told_at = self._rest.clock(), self._local.monotonic()
            return self._told

    def _measure(self) -> tuple[Offset, MarketClock]:
        """The best of a few measurements: the shorter the round trip, the less can be wrong."""
        best: tuple[Offset, MarketClock] | None = None
        for _ in range(SAMPLES):
            sent = self._local.monotonic()
            told = self._rest.clock()
            taken = self._local.monotonic() - sent
            zero = told.now_ns - round((sent + taken / 2) * SECOND_NS)
            measured = Offset(zero, round(taken / 2 * SECOND_NS))
            if best is None or measured.error_ns < best[0].error_ns:
                best = measured, told
            if taken <= SLOW_S:
                break
        assert best is not None
        return best
