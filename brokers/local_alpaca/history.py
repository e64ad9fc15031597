"""Historical bars as the market data API tells them: aggregated, adjusted, and never later than now.

Rests on the page "Historical bars": stamps are a bar's start (a daily bar's is New York midnight); today's unfinished
daily bar is included; adjustments are those of every split and dividend known by now.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from brokers.local_alpaca.moments import at_new_york, new_york, text
from brokers.local_alpaca.refusals import Refusal
from brokers.local_alpaca.shapes import Json

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue


@dataclass(frozen=True)
class DataBar:
    """One bar: `start` UTC ns, prices USD, volume shares; `end` says when it was complete."""

    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    def json(self) -> Json:
        """Keys as on the wire; count and average price are made up from volume and prices."""
        return {"t": text(self.start), "o": self.open, "h": self.high, "l": self.low, "c": self.close,
                "v": round(self.volume), "n": max(1, round(self.volume / 100)),
                "vw": round((self.high + self.low + self.close) / 3, 6)}


def bars_of(venue: Venue, symbol: str, timeframe: str, adjustment: str = "raw") -> list[DataBar]:
    """All bars of a symbol up to now; empty for unknown symbols and for timeframes finer than the bars.

    Raises:
        Refusal: 400 for a timeframe or adjustment that does not exist.
    """
    count, unit = read_timeframe(timeframe)
    if adjustment not in ("raw", "split", "dividend", "all"):
        raise Refusal(400, None, f"invalid adjustment: {adjustment}")
    if symbol not in venue.market.bars.symbols or (venue.market.daily and unit in ("Min", "Hour")):
        return []
    return _remembered(venue, symbol, count, unit, adjustment)


def _remembered(venue: Venue, symbol: str, count: int, unit: str, adjustment: str) -> list[DataBar]:
    """Made once for as long as the market stands still: pages of one question are cut from the same list."""
    market = venue.market
    state = (market.opened, market.closed, len(market.silenced), new_york(venue.now).date())
    if venue.told.get("state") != state:
        venue.told = {"state": state}
    key = (symbol, count, unit, adjustment)
    if key not in venue.told:
        venue.told[key] = _made(venue, symbol, count, unit, adjustment)
    return venue.told[key]


def _made(venue: Venue, symbol: str, count: int, unit: str, adjustment: str) -> list[DataBar]:
    base = _adjusted(venue, symbol, _raw(venue, symbol), adjustment)
    if (count, unit) == (1, "Min") or ((count, unit) == (1, "Day") and venue.market.daily):
        return base
    return _aggregated(base, count, unit)


def read_timeframe(timeframe: str) -> tuple[int, str]:
    """1 to 59 Min, 1 to 23 Hour, 1 Day, 1 Week, 1, 2, 3, 4, 6 or 12 Month."""
    match = re.fullmatch(r"(\d+)(Min|T|Hour|H|Day|D|Week|W|Month|M)", timeframe)
    if not match:
        raise Refusal(400, None, f"invalid timeframe: {timeframe}")
    unit = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}.get(match[2], match[2])
    return int(match[1]), unit


def _raw(venue: Venue, symbol: str) -> list[DataBar]:
    market = venue.market
    bars, column = market.bars, market.bars.column(symbol)
    made = []
    for row in np.flatnonzero(bars.traded[: market.closed, column]).tolist():
        if (row, column) not in market.silenced:
            made.append(row_bar(venue, row, column))
    for row in range(market.closed, market.opened if market.daily else market.closed):
        price = float(bars.raw_open[row, column])
        if not np.isnan(price) and (row, column) not in market.silenced:
            made.append(replace(row_bar(venue, row, column), high=price, low=price, close=price, volume=1.0,
                                open=price))
    return made


def row_bar(venue: Venue, row: int, column: int) -> DataBar:
    market, bars = venue.market, venue.market.bars
    close = float(bars.raw_close[row, column])
    opened, high, low = (close if isnan(price) else price for price in (
        float(getattr(bars, f"raw_{name}")[row, column]) for name in ("open", "high", "low")))
    volume = float(bars.raw_volume[row, column])
    return DataBar(market.labels[row], int(market.ends[row]), opened, high, low, close,
                   0.0 if isnan(volume) else volume)


def _adjusted(venue: Venue, symbol: str, raw: list[DataBar], adjustment: str) -> list[DataBar]:
    """Earlier prices times the factor of every later action whose ex-date has come."""
    if adjustment == "raw" or not raw:
        return raw
    today = new_york(venue.now).date()
    price_factor, share_factor, made = 1.0, 1.0, list(raw)
    events = {date: (ratio, cash) for date, ratio, cash in _actions(venue, symbol) if date <= today}
    for at in range(len(raw) - 1, -1, -1):
        bar = raw[at]
        if price_factor != 1.0 or share_factor != 1.0:
            prices = {name: round(getattr(bar, name) * price_factor, 4) for name in ("open", "high", "low", "close")}
            made[at] = replace(bar, **prices, volume=bar.volume * share_factor)
        date = new_york(bar.start).date()
        if date in events and (at == 0 or new_york(raw[at - 1].start).date() != date):
            ratio, cash = events[date]
            if adjustment in ("split", "all"):
                price_factor, share_factor = price_factor / ratio, share_factor * ratio
            if adjustment in ("dividend", "all") and at > 0:
                price_factor *= 1.0 - cash * ratio / raw[at - 1].close
    return made


def _actions(venue: Venue, symbol: str) -> list[tuple[dt.date, float, float]]:
    bars, column = venue.market.bars, venue.market.bars.column(symbol)
    rows = np.flatnonzero((bars.split[:, column] != 1) | (bars.dividend[:, column] != 0))
    return [(bars.session[row].astype(dt.date), float(bars.split[row, column]), float(bars.dividend[row, column]))
            for row in rows]


def _aggregated(base: list[DataBar], count: int, unit: str) -> list[DataBar]:
    groups: dict[int, list[DataBar]] = {}
    for bar in base:
        groups.setdefault(_bucket(bar.start, count, unit), []).append(bar)
    return [DataBar(start, group[-1].end, group[0].open, max(bar.high for bar in group), min(bar.low for bar in group),
                    group[-1].close, sum(bar.volume for bar in group)) for start, group in sorted(groups.items())]


def _bucket(start: int, count: int, unit: str) -> int:
    local = new_york(start)
    if unit in ("Min", "Hour"):
        minutes = count * (60 if unit == "Hour" else 1)
        midnight = at_new_york(local.date(), 0)
        return midnight + (start - midnight) // (minutes * 60 * 10**9) * minutes * 60 * 10**9
    date = local.date()
    if unit == "Week":
        date -= dt.timedelta(days=date.weekday())
    elif unit == "Month":
        date = date.replace(month=(date.month - 1) // count * count + 1, day=1)
    return at_new_york(date, 0)
