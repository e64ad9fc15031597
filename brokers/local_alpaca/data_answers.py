"""The market data API: historical and latest bars, latest quotes and trades, snapshots, corporate actions.

Rests on the pages "Historical bars", "Latest bars", "Snapshots", "Corporate actions" and "About Market Data API".
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from brokers.local_alpaca.history import DataBar, bars_of
from brokers.local_alpaca.ledger import Request
from brokers.local_alpaca.moments import SECOND, moment, new_york, text
from brokers.local_alpaca.query import read_count, read_moment
from brokers.local_alpaca.refusals import Refusal
from brokers.local_alpaca.shapes import Json, asset_id

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

Answer = tuple[int, Any]
DELAY = 15 * 60 * SECOND  # what the basic plan may not see of SIP


def _symbols(request: Request) -> list[str]:
    symbols = [symbol for symbol in request.query.get("symbols", "").split(",") if symbol]
    if not symbols:
        raise Refusal(400, None, "symbols is required")
    for symbol in symbols:
        if not re.fullmatch(r"[A-Z][A-Z0-9./]*", symbol):
            raise Refusal(400, None, f"invalid symbol: {symbol}")
    return sorted(set(symbols))


def get_bars(venue: Venue, request: Request) -> Answer:
    """Page "Historical bars": `limit` counts across symbols, which come one after the other."""
    query = request.query
    start, end = _span(venue, query)
    limit = read_count(query, "limit", 1000, 10_000)
    found: list[tuple[str, DataBar]] = []
    for symbol in _symbols(request):
        series = [bar for bar in bars_of(venue, symbol, query.get("timeframe", ""), query.get("adjustment", "raw"))
                  if start <= bar.start <= end]
        found += [(symbol, bar) for bar in (series[::-1] if query.get("sort") == "desc" else series)]
    if query.get("page_token"):
        found = _after(found, query["page_token"])
    page = found[:limit]
    bars: dict[str, list[Json]] = {}
    for symbol, bar in page:
        bars.setdefault(symbol, []).append(bar.json())
    return 200, {"bars": bars, "next_page_token": _token(page[-1]) if len(found) > limit else None}


def get_symbol_bars(venue: Venue, request: Request, symbol: str) -> Answer:
    """Page "Historical bars (single symbol)": as for several, but the bars are a list."""
    _, told = get_bars(venue, replace(request, query={**request.query, "symbols": symbol}))
    return 200, {**told, "bars": told["bars"].get(symbol, []), "symbol": symbol}


def _span(venue: Venue, query: dict[str, str]) -> tuple[int, int]:
    """Start and end asked for; SIP of the last 15 minutes is refused on the basic plan, and cut off by default."""
    start, end = read_moment(query, "start"), read_moment(query, "end")
    if start is None:
        start = moment(f"{text(venue.now)[:10]}T00:00:00Z")
    feed = query.get("feed", "sip")
    if feed not in ("iex", "sip", "delayed_sip", "boats", "otc", "overnight"):
        raise Refusal(400, None, f"invalid feed: {feed}")
    restricted = feed == "sip" and venue.account.rules.plan == "basic"
    if restricted and end is not None and end > venue.now - DELAY:
        raise Refusal(403, None, "subscription does not permit querying recent SIP data")
    latest = venue.now - DELAY if restricted or feed == "delayed_sip" else venue.now
    return start, latest if end is None else min(end, latest)


def _token(last: tuple[str, DataBar]) -> str:
    return base64.urlsafe_b64encode(f"{last[0]}|{last[1].start}".encode()).decode()


def _after(found: list[tuple[str, DataBar]], token: str) -> list[tuple[str, DataBar]]:
    try:
        symbol, start = base64.urlsafe_b64decode(token).decode().split("|")
        at = [(name, bar.start) for name, bar in found].index((symbol, int(start)))
    except ValueError:
        raise Refusal(400, None, f"invalid page_token: {token}") from None
    return found[at + 1:]


def _check_latest_feed(venue: Venue, request: Request) -> None:
    if request.query.get("feed") == "sip" and venue.account.rules.plan == "basic":
        raise Refusal(403, None, "subscription does not permit querying recent SIP data")


def _known(venue: Venue, request: Request) -> list[str]:
    _check_latest_feed(venue, request)
    return [symbol for symbol in _symbols(request) if venue.market.last_time.get(symbol)]


def quote_json(venue: Venue, symbol: str) -> Json:
    """Bid and ask around the last trade."""
    bid, ask = venue.market.quote(symbol, venue.account.rules.spread)
    return {"t": text(venue.market.last_time[symbol]), "bp": float(bid), "ap": float(ask), "bs": 1, "as": 1,
            "bx": "V", "ax": "V", "c": ["R"], "z": "C"}


def trade_json(venue: Venue, symbol: str) -> Json:
    """The last trade."""
    return {"t": text(venue.market.last_time[symbol]), "p": float(venue.market.last[symbol]), "s": 100, "x": "V",
            "i": 1, "c": ["@"], "z": "C"}


def get_latest_bars(venue: Venue, request: Request) -> Answer:
    """Page "Latest bars": the last complete minute."""
    last = {symbol: bars_of(venue, symbol, "1Min") for symbol in _known(venue, request)}
    return 200, {"bars": {symbol: bars[-1].json() for symbol, bars in last.items() if bars}}


def get_latest_quotes(venue: Venue, request: Request) -> Answer:
    """Page "Latest quotes"."""
    return 200, {"quotes": {symbol: quote_json(venue, symbol) for symbol in _known(venue, request)}}


def get_latest_trades(venue: Venue, request: Request) -> Answer:
    """Page "Latest trades"."""
    return 200, {"trades": {symbol: trade_json(venue, symbol) for symbol in _known(venue, request)}}


def get_snapshots(venue: Venue, request: Request) -> Answer:
    """Page "Snapshots": last trade and quote, last minute, today's bar so far and the day before."""
    return 200, {symbol: _snapshot(venue, symbol) for symbol in _known(venue, request)}


def _snapshot(venue: Venue, symbol: str) -> Json:
    days, minutes = bars_of(venue, symbol, "1Day"), bars_of(venue, symbol, "1Min")
    return {"latestTrade": trade_json(venue, symbol), "latestQuote": quote_json(venue, symbol),
            "minuteBar": minutes[-1].json() if minutes else None, "dailyBar": days[-1].json() if days else None,
            "prevDailyBar": days[-2].json() if len(days) > 1 else None}


def get_corporate_actions(venue: Venue, request: Request) -> Answer:
    """Page "Corporate actions": `start` and `end` select by process date, a dividend's being its pay date.

    Actions are known from ten days before their ex-date. `limit` counts across types and symbols.
    """
    query, today = request.query, new_york(venue.now).date()
    symbols = query["symbols"].split(",") if query.get("symbols") else list(venue.market.bars.symbols)
    types = query["types"].split(",") if query.get("types") else None
    start, end = query.get("start", today.isoformat())[:10], query.get("end", today.isoformat())[:10]
    listed = [(kind, what) for kind, what in _all_actions(venue, today) if what["symbol"] in symbols
              and (types is None or kind.removesuffix("s") in types) and start <= what["process_date"] <= end]
    listed.sort(key=lambda pair: pair[1]["process_date"], reverse=query.get("sort") == "desc")
    first = read_count(query, "page_token", 1, len(listed) + 1) - 1
    last = first + read_count(query, "limit", 100, 1000)
    made: dict[str, list[Json]] = {}
    for kind, what in listed[first:last]:
        made.setdefault(kind, []).append(what)
    return 200, {"corporate_actions": made, "next_page_token": str(last + 1) if len(listed) > last else None}


def _all_actions(venue: Venue, today: dt.date) -> list[tuple[str, Json]]:
    bars, listed = venue.market.bars, []
    for row, column in np.argwhere((bars.split != 1) | (bars.dividend != 0)):
        symbol, ex_date = bars.symbols[column], bars.session[row].astype(dt.date)
        if ex_date > today + dt.timedelta(days=10):
            continue
        ratio, cash, pay = float(bars.split[row, column]), float(bars.dividend[row, column]), bars.pay_date[row, column]
        common = {"id": asset_id(f"{symbol}{ex_date}"), "symbol": symbol, "ex_date": ex_date.isoformat(),
                  "record_date": ex_date.isoformat()}
        if ratio != 1:
            listed.append(_split_json(common, ratio))
        if cash:
            paid = ex_date if np.isnat(pay) else pay.astype(dt.date)
            listed.append(("cash_dividends", {**common, "cusip": "000000000", "rate": cash, "special": False,
                                              "foreign": False, "process_date": paid.isoformat(),
                                              "payable_date": paid.isoformat()}))
    return listed


def _split_json(common: Json, ratio: float) -> tuple[str, Json]:
    dates = {"process_date": common["ex_date"], "payable_date": common["ex_date"]}
    if ratio > 1:
        return "forward_splits", {**common, **dates, "cusip": "000000000", "new_rate": ratio, "old_rate": 1.0}
    return "reverse_splits", {**common, **dates, "old_cusip": "000000000", "new_cusip": "000000001", "new_rate": 1.0,
                              "old_rate": 1 / ratio}


ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
    ("GET", re.compile(path), answer) for path, answer in (
        ("/v2/stocks/bars", get_bars), ("/v2/stocks/([^/]+)/bars", get_symbol_bars),
        ("/v2/stocks/bars/latest", get_latest_bars),
        ("/v2/stocks/quotes/latest", get_latest_quotes), ("/v2/stocks/trades/latest", get_latest_trades),
        ("/v2/stocks/snapshots", get_snapshots), ("/v1/corporate-actions", get_corporate_actions))]
