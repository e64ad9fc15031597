"""What a live run does once a session, and what it tries again: actions before the open, storing minutes. Imports core and feeds."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Protocol

from core.clock import Clock
from core.errors import CerebrolabError
from feeds.alpaca_rows import MINUTE_NS, Times
from feeds.streamed import StreamedBars

SECOND_NS = 10**9
HOUR_NS = 60 * MINUTE_NS
WRITE_NS = 15 * MINUTE_NS
EARLY_NS = 30 * MINUTE_NS  # before the open, the day's corporate actions are asked for
LAST_DAYS = dt.timedelta(days=10)  # of which a symbol that did not trade has no bars to tell
AGAIN_S, LONGEST_S = 2.0, 60.0  # pauses between questions that are not answered


class VenueClock(Clock, Protocol):
    """A clock that knows the venue's sessions."""

    def today(self) -> dt.date:
        """The venue's date."""

    def session_times(self, date: dt.date) -> Times | None:
        """Open and close of a date, UTC ns."""


class Session:
    """The current session: what happens to the shares is asked for before they trade, and its minutes are stored.

    Args:
        streamed: its minutes. announce: asks for the actions from one date to another (ISO), and notes them.
    """

    def __init__(self, clock: VenueClock, streamed: StreamedBars, announce: Callable[[str, str], None]) -> None:
        self._clock, self._streamed, self._announce = clock, streamed, announce
        self._date: dt.date | None = None  # of the session that has begun
        self._today: tuple[dt.date, Times | None] = (dt.date.min, None)
        self._written = 0

    def begin(self, now: int) -> None:
        """Begin today's session, if it is near; at the first one, the actions of the last days are asked for too.

        Raises:
            CerebrolabError: the venue does not say; nothing should be released then.
        """
        today = self._clock.today()
        if today != self._today[0]:
            self._today = today, self._clock.session_times(today)
        times = self._today[1]
        if today == self._date or times is None or now < times[0] - EARLY_NS:
            return
        self._announce(str(self._date or today - LAST_DAYS), str(today))
        self._streamed.write()
        self._streamed.forget()
        self._date, self._written = today, now

    def next_due(self, now: int) -> int:
        """When to look again at the latest, UTC ns: before the open, or in an hour."""
        opens = self._today[1][0] if self._today[1] else now
        return min([at for at in (opens - EARLY_NS, opens) if at > now] + [now + HOUR_NS])

    def next_minute(self, now: int) -> int:
        """The end of the minute, while there are minutes or late ones; else in an hour."""
        times = self._today[1]
        is_near = times is not None and times[0] <= now <= times[1] + HOUR_NS
        return now - now % MINUTE_NS + MINUTE_NS if is_near else now + HOUR_NS

    def write(self, now: int) -> None:
        """Store the minutes told since the last time, every quarter of an hour."""
        if now - self._written >= WRITE_NS:
            self._streamed.write()
            self._written = now


class Retry:
    """Work for which the venue is asked: done now, or again later where it has failed.

    Args:
        report: told of each kind of trouble, once until the work succeeds. what: the report begins with.
    """

    def __init__(self, report: Callable[[str], None], what: str = "market data") -> None:
        self._report, self._what = report, what
        self.at = 0
        self._pause_s, self._told = AGAIN_S, ""

    def do(self, work: Callable[[], None], now: int) -> bool:
        """Do it, unless it has failed a moment ago; whether it was done."""
        if now < self.at:
            return False
        try:
            work()
        except CerebrolabError as error:
            self.at = now + round(self._pause_s * SECOND_NS)
            self._pause_s = min(self._pause_s * 2, LONGEST_S)
            if str(error) != self._told:
                self._told = str(error)
                self._report(f"{self._what}: {error}")
            return False
        self.at, self._pause_s, self._told = 0, AGAIN_S, ""
        return True


def seconds_until(dues: Iterable[int | None], now: int) -> float:
    """Seconds until the next of some moments, UTC ns, and a little more; None and what has passed does not count."""
    return (min(due for due in dues if due is not None and due > now) - now) / SECOND_NS + 0.001
