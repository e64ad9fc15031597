"""When a strategy decides: rows of a panel chosen by the exchange calendar, never by the next row.

On intraday bars the session's last bar stands for the session.
"""

from collections.abc import Container
from functools import lru_cache
from typing import Any

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec, UnknownName

LONGEST_MONTH = 31  # sessions, where the market never closes
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
SCHEDULES = ("daily", "weekly", *WEEKDAYS, "monthly", "month_end")


def weekly(bars: Bars, weekday: int = 2) -> np.ndarray:
    """(T,) bool: the week's session on `weekday` (0 = Monday), or the week's next one on a holiday."""
    return get_calendar(bars.calendar).weekly(bars.session, weekday) & _session_ends(bars)


def nth_weekday(bars: Bars, nth: int = 2, weekday: int = 2) -> np.ndarray:
    """(T,) bool: the session of `weekly` that stands for the month's `nth` such weekday."""
    return get_calendar(bars.calendar).nth_weekday(bars.session, nth, weekday) & _session_ends(bars)


def month_end(bars: Bars, before: int = 0) -> np.ndarray:
    """(T,) bool: the session `before` sessions ahead of each month's last scheduled one; its first in a shorter month."""
    return np.isin(bars.session, _month_sessions(bars.calendar, before)) & _session_ends(bars)


@lru_cache(maxsize=64)
def _month_sessions(calendar: str, before: int) -> np.ndarray:
    sessions = get_calendar(calendar).sessions
    first, last = (np.flatnonzero(get_calendar(calendar).monthly(sessions, which)) for which in ("first", "last"))
    return sessions[np.maximum(last - before, first)]


def _session_ends(bars: Bars) -> np.ndarray:
    return np.ones(len(bars), dtype=bool) if bars.daily else bars.minutes_left == 0


def check_weekday(weekday: int) -> None:
    """Raise `BadSpec` unless `weekday` is one of Monday (0) to Friday (4)."""
    if weekday not in range(5):
        raise BadSpec(f"weekday={weekday} is no trading day: 0 is Monday, 4 is Friday")


def check_day(day: int) -> None:
    """Raise `BadSpec` unless `day` can be a number of sessions before a month's last one."""
    if day not in range(LONGEST_MONTH):
        raise BadSpec(f"day={day} lies in no month: it is the number of sessions before the last one, "
                      f"from 0 to {LONGEST_MONTH - 1}")


def check_schedule(word: object) -> str:
    """The word, if it is one of `SCHEDULES`.

    Raises:
        UnknownName: it is none.
    """
    if word not in SCHEDULES:
        raise UnknownName(f"unknown schedule {word!r}: write {', '.join(SCHEDULES[:-1])} or {SCHEDULES[-1]}")
    return str(word)


def schedule_params(name: str, timing: Container[str], word: str) -> dict[str, Any]:
    """What a word of `SCHEDULES` says to the parameters that a strategy's days depend on: "weekly" keeps the day of the week.

    Args:
        name: of the strategy. timing: as `TargetStrategy.timing`.

    Raises:
        UnknownName: no such word. BadSpec: the strategy decides on other days.
    """
    check_schedule(word)
    if "weekday" in timing and word in ("weekly", *WEEKDAYS):
        return {"weekday": WEEKDAYS.index(word)} if word in WEEKDAYS else {}
    if "day" in timing and word in ("monthly", "month_end"):
        return {"day": 0} if word == "month_end" else {}
    if "weekday" in timing or "day" in timing:
        habit = f"weekly: write weekly, {', '.join(WEEKDAYS[:-1])} or friday" if "weekday" in timing else "monthly: write monthly or month_end"
        raise BadSpec(f"schedule {word!r} is none of {name}, which decides {habit}")
    raise BadSpec(f"schedule {word!r} is none of {name}, which has no schedule: it may decide on every bar")
