"""Delistings, mergers for cash and new symbols: a CSV file with the columns date, symbol, event and value. Imports core only."""

import math
from pathlib import Path

from core.day_numbers import iso_date
from core.errors import UsageError
from core.events import KINDS, MERGED, RENAMED, Event
from feeds.symbol_lines import symbol_lines

HEADS = ("date", "symbol", "event", "value")


def read_events(file: str | Path) -> list[Event]:
    """The events of a file: `2016-12-08,LNKD,merged,196`, `2008-09-16,LEH,delisted,`, `2022-06-09,FB,renamed,META`.

    `date` is the first session on which the symbol does not trade under its name; `value` what is paid for a share (delisted:
    none = the last close, less the haircut), or the new symbol.

    Raises:
        UsageError: the file cannot be read, has other columns, a line that is not understood, or events that overlap.
    """
    events: dict[str, Event] = {}
    for where, cells in symbol_lines(file, "the file of events", set(HEADS).issubset, "the first line must name date, symbol, event and value"):
        event = _event(cells, where)
        if event.symbol in events:
            raise UsageError(f"{where} is {event.kind}, and {events[event.symbol].kind} above: a symbol ends once")
        events[event.symbol] = event
    _check_names(events, file)
    return list(events.values())


def _event(cells: dict[str, str], where: str) -> Event:
    kind, value = cells.get("event", "").lower(), cells.get("value", "")
    if kind not in KINDS:
        raise UsageError(f"{where}: event is {kind!r}: write {', '.join(KINDS)}")
    try:
        date = iso_date(cells.get("date", ""))
    except ValueError:
        raise UsageError(f"{where}: {cells.get('date', '')!r} is not a date: write it as 2015-01-31") from None
    if kind == RENAMED:
        if not value:
            raise UsageError(f"{where} is renamed: value must be the new symbol")
        return Event(date, cells["symbol"], kind, to=value)
    if kind == MERGED and not value:
        raise UsageError(f"{where} is merged: value must be what is paid for a share")
    return Event(date, cells["symbol"], kind, _price(value, where) if value else math.nan)


def _price(text: str, where: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 <= price < math.inf:
        raise UsageError(f"{where}: value {text!r} is not an amount of money")
    return price


def _check_names(events: dict[str, Event], file: str | Path) -> None:
    """Names follow each other in time, and never come back."""
    taken: dict[str, str] = {}
    for event in events.values():
        if event.kind != RENAMED:
            continue
        if event.to in taken:
            raise UsageError(f"{file}: {event.symbol} and {taken[event.to]} are both renamed {event.to}: keep one")
        taken[event.to] = event.symbol
        later = events.get(event.to)
        if later is not None and later.date <= event.date:
            raise UsageError(f"{file}: {event.symbol} is renamed {event.to} on {event.date}, which is {later.kind} on {later.date}: events must not overlap")


