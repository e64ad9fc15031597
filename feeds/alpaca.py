"""Source "alpaca": intraday, daily and weekly bars of US stocks and funds, raw, with their corporate actions.

Bars are stamped at completion, unfinished ones are dropped, and so is what trades outside the regular hours. Imports
core and feeds.
"""

import datetime as dt
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from core.calendars import get_calendar
from core.clock import Clock, SystemClock
from core.errors import BadSpec, UnknownName
from core.series import SymbolBars
from feeds.alpaca_actions import Action, placed, read_actions
from feeds.alpaca_bars import Columns, picked, read_rows, timed, timeframe
from feeds.alpaca_pages import ACTIONS, ATTEMPTS, BARS, AlpacaPages, NoAnswer
from feeds.alpaca_weeks import monday_of, weekly
from feeds.intervals import is_intraday, require_daily
from feeds.source import SETTLE_NS, PartialFetch, Progress, cut_all

if TYPE_CHECKING:
    from brokers.alpaca.endpoints import Endpoints
    from core.settings import Settings

log = logging.getLogger(__name__)
FEEDS = ("iex", "sip")
PROXIES = {"^GSPC": "SPY", "^NDX": "QQQ", "^DJI": "DIA", "^RUT": "IWM"}
CALENDARS = ("XNYS", "XNAS", "NYSE", "NASDAQ", "ARCX", "XASE", "BATS")
EARLIEST = "1970-01-01"
WEEK = "1w"
CHUNK = 25  # symbols of one question
BARS_A_PAGE, ACTIONS_A_PAGE = 10_000, 1_000  # the most that Alpaca gives
BEFORE_EX, AFTER_EX = dt.timedelta(days=60), dt.timedelta(days=400)  # when an action may be processed


class Asked(NamedTuple):
    """One question: sessions `start` to `end` (ISO dates, None = until now) in bars of `interval`."""

    start: str
    end: str | None
    interval: str


class AlpacaSource:
    """Alpaca's historical bars.

    Alpaca promises no time by which it knows a corporate action (page "Corporate actions"): one that comes after its
    session has been stored is seen when that session is forgotten and fetched again.

    Args:
        feed: "iex" (one exchange, any plan) or "sip" (all exchanges; the basic plan has it 15 minutes late).
        calendar: exchange calendar of the symbols, one of New York's.
        endpoints: keys and host; None = those of the settings, read when needed.
        clock: decides which bar is complete, and waits; None = the system's. page: bars asked for at once.
        settle_ns: how long after its end a bar counts as complete. attempts: how often a question is asked.
        pages: what asks, in place of one of its own; whoever gives it closes it. Its own ends its connections after every fetch.

    Raises:
        UnknownName: no such feed. BadSpec: a calendar of another market.
    """

    synthetic = False
    stored = True
    market_index = "^GSPC"

    def __init__(self, feed: str = "iex", calendar: str = "XNYS", *, settings: "Settings | None" = None,
                 endpoints: "Endpoints | None" = None, clock: Clock | None = None, page: int = BARS_A_PAGE,
                 settle_ns: int = SETTLE_NS, attempts: int = ATTEMPTS, pages: AlpacaPages | None = None) -> None:
        if feed not in FEEDS:
            raise UnknownName.of("feed of the source alpaca", feed, FEEDS)
        if calendar not in CALENDARS:
            raise BadSpec(f"alpaca has US stocks, which do not trade by the calendar {calendar!r}: use XNYS")
        self.name = "alpaca" if feed == "iex" else "alpaca-sip"  # the two feeds are stored apart
        self.feed, self.calendar = feed, calendar
        self._settings, self._endpoints, self._clock = settings, endpoints, clock or SystemClock()
        self._page, self._settle_ns, self._attempts, self._given = page, settle_ns, attempts, pages

    @property
    def note(self) -> str:
        """What a report prints."""
        reach = "trades on IEX only" if self.feed == "iex" else "trades on all US exchanges"
        shown = ", ".join(f"{index} is {fund}" for index, fund in PROXIES.items())
        return f"Alpaca, {reach}; funds stand for indices: {shown}"

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Upper case, share classes after a dot ("brk-b" -> "BRK.B")."""
        return tuple(re.sub(r"^([A-Z]+)[-/]([A-D])$", r"\1.\2", symbol.upper()) for symbol in symbols)

    def symbols(self) -> tuple[str, ...]:
        """The data API has no list."""
        return ()

    def sector(self, symbol: str) -> str:
        """Unknown to Alpaca; name a sector map instead."""
        return ""

    def last_session(self, symbols: Sequence[str]) -> None:
        """Nothing: Alpaca goes on until today."""

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str = "1d",
              progress: Progress | None = None) -> list[SymbolBars]:
        """Raw bars; see `feeds.source.Source.fetch`. An index comes with the prices of its fund, said in the log.

        Raises:
            UsageError: no keys, wrong ones, or alpaca-py is missing. BadSpec: Alpaca has no such bars.
            UnknownName: Alpaca has no such symbol. PartialFetch, SourceUnavailable: see there.
            BadBars: what arrived breaks a rule.
        """
        is_weekly = interval == WEEK
        if not is_weekly and not is_intraday(interval):
            require_daily(interval, self.name)
        tickers = {symbol: ticker_of(symbol) for symbol in symbols}
        wanted = list(dict.fromkeys(tickers.values()))
        start = max(start or EARLIEST, EARLIEST)
        asked = Asked(monday_of(start) if is_weekly else start, end, interval)
        found: dict[str, SymbolBars] = {}
        unknown: list[str] = []
        for done in range(0, len(wanted), CHUNK):
            try:
                arrived, nobody = self._chunk(wanted[done:done + CHUNK], asked)
            except NoAnswer as failure:
                if not done:
                    raise
                failed = {name: failure.reason for name, ticker in tickers.items() if ticker in wanted[done:]}
                raise PartialFetch(self.name, cut_all(_named(found, tickers), start, end), failed) from None
            found |= arrived
            unknown += nobody
            if progress:
                progress(min(done + CHUNK, len(wanted)), len(wanted), wanted[done:done + CHUNK][-1])
        if unknown:
            raise UnknownName(f"alpaca has no bars of {', '.join(map(repr, unknown))}: check the spelling")
        return cut_all(_named(found, tickers), start, end)

    @cached_property
    def _data(self) -> AlpacaPages:
        if self._given is not None:
            return self._given
        if self._endpoints is not None:
            return AlpacaPages(self._endpoints, self._clock, self._attempts)
        from core.settings import load_settings

        return AlpacaPages.of(self._settings or load_settings(), self._clock)

    def _chunk(self, tickers: list[str], asked: Asked) -> tuple[dict[str, SymbolBars], list[str]]:
        """(bars by ticker, tickers that Alpaca does not know)."""
        data, now = self._data, self._clock.now_ns()
        span = self._span(asked, now - self._settle_ns)
        if span is None:
            return {}, []
        try:
            rows = read_rows(data.pages(BARS, self._query(tickers, timeframe(asked.interval), *span), self._page))
            actions = read_actions(data.pages(ACTIONS, _action_query(tickers, asked, span[1]), ACTIONS_A_PAGE),
                                   asked.start, asked.end or span[1][:10])
            nobody = self._never_traded([ticker for ticker in tickers if ticker not in rows])
        finally:
            if self._given is None:
                data.close()
        made = (self._made(ticker, columns, actions.get(ticker, ()), asked.interval, now)
                for ticker, columns in rows.items())
        return {bars.symbol: bars for bars in made if bars is not None}, nobody

    def _made(self, ticker: str, columns: Columns, actions: Sequence[Action], interval: str, now: int) -> SymbolBars | None:
        """The complete bars; None where there is none."""
        exchange = get_calendar(self.calendar)
        whole = timed(columns, interval, exchange)
        whole = picked(whole, whole["index"] + self._settle_ns <= now)
        if not len(whole["index"]):
            return None
        bars = SymbolBars.make(ticker, **whole, **placed(whole["session"], actions))  # type: ignore[arg-type]
        if interval == WEEK:
            bars = weekly(bars, exchange)
            bars = bars.rows(bars.index + self._settle_ns <= now)
        return bars

    def _span(self, asked: Asked, until: int) -> tuple[str, str] | None:
        """First and last start of a bar to ask for, as RFC 3339; None when nothing can be complete by `until`.

        The basic plan is refused an end within the last 15 minutes of SIP: what is not complete is not asked for.
        """
        first, last = np.datetime64(asked.start, "s"), np.datetime64(until // 10**9, "s")
        if asked.end is not None:
            last = np.fmin(last, np.datetime64(asked.end, "s") + np.timedelta64(86_400, "s"))
        return (f"{first}Z", f"{last}Z") if first <= last else None

    def _query(self, tickers: list[str], timeframe: str, start: str, end: str) -> dict[str, Any]:
        return {"symbols": ",".join(tickers), "timeframe": timeframe, "start": start, "end": end, "adjustment": "raw",
                "feed": self.feed}

    def _never_traded(self, tickers: list[str]) -> list[str]:
        """Those without a single bar, ever: Alpaca answers nothing for a name it does not know."""
        if not tickers:
            return []
        now = np.datetime64((self._clock.now_ns() - self._settle_ns) // 10**9, "s")
        query = self._query(tickers, "12Month", f"{EARLIEST}T00:00:00Z", f"{now}Z")
        known = read_rows(self._data.pages(BARS, query, self._page))
        return [ticker for ticker in tickers if ticker not in known]


def ticker_of(symbol: str) -> str:
    """What Alpaca calls a symbol; the fund that stands for an index.

    Raises:
        UnknownName: an index without a fund.
    """
    if symbol in PROXIES:
        log.warning("alpaca has no indices: %s stands for %s", PROXIES[symbol], symbol)
        return PROXIES[symbol]
    if symbol.startswith("^"):
        raise UnknownName(f"alpaca has no indices, and no fund stands for {symbol!r}: use one of {', '.join(PROXIES)}, "
                          "or a fund")
    return symbol


def _action_query(tickers: list[str], asked: Asked, end: str) -> dict[str, Any]:
    """Alpaca selects by the date an action is processed: a split's ex-date, a dividend's pay date."""
    first, last = (dt.date.fromisoformat(text[:10]) for text in (asked.start, end))
    return {"symbols": ",".join(tickers), "start": str(first - BEFORE_EX), "end": str(last + AFTER_EX)}


def _named(found: dict[str, SymbolBars], tickers: dict[str, str]) -> list[SymbolBars]:
    """The bars by the names that were asked for, in that order."""
    return [replace(found[ticker], symbol=name) for name, ticker in tickers.items() if ticker in found]
