"""Texts that a run specification is made of: TOML files, "name=value", "3y". Imports core.errors only."""

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

from core.errors import BadSpec


def read_toml(path: str | Path) -> dict[str, Any]:
    """The table in a TOML file.

    Raises:
        BadSpec: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSpec(f"cannot read {path}: {error.strerror}; check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSpec(f"{path} is not valid TOML: {error}") from None


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split "name=value"; the value becomes a bool, an int, a float or stays text.

    Raises:
        BadSpec: there is no "=" or no name.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadSpec(f"parameter {text!r} is not understood: write name=value, such as fast=50")
    return name.strip(), parse_value(value.strip())


def parse_value(text: str) -> Any:
    """A bool, int, float or the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def period_start(period: str, end: dt.date) -> dt.date:
    """The date `period` ("3y", "18mo", "6w", "90d") before `end`.

    Raises:
        BadSpec: the period is not understood.
    """
    found = re.fullmatch(r"([1-9]\d{0,4})\s*(y|mo|w|d)", period.strip().lower())
    if not found:
        raise BadSpec(f"period {period!r} is not understood: write 5y, 18mo, 6w or 90d")
    count, unit = int(found[1]), found[2]
    if unit in "wd":
        return end - dt.timedelta(days=count * (7 if unit == "w" else 1))
    months = end.year * 12 + end.month - 1 - count * (12 if unit == "y" else 1)
    if months < 12:
        raise BadSpec(f"period {period!r} reaches before the year 1: shorten it")
    year, month = divmod(months, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(end.day, last))


def utc_time(name: str, text: str) -> str:
    """A date, or a time in UTC to the microsecond, as ISO text: "2026-01-05", "2026-01-05T21:30:00Z".

    Raises:
        BadSpec: the text is neither.
    """
    try:
        found = dt.datetime.fromisoformat(text)
        if not 1678 <= found.year < 2262:  # what 64 bits of nanoseconds hold
            raise ValueError(text)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return found.date().isoformat()
        if "T" not in text and " " not in text:
            raise ValueError(text)
        moment = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise BadSpec(f"{name} {text!r} is no date and no time: write it as 2026-01-05 or 2026-01-05T21:30:00Z") from None
    return moment.replace(tzinfo=None).isoformat() + "Z"


def utc_ns(text: str, last: bool = True) -> int:
    """What `utc_time` has written as UTC nanoseconds; a date is the last moment of its day, or the first."""
    day = len(text) == len("2026-01-05")
    since = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    day_ns = 86_400 * 10**9 - 1 if day and last else 0
    return (since // dt.timedelta(microseconds=1)) * 1_000 + day_ns
