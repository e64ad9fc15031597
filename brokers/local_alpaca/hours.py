"""Market hours of New York: sessions, extended hours, order windows and unscheduled closures, on core.calendars."""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from brokers.local_alpaca.moments import SECOND, at_new_york, new_york
from core.calendars import Calendar, get_calendar

MINUTE = 60 * SECOND
Milestone = tuple[int, str, dt.date]


class MarketHours:
    """When the market is open; `closures` holds sessions that ended early and unannounced: {date: moment}."""

    def __init__(self, calendar: str = "XNYS") -> None:
        self.calendar: Calendar = get_calendar(calendar)
        self.closures: dict[dt.date, int] = {}

    def scheduled(self, date: dt.date) -> tuple[int, int] | None:
        """Open and close of a session as the calendar announces them; None on other days."""
        at = int(self.calendar.position(np.array(date, dtype="datetime64[D]")))
        return None if at < 0 else (int(self.calendar.opens[at]), int(self.calendar.closes[at]))

    def actual_close(self, date: dt.date) -> int:
        """The close of a session, or the moment it was closed unannounced."""
        announced = self.scheduled(date)
        assert announced is not None
        return self.closures.get(date, announced[1])

    def is_open(self, at: int) -> bool:
        """Whether regular trading goes on: from the open up to, but without, the close."""
        date = new_york(at).date()
        span = self.scheduled(date)
        return span is not None and span[0] <= at < self.actual_close(date)

    def is_extended(self, at: int) -> bool:
        """Pre-market from 04:00 or after-hours up to 20:00 of a session (page "Orders at Alpaca", Extended Hours)."""
        date = new_york(at).date()
        if self.scheduled(date) is None or date in self.closures or self.is_open(at):
            return False
        return at_new_york(date, 4) <= at < at_new_york(date, 20)

    def next_open(self, at: int) -> int:
        """The first open after `at`."""
        return next(when for when, kind, _ in self.milestones(at) if kind == "open")

    def next_close(self, at: int) -> int:
        """The first close after `at`, of a session that was not closed unannounced."""
        return next(when for when, kind, date in self.milestones(at) if kind == "close" and date not in self.closures)

    def milestones(self, after: int) -> Iterator[Milestone]:
        """Turning points of the sessions, in order: early (04:00), open, auction_over, close, night (20:00).

        Opening auctions are over two minutes after the open.
        """
        first = np.searchsorted(self.calendar.sessions, np.datetime64(new_york(after).date(), "D"))
        for session in self.calendar.sessions[first:]:
            date = session.astype(dt.date)
            opens, closes = self.scheduled(date) or (0, 0)
            for when, kind in ((at_new_york(date, 4), "early"), (opens, "open"), (opens + 2 * MINUTE, "auction_over"),
                               (closes, "close"), (at_new_york(date, 20), "night")):
                if when > after:
                    yield when, kind, date

    def refuses_opening(self, at: int) -> bool:
        """`opg` orders are refused from 09:28 to 19:00 (page "Orders at Alpaca", Time in Force: OPG)."""
        clock = new_york(at).time()
        return dt.time(9, 28) <= clock < dt.time(19)

    def refuses_closing(self, at: int) -> bool:
        """`cls` orders are refused from 15:50, ten minutes before the close, to 19:00 (Time in Force: CLS)."""
        local = new_york(at)
        span = self.scheduled(local.date())
        starts = span[1] - 10 * MINUTE if span else at_new_york(local.date(), 15, 50)
        return at >= starts and local.time() < dt.time(19)

    def binds(self, time_in_force: str, at: int) -> bool:
        """Whether an auction is so near that its orders cannot be cancelled or replaced any more: from 09:28 and 15:50 on."""
        span = self.scheduled(new_york(at).date())
        if span is None:
            return False
        if time_in_force == "opg":
            return self.refuses_opening(at) and at < span[0] + 2 * MINUTE
        return time_in_force == "cls" and self.refuses_closing(at) and at < span[1]
