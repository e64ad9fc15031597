"""Yahoo's chart API in miniature, behind a `requests.Session`, so that the real yfinance client parses its answers.

It does to prices, volumes and dividends what Yahoo does: divides them by every later split, in single precision.
"""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import numpy as np
import requests

NEW_YORK = ZoneInfo("America/New_York")
NO_DATA = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
NO_RANGE = {"code": "Bad Request", "description": "Data doesn't exist for startDate = 1, endDate = 2"}


class Listing:
    """What one symbol really traded at: rows of (ISO date, open, high, low, close, volume) and its actions."""

    def __init__(self, rows, splits=None, dividends=None, minutes=()):
        self.rows, self.splits, self.dividends, self.minutes = list(rows), splits or {}, dividends or {}, list(minutes)

    def adjustment(self, date: str) -> float:
        return float(np.prod([ratio for day, ratio in self.splits.items() if day > date]))


class YahooServer(requests.Session):
    """Answers chart requests for its listings; `failures` maps a symbol (or "*") to a list of faults, used up in order.

    A fault is an exception to raise or an HTTP status to answer. `requested` collects (symbol, parameters).
    """

    def __init__(self, listings):
        super().__init__()
        self.listings, self.failures, self.requested = listings, {}, []

    def get(self, url, params=None, **_):
        if "/v8/finance/chart/" not in url:
            return reply(200, "crumb") if "getcrumb" in url else reply(404, "")
        symbol = url.rsplit("/", 1)[1]
        self.requested.append((symbol, dict(params)))
        for key in (symbol, "*"):
            if self.failures.get(key):
                fault = self.failures[key].pop(0)
                if isinstance(fault, Exception):
                    raise fault
                return reply(fault, "")
        if symbol not in self.listings:
            return reply(404, chart(error=NO_DATA))
        return self.answer(symbol, self.listings[symbol], params)

    def post(self, url, **_):
        return reply(404, "")

    def answer(self, symbol, listing, params):
        intraday = params["interval"] != "1d"
        stamped = [(stamp(row[0]), row) for row in (listing.minutes if intraday else listing.rows)]
        if "period1" in params:
            low, high = int(params["period1"]), int(params["period2"])
            stamped = [pair for pair in stamped if low <= pair[0] < high]
            if not stamped:
                return reply(400, chart(error=NO_RANGE))
        events = {"splits": {}, "dividends": {}}
        first = stamped[0][0]
        for date, ratio in listing.splits.items():
            if stamp(date) >= first - 86_400:
                events["splits"][stamp(date)] = {"date": stamp(date), "numerator": ratio, "denominator": 1}
        for date, cash in listing.dividends.items():
            if stamp(date) >= first - 86_400:
                events["dividends"][stamp(date)] = {"date": stamp(date), "amount": cash / listing.adjustment(date)}
        return reply(200, chart(result=result(symbol, listing, stamped, events)))


def result(symbol, listing, stamped, events):
    factors = [listing.adjustment(row[0][:10]) for _, row in stamped]
    quote = {name: [None if row[at] is None else float(np.float32(row[at] / factor))
                    for (_, row), factor in zip(stamped, factors, strict=True)]
             for at, name in enumerate(("open", "high", "low", "close"), 1)}
    quote["volume"] = [round(row[5] * factor) for (_, row), factor in zip(stamped, factors, strict=True)]
    days = sorted({row[0][:10] for _, row in stamped})
    periods = [[{"start": stamp(f"{day} 09:30"), "end": stamp(f"{day} 16:00"), "timezone": "EST", "gmtoffset": -18000}]
               for day in days]
    meta = {"symbol": symbol, "currency": "USD", "instrumentType": "EQUITY", "exchangeTimezoneName": "America/New_York",
            "priceHint": 2, "validRanges": ["1d", "5d", "max"], "dataGranularity": "1d", "regularMarketPrice": 1.0,
            "firstTradeDate": stamped[0][0], "regularMarketTime": stamped[-1][0], "tradingPeriods": periods,
            "currentTradingPeriod": dict.fromkeys(("pre", "regular", "post"), periods[-1][0])}
    return {"meta": meta, "timestamp": [moment for moment, _ in stamped], "events": events,
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}}


def stamp(text: str) -> int:
    """Seconds since 1970 of a New York time; a bare date is its session's open."""
    return int(dt.datetime.fromisoformat(text if " " in text else f"{text} 09:30").replace(tzinfo=NEW_YORK).timestamp())


def chart(result=None, error=None):
    return json.dumps({"chart": {"result": [result] if result else None, "error": error}})


def reply(status, text):
    response = requests.Response()
    response.status_code, response._content, response.url = status, text.encode(), "https://query2.finance.yahoo.com/"
    return response
