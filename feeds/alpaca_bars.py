"""Pages of Alpaca's bars as columns of one symbol: joined, shifted to completion, without what trades out of hours.

Imports core and feeds.intervals.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from core.calendars import MINUTE_NS, Calendar
from core.errors import BadBars
from core.series import FIELDS
from feeds.intervals import completion, interval_ns, is_intraday

OPEN_MINUTE = 30  # sessions open at half past: finer bars that fit into half an hour add up to any longer one

Columns = dict[str, np.ndarray]


def timeframe(interval: str) -> str:
    """The longest bars that Alpaca has and that make up bars of `interval` from the session's open on."""
    if not is_intraday(interval):
        return "1Day"
    return f"{math.gcd(interval_ns(interval) // MINUTE_NS, OPEN_MINUTE)}Min"


def read_rows(pages: Iterable[dict[str, Any]]) -> dict[str, Columns]:
    """Symbol -> columns start (UTC ns), open, high, low, close and volume.

    Raises:
        BadBars: a bar lacks a field, or one is no number.
    """
    parts: dict[str, list[Columns]] = {}
    for page in pages:
        for symbol, rows in (page.get("bars") or {}).items():
            parts.setdefault(symbol, []).append(_columns(symbol, rows))
    return {symbol: {name: np.concatenate([part[name] for part in own]) for name in own[0]}
            for symbol, own in parts.items()}


def _columns(symbol: str, rows: list[dict[str, Any]]) -> Columns:
    try:
        stamps = np.array([row["t"].removesuffix("Z") for row in rows], dtype="datetime64[ns]")
        prices = {name: np.array([row[name[0]] for row in rows], dtype=np.float64) for name in FIELDS}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadBars(symbol, "a page of alpaca's", f"a field is missing or no number ({error})", "try again later") from None
    return {"start": stamps.astype(np.int64), **prices}


def timed(columns: Columns, interval: str, exchange: Calendar) -> Columns:
    """Columns from `read_rows` with `index` and `session` in the place of `start`, in bars of `interval`.

    Bars within the day are counted from the session's open; those outside the regular hours are left out.
    """
    start, rest = columns["start"], {name: columns[name] for name in FIELDS}
    if not is_intraday(interval):
        session = start.astype("datetime64[ns]").astype("datetime64[D]")  # New York's midnight is the same day in UTC
        return {"index": exchange.close_of(session), "session": session, **rest}
    opens = exchange.open_of(exchange.session_of(start + 1))
    regular = start >= opens
    start, opens, rest = start[regular], opens[regular], picked(rest, regular)
    step = interval_ns(interval)
    start = opens + (start - opens) // step * step
    firsts = np.flatnonzero(np.diff(start, prepend=-1))
    index, session = completion(start[firsts], interval, exchange)
    return {"index": index, "session": session, **(merged(rest, firsts) if len(firsts) else rest)}


def picked(columns: Columns, rows: np.ndarray) -> Columns:
    """The rows of a mask."""
    return {name: values[rows] for name, values in columns.items()}


def merged(columns: Columns, firsts: np.ndarray) -> Columns:
    """Bars joined into longer ones that begin at the rows `firsts`."""
    lasts = np.r_[firsts[1:], len(columns["open"])] - 1
    return {"open": columns["open"][firsts], "high": np.maximum.reduceat(columns["high"], firsts),
            "low": np.minimum.reduceat(columns["low"], firsts), "close": columns["close"][lasts],
            "volume": np.add.reduceat(columns["volume"], firsts)}
