"""Which session a daily run decides on and which one it trades in, by the broker's clock and calendar. Imports brokers.alpaca."""

import datetime as dt

from brokers.alpaca.clock import BrokerClock
from core.errors import SourceUnavailable
from feeds.source import SETTLE_NS

FAR = 14  # days without a session, at most


def latest_and_next(clock: BrokerClock) -> tuple[str, tuple[int, int]]:
    """The latest session whose bar is complete (ISO date), and scheduled open and close (UTC ns) of the one after it.

    Raises:
        SourceUnavailable: the calendar has none.
    """
    now, today = clock.now_ns(), clock.today()
    for back in range(FAR):
        date = today - dt.timedelta(days=back)
        times = clock.session_times(date)
        if times is not None and times[1] + SETTLE_NS <= now:
            return date.isoformat(), following(clock, date)
    raise SourceUnavailable(f"the broker's calendar has no session in the {FAR} days before {today}: is its clock right?")


def following(clock: BrokerClock, date: dt.date) -> tuple[int, int]:
    """Scheduled open and close, UTC ns, of the first session after a date.

    Raises:
        SourceUnavailable: the calendar has none.
    """
    for ahead in range(1, FAR):
        times = clock.session_times(date + dt.timedelta(days=ahead))
        if times is not None:
            return times
    raise SourceUnavailable(f"the broker's calendar has no session in the {FAR} days after {date}")
