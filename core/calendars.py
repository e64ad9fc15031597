"""Exchange calendars: sessions, their opening and closing moments, and schedules built on them.

Sessions are numpy `datetime64[D]` exchange dates; moments are UTC nanoseconds (int64).
A calendar is named as in exchange_calendars ("XNYS", "XLON", …, "24/7").
"""

import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core.errors import BadSpec, UnknownName

FIRST, LAST = "1962-01-02", "2035-12-31"
MINUTE_NS = 60 * 10**9


@dataclass(frozen=True)
class Calendar:
    """The sessions of one exchange, in order.

    Attributes:
        name: calendar name.
        sessions: (S,) datetime64[D] exchange dates.
        opens, closes: (S,) int64 UTC nanoseconds of the scheduled open and close.
    """

    name: str
    sessions: np.ndarray
    opens: np.ndarray
    closes: np.ndarray

    def position(self, sessions: np.ndarray) -> np.ndarray:
        """Index of each date in `sessions`; -1 where the exchange is closed that day."""
        dates = np.asarray(sessions, dtype="datetime64[D]")
        found = np.searchsorted(self.sessions, dates)
        found = np.minimum(found, len(self.sessions) - 1)
        return np.where(self.sessions[found] == dates, found, -1)

    def between(self, start: Any, end: Any) -> np.ndarray:
        """The sessions from `start` to `end`, both included."""
        first = np.searchsorted(self.sessions, np.datetime64(start, "D"), "left")
        last = np.searchsorted(self.sessions, np.datetime64(end, "D"), "right")
        return self.sessions[first:last]

    def close_of(self, sessions: np.ndarray) -> np.ndarray:
        """Closing moments (ns UTC) of exchange dates; dates off the calendar get the usual close."""
        return self._moment_of(sessions, self.closes)

    def open_of(self, sessions: np.ndarray) -> np.ndarray:
        """Opening moments (ns UTC) of exchange dates; dates off the calendar get the usual open."""
        return self._moment_of(sessions, self.opens)

    def _moment_of(self, sessions: np.ndarray, moments: np.ndarray) -> np.ndarray:
        dates = np.asarray(sessions, dtype="datetime64[D]")
        found = self.position(dates)
        nearest = np.clip(np.searchsorted(self.sessions, dates), 0, len(self.sessions) - 1)
        days_off = (dates - self.sessions[nearest]).astype(np.int64) * 86_400 * 10**9
        return np.where(found >= 0, moments[found], moments[nearest] + days_off)

    def session_of(self, moments: np.ndarray) -> np.ndarray:
        """The exchange date each moment (ns UTC) belongs to: the first session not yet closed by it."""
        found = np.searchsorted(self.closes, np.asarray(moments, dtype=np.int64), "left")
        return self.sessions[np.minimum(found, len(self.sessions) - 1)]

    def step(self, session: Any, count: int) -> np.datetime64:
        """The session `count` trading days after `session` (before it, when negative)."""
        at = int(np.searchsorted(self.sessions, np.datetime64(session, "D"), "left")) + count
        return self.sessions[int(np.clip(at, 0, len(self.sessions) - 1))]

    @cached_property
    def _weeks(self) -> np.ndarray:
        return (self.sessions.astype(np.int64) + 3) // 7  # weeks that begin on Monday

    @cached_property
    def _months(self) -> np.ndarray:
        return self.sessions.astype("datetime64[M]").astype(np.int64)

    def weekly(self, sessions: np.ndarray, weekday: int = 2) -> np.ndarray:
        """(T,) bool: the week's session on `weekday` (0 = Monday), or the next session on a holiday.

        "The next session" stays inside the same week; a week without one from `weekday` on has none.
        """
        days = (self.sessions.astype(np.int64) + 3) % 7
        due = days >= weekday
        first = due & ~np.r_[False, due[:-1] & (self._weeks[1:] == self._weeks[:-1])]
        return self._pick(first, sessions)

    def nth_weekday(self, sessions: np.ndarray, nth: int = 2, weekday: int = 2) -> np.ndarray:
        """(T,) bool: among the sessions of `weekly`, those that stand for a month's `nth` such weekday.

        The month is that of the weekday itself, also where a holiday moves the session on.
        """
        dates = np.asarray(sessions, dtype="datetime64[D]")
        weeks = (dates.astype(np.int64) + 3) // 7
        meant = (weeks * 7 - 3 + weekday).astype("datetime64[D]")
        day = (meant - meant.astype("datetime64[M]")).astype(np.int64)
        return self.weekly(sessions, weekday) & (day // 7 == nth - 1)

    def monthly(self, sessions: np.ndarray, which: str = "last") -> np.ndarray:
        """(T,) bool: the first or the last scheduled session of each month.

        Raises:
            BadSpec: `which` is neither "first" nor "last".
        """
        changes = self._months[1:] != self._months[:-1]
        if which == "last":
            return self._pick(np.r_[changes, True], sessions)
        if which == "first":
            return self._pick(np.r_[True, changes], sessions)
        raise BadSpec(f"a monthly schedule is 'first' or 'last', not {which!r}")

    def _pick(self, chosen: np.ndarray, sessions: np.ndarray) -> np.ndarray:
        found = self.position(sessions)
        return np.where(found >= 0, chosen[found], False)


@lru_cache(maxsize=16)
def get_calendar(name: str = "XNYS") -> Calendar:
    """The calendar called `name`, from 1962 to 2035.

    Raises:
        UnknownName: exchange_calendars has no such calendar.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses what pandas is about to drop
        schedule = _schedule(name)
    return Calendar(
        name=name,
        sessions=schedule.index.to_numpy().astype("datetime64[D]"),
        opens=_nanoseconds(schedule["open"]),
        closes=_nanoseconds(schedule["close"]),
    )


def _schedule(name: str) -> Any:
    import exchange_calendars
    from exchange_calendars.errors import InvalidCalendarName

    try:
        return exchange_calendars.get_calendar(name, start=FIRST, end=LAST).schedule
    except InvalidCalendarName:
        known = exchange_calendars.get_calendar_names()
        raise UnknownName.of("calendar", name, known) from None
    except ValueError:  # a calendar that begins later, or ends earlier, than ours
        return exchange_calendars.get_calendar(name).schedule


def _nanoseconds(moments: Any) -> np.ndarray:
    return moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
