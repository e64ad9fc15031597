"""Moments: UTC nanoseconds, New York wall time and the text Alpaca writes them in. Imports the standard library only."""

import datetime as dt
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
SECOND = 10**9
MILLISECOND = 10**6
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def moment(when: int | str | dt.datetime) -> int:
    """UTC nanoseconds of an ISO text or a datetime (UTC where it names no zone); an int is one already."""
    if isinstance(when, int):
        return when
    if isinstance(when, str):
        text, fraction = when.replace("Z", "+00:00").replace(" ", "+"), 0
        head, dot, tail = text.partition(".")
        if dot:  # datetime knows microseconds only
            digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
            fraction, text = int(digits.ljust(9, "0")[:9]), head + tail[len(digits):]
        return moment(dt.datetime.fromisoformat(text)) + fraction
    aware = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    since = aware - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def text(at: int) -> str:
    """RFC 3339 in UTC with the fraction down to nanoseconds, as Alpaca writes it."""
    whole = _EPOCH + dt.timedelta(seconds=at // SECOND)
    fraction = f"{at % SECOND:09d}".rstrip("0")
    return f"{whole:%Y-%m-%dT%H:%M:%S}{'.' + fraction if fraction else ''}Z"


def new_york(at: int) -> dt.datetime:
    """New York wall time, to the microsecond."""
    return (_EPOCH + dt.timedelta(seconds=at // SECOND, microseconds=at % SECOND // 1000)).astimezone(NEW_YORK)


def new_york_text(at: int) -> str:
    """ISO text with New York's offset, as the clock endpoint writes it."""
    return new_york(at).isoformat()


def at_new_york(date: dt.date, hour: int, minute: int = 0) -> int:
    """The moment a New York wall clock shows `hour`:`minute` on `date`."""
    return moment(dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=NEW_YORK))
