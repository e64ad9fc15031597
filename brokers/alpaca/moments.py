"""Moments in Alpaca's answers: RFC 3339 text to and from UTC nanoseconds, and New York dates. Standard library only."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
SECOND_NS = 10**9
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TEXT = re.compile(r"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)")


def to_ns(text: str) -> int:
    """UTC nanoseconds of "2024-03-01T09:30:00.123456789-05:00"; all nine digits count.

    Raises:
        ValueError: it is not such a text.
    """
    found = _TEXT.fullmatch(text)
    if not found:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    whole = dt.datetime.fromisoformat(found["whole"] + found["zone"])
    return int(whole.timestamp()) * SECOND_NS + int((found["fraction"] or "").ljust(9, "0")[:9])


def to_text(at_ns: int) -> str:
    """RFC 3339 in UTC, down to the nanosecond."""
    seconds, fraction = divmod(at_ns, SECOND_NS)
    return f"{_EPOCH + dt.timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def new_york(at_ns: int) -> dt.datetime:
    """New York wall time, rounded down to the microsecond."""
    return (_EPOCH + dt.timedelta(microseconds=at_ns // 1000)).astimezone(NEW_YORK)


def at_new_york(date: dt.date, time: dt.time) -> int:
    """UTC nanoseconds of the moment New York's clocks show `time` on `date`."""
    return int(dt.datetime.combine(date, time, NEW_YORK).timestamp()) * SECOND_NS
