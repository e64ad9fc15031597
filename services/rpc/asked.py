"""What requests of several services say alike: symbols, dates, intervals, sources. Imports core, feeds and services.own_files."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from core.errors import BadSpec, UnknownName
from core.spec import RunSpec
from feeds.load import source_named
from services import own_files

MOST_SYMBOLS, MOST_NAME = 2_000, 60


def asked_symbols(field: str, symbols: Sequence[str]) -> tuple[str, ...]:
    """Symbols, each named once.

    Raises:
        BadSpec: there are none, too many, or one is empty, too long or named twice; the message begins with the field.
    """
    if not symbols or len(symbols) > MOST_SYMBOLS:
        raise BadSpec(f"{field}: {len(symbols)} were given: name 1 to {MOST_SYMBOLS}, such as AAPL")
    for at, symbol in enumerate(symbols):
        if not symbol.strip() or len(symbol) > MOST_NAME or any(each in symbol for each in ", \t\n/\\"):
            raise BadSpec(f"{field}: {symbol!r:.70} at {at} is no symbol: write it as AAPL")
    twice = [symbol for symbol, count in Counter(symbols).items() if count > 1]
    if twice:
        raise BadSpec(f"{field}: {twice[0]} is named twice: name it once")
    return tuple(symbols)


def asked_dates(start: str, end: str) -> tuple[str | None, str | None]:
    """The ISO dates of `start_date` and `end_date`, None where they are empty.

    Raises:
        BadSpec: one is no date, or they are reversed.
    """
    dates = [_date("start_date", start), _date("end_date", end)]
    if dates[0] and dates[1] and dates[0] > dates[1]:
        raise BadSpec(f"start_date {dates[0]} is after end_date {dates[1]}: swap them")
    return dates[0], dates[1]


def _date(field: str, text: str) -> str | None:
    try:
        return dt.date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        raise BadSpec(f"{field} is {text!r:.40}: write a date as 2023-01-31") from None


def asked_source(source: str, own: str) -> str:
    """The source named, or the server's own.

    Raises:
        UnknownName, UsageError, BadSpec: it is none, or one that reads files of this machine.
    """
    if not source or source == own:
        return own
    own_files.refuse(RunSpec(source=source))
    try:
        source_named(source)
    except UnknownName as error:
        raise UnknownName(f"source: {error}") from None
    return source
