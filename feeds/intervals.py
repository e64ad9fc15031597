"""Bar lengths: what "5m", "1h" and "1d" mean. Imports core only."""

import re

import numpy as np

from core.calendars import Calendar
from core.errors import BadSpec

_UNIT_NS = {"m": 60 * 10**9, "h": 3_600 * 10**9}


def is_intraday(interval: str) -> bool:
    """Whether bars of this length are shorter than a session.

    Raises:
        BadSpec: the interval is not understood.
    """
    return _parts(interval)[1] in _UNIT_NS


def interval_ns(interval: str) -> int:
    """Length of an intraday bar in nanoseconds.

    Raises:
        BadSpec: the interval is not understood, or is a day or longer.
    """
    count, unit = _parts(interval)
    if unit not in _UNIT_NS:
        raise BadSpec(f"interval {interval!r} is a session or longer: name minutes or hours, such as 5m")
    return count * _UNIT_NS[unit]


def completion(starts: np.ndarray, interval: str, calendar: Calendar) -> tuple[np.ndarray, np.ndarray]:
    """(completion in UTC ns, session) of intraday bars that start at `starts` (UTC ns).

    The last bar of a session ends with it, however short. A bar that ends before its session opens lies outside the
    exchange's hours: `completion <= calendar.open_of(session)`.
    """
    session = calendar.session_of(starts + 1)
    return np.minimum(starts + interval_ns(interval), calendar.close_of(session)), session


def require_daily(interval: str, source: str) -> None:
    """Refuse an interval that a source without other bars of a day or longer cannot serve.

    Raises:
        BadSpec: the interval is not "1d".
    """
    _parts(interval)
    if interval != "1d":
        raise BadSpec(f"the source {source!r} has no {interval} bars: use --interval 1d")


def _parts(interval: str) -> tuple[int, str]:
    found = re.fullmatch(r"([1-9]\d{0,3})(m|h|d|w|M)", interval)
    if not found:
        raise BadSpec(f"interval {interval!r} is not understood: write 1d, 1h, 5m or 1m")
    return int(found[1]), found[2]
