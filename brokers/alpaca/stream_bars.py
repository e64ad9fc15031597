"""Bars, quotes and trades as the market data stream tells them, and the rules they must keep. Imports moments.

Page "Real-time Stock Data". Every `read_…` raises ValueError that says which rule is broken, KeyError or TypeError
where a field is missing or is no number.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brokers.alpaca.moments import SECOND_NS, new_york, to_ns

MINUTE_NS = 60 * SECOND_NS
KINDS = {"b": "bar", "u": "updated", "d": "daily"}

Raw = Mapping[str, Any]
SessionTimes = Callable[[dt.date], tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; prices in USD, times in UTC ns.

    Attributes:
        time_ns: when it is, or will be, complete: a minute after `start_ns`; a daily bar at its session's close.
        kind: "bar"; "updated", the same minute told again after late trades; "daily", the day so far, told every
            minute and final only after `time_ns`.
        trade_count, vwap: None where they are not told.
    """

    symbol: str
    time_ns: int
    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trade_count: int | None
    vwap: float | None
    kind: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask; sizes in the venue's unit, a price of 0 where one side is empty."""

    symbol: str
    time_ns: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade on the tape."""

    symbol: str
    time_ns: int
    price: float
    size: float


def read_bar(raw: Raw, session_times: SessionTimes | None) -> Bar:
    """A message "b", "u" or "d"; `session_times` answers open and close of a date, for daily bars."""
    start, kind = to_ns(raw["t"]), KINDS[raw["T"]]
    opens, high, low, close = (_positive(raw, name) for name in "ohlc")
    if not low <= min(opens, close) <= max(opens, close) <= high:
        raise ValueError(f"open {opens:g} and close {close:g} are not between low {low:g} and high {high:g}")
    vwap, count = raw.get("vw"), raw.get("n")
    return Bar(raw["S"], _complete(start, kind, session_times), start, opens, high, low, close,
               _not_negative(raw, "v"), None if count is None else int(count), None if vwap is None else float(vwap),
               kind)


def read_quote(raw: Raw) -> Quote:
    """A message "q"."""
    return Quote(raw["S"], to_ns(raw["t"]), *(_not_negative(raw, name) for name in ("bp", "ap", "bs", "as")))


def read_trade(raw: Raw) -> Trade:
    """A message "t"."""
    return Trade(raw["S"], to_ns(raw["t"]), _positive(raw, "p"), _not_negative(raw, "s"))


def _complete(start: int, kind: str, session_times: SessionTimes | None) -> int:
    if kind != "daily":
        if start % MINUTE_NS:
            raise ValueError("it does not begin on a minute")
        return start + MINUTE_NS
    local = new_york(start)
    session = session_times(local.date()) if session_times and local.time() == dt.time() else None
    if session is None:
        raise ValueError("it does not begin at New York's midnight of a trading day")
    return session[1]


def _not_negative(raw: Raw, name: str) -> float:
    value = float(raw[name])
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name!r} is {value:g}")
    return value


def _positive(raw: Raw, name: str) -> float:
    value = _not_negative(raw, name)
    if not value:
        raise ValueError(f"{name!r} is 0")
    return value
