"""Hours: the venue's clock and calendar, as it tells them. Imports moments only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from brokers.alpaca.moments import at_new_york, to_ns


@dataclass(frozen=True)
class MarketClock:
    """What the venue says the time is, and when the market opens and closes next; UTC nanoseconds."""

    now_ns: int
    is_open: bool
    next_open_ns: int
    next_close_ns: int

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Page "Get Market Clock info"."""
        return cls(to_ns(raw["timestamp"]), bool(raw["is_open"]), to_ns(raw["next_open"]), to_ns(raw["next_close"]))


@dataclass(frozen=True)
class Session:
    """One day of the venue's calendar; `open_ns` and `close_ns` are UTC nanoseconds."""

    date: dt.date
    open_ns: int
    close_ns: int

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Page "Get Market Calendar info", whose times are New York's."""
        date = dt.date.fromisoformat(raw["date"][:10])
        opens, closes = (at_new_york(date, dt.time.fromisoformat(raw[name])) for name in ("open", "close"))
        return cls(date, opens, closes)
