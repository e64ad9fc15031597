"""When a strategy decides: rows of a panel chosen by the exchange calendar, never by the next row.

On intraday bars the session's last bar stands for the session.
"""

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec


def weekly(bars: Bars, weekday: int = 2) -> np.ndarray:
    """(T,) bool: the week's session on `weekday` (0 = Monday), or the week's next one on a holiday."""
    return get_calendar(bars.calendar).weekly(bars.session, weekday) & _session_ends(bars)


def nth_weekday(bars: Bars, nth: int = 2, weekday: int = 2) -> np.ndarray:
    """(T,) bool: the session of `weekly` that stands for the month's `nth` such weekday."""
    return get_calendar(bars.calendar).nth_weekday(bars.session, nth, weekday) & _session_ends(bars)


def month_end(bars: Bars) -> np.ndarray:
    """(T,) bool: the last scheduled session of each month."""
    return get_calendar(bars.calendar).monthly(bars.session, "last") & _session_ends(bars)


def _session_ends(bars: Bars) -> np.ndarray:
    return np.ones(len(bars), dtype=bool) if bars.daily else bars.minutes_left == 0


def check_weekday(weekday: int) -> None:
    """Raise `BadSpec` unless `weekday` is one of Monday (0) to Friday (4)."""
    if weekday not in range(5):
        raise BadSpec(f"weekday={weekday} is no trading day: 0 is Monday, 4 is Friday")
