"""Dates and times of CSV files, read strictly: one format for the whole column, never a guess between two.

Imports the standard library only.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence

ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?")
CLOCK_AT_END = re.compile(r"[ T](\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?)$")
DATE_FORMATS = ("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d",
                "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y")
CLOCK_FORMATS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p")
ADVICE = "write dates as 2015-01-31 and times as 2015-01-31 09:31"

Complaint = Callable[[int, str, str], Exception]  # row, rule, advice


def parse_times(texts: Sequence[str], bad: Complaint) -> list[dt.datetime]:
    """One datetime a text; naive where the text names no offset from UTC.

    Raises:
        Exception: what `bad(row, rule, advice)` makes of the first text that is no date in the column's format, or
            of a column that reads both as month/day and as day/month.
    """
    if all(ISO.fullmatch(text) for text in texts):
        return [_iso(text, row, bad) for row, text in enumerate(texts)]
    if ISO.fullmatch(texts[0]):
        row = next(row for row, text in enumerate(texts) if not ISO.fullmatch(text))
        raise bad(row, f"date {texts[row]!r} is not written like {texts[0]!r}", ADVICE)
    parts = [_split_clock(text) for text in texts]
    dates = _parse_dates([date for date, _ in parts], bad)
    return [dt.datetime.combine(date, _clock(clock, row, bad))
            for row, (date, (_, clock)) in enumerate(zip(dates, parts, strict=True))]


def _iso(text: str, row: int, bad: Complaint) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError as error:
        raise bad(row, f"date {text!r} does not exist ({error})", "correct the date") from None


def _split_clock(text: str) -> tuple[str, str]:
    found = CLOCK_AT_END.search(text)
    return (text[: found.start()].strip(), found[1]) if found else (text, "")


def _parse_dates(texts: list[str], bad: Complaint) -> list[dt.date]:
    readings, reach = [], (-1, "")
    for style in DATE_FORMATS:
        dates, failed = _read(texts, style)
        if failed < 0:
            readings.append((style, dates))
        else:
            reach = max(reach, (failed, style))
    if not readings:
        row = max(reach[0], 0)
        raise bad(row, f"date {texts[row]!r} is not understood", ADVICE)
    for _, dates in readings[1:]:
        if dates != readings[0][1]:
            row = next(row for row, pair in enumerate(zip(dates, readings[0][1], strict=True)) if pair[0] != pair[1])
            raise bad(row, f"date {texts[row]!r} can be {readings[0][1][row]} or {dates[row]}", ADVICE)
    return readings[0][1]


def _read(texts: list[str], style: str) -> tuple[list[dt.date], int]:
    """The dates and -1, or those before the first text that is not in this style and its row."""
    dates: list[dt.date] = []
    for row, text in enumerate(texts):
        try:
            dates.append(dt.datetime.strptime(text, style).date())
        except ValueError:
            return dates, row
    return dates, -1


def _clock(text: str, row: int, bad: Complaint) -> dt.time:
    if not text:
        return dt.time()
    for style in CLOCK_FORMATS:
        try:
            return dt.datetime.strptime(text.upper(), style).time()
        except ValueError:
            continue
    raise bad(row, f"time {text!r} is not understood", ADVICE)
