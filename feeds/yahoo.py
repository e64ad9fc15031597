"""Source "yahoo": daily and intraday bars through yfinance, brought back to what traded. Imports core and feeds.source.

Yahoo divides the prices and dividends before a split by its ratio, and multiplies the volume. To undo that, all splits
from `start` until today are needed, whatever the end of the range: every download goes on until today and is cut after.
"""

import datetime as dt
import logging
import random
import re
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from core.calendars import Calendar, get_calendar
from core.clock import Clock, SystemClock
from core.errors import BadSpec, CerebrolabError, SourceUnavailable, UnknownName
from core.series import SymbolBars
from feeds.intervals import completion, is_intraday, require_daily
from feeds.source import SETTLE_NS, PartialFetch, Progress, cut
from feeds.unadjust import to_raw

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
THREADS = 8
ATTEMPTS = 4
FIRST_DELAY_S = 1.0
TIMEOUT_S = 20.0
INTRADAY_DAYS = {"1m": 29, "2m": 59, "5m": 59, "15m": 59, "30m": 59, "90m": 59, "1h": 729}  # how far back Yahoo goes
REQUEST_DAYS = {"1m": 7}  # the longest range of one request, where it is shorter than that
DAY_NS = 86_400 * 10**9


class YahooSource:
    """Yahoo Finance.

    Args:
        calendar: exchange calendar of the symbols. session: an HTTP session for yfinance; None = its own.
        clock: decides which bar is complete, and waits before a retry; None = the system's.
    """

    name = "yahoo"
    synthetic = False
    stored = True
    market_index = "^GSPC"
    note = "Yahoo Finance through yfinance, for personal use"

    def __init__(self, calendar: str = "XNYS", *, session: Any = None, clock: Clock | None = None) -> None:
        self.calendar = calendar
        self._session, self._clock = session, clock or SystemClock()

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Upper case, share classes after a dot ("brk-b" -> "BRK.B")."""
        return tuple(re.sub(r"^([A-Z]+)-([A-D])$", r"\1.\2", symbol.upper()) for symbol in symbols)

    def symbols(self) -> tuple[str, ...]:
        """Yahoo has no list."""
        return ()

    def sector(self, symbol: str) -> str:
        """Unknown: asking Yahoo would take a request for each symbol; name a sector map instead."""
        return ""

    def last_session(self, symbols: Sequence[str]) -> None:
        """Nothing: Yahoo goes on until today."""

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str = "1d",
              progress: Progress | None = None) -> list[SymbolBars]:
        """Raw bars; see `feeds.source.Source.fetch`. Failed symbols are retried, later and later.

        Raises:
            BadSpec: Yahoo does not keep such bars, or not for so long.
            UnknownName: Yahoo has no such symbol. PartialFetch, SourceUnavailable: see there.
            BadBars: what arrived breaks a rule.
        """
        if is_intraday(interval):
            start = self._intraday_start(start, interval)
        else:
            require_daily(interval, self.name)
        get_calendar(self.calendar)  # built once, before several threads ask for it
        found: dict[str, SymbolBars | None] = {}
        unknown: list[str] = []
        failed = dict.fromkeys(symbols, "")
        for attempt in range(ATTEMPTS):
            if attempt:
                self._clock.sleep(FIRST_DELAY_S * 2 ** (attempt - 1) * random.uniform(1.0, 1.5))
            failed = self._round(list(failed), start, interval, found, unknown, progress, len(symbols))
            if not failed:
                break
        series = [cut(bars, start, end) for bars in (found.get(name) for name in symbols) if bars is not None]
        series = [bars for bars in series if len(bars)]
        if failed and len(failed) == len(symbols):
            reason = next(iter(failed.values()))
            raise SourceUnavailable(f"yahoo did not answer ({reason}): check the network and try again")
        if failed:
            raise PartialFetch(self.name, series, failed)
        if unknown:
            raise UnknownName(f"yahoo has no bars of {', '.join(map(repr, unknown))}: check the spelling")
        return series

    def _round(self, symbols: list[str], start: str | None, interval: str, found: dict, unknown: list[str],
               progress: Progress | None, total: int) -> dict[str, str]:
        """Ask for every symbol once, several at a time; symbol -> reason for those worth another try."""
        failed = {}
        with _errors_raised(), ThreadPoolExecutor(THREADS) as pool:
            answers = pool.map(lambda symbol: self._ask(symbol, start, interval), symbols)
            for symbol, answer in zip(symbols, answers, strict=True):
                if isinstance(answer, Exception):
                    kind = _kind(answer)
                    if kind == "retry":
                        failed[symbol] = _first_line(answer)
                        continue
                    if kind == "unknown":
                        unknown.append(symbol)
                    answer = None
                found[symbol] = answer
                if progress:
                    progress(len(found), total, symbol)
        return failed

    def _ask(self, symbol: str, start: str | None, interval: str) -> SymbolBars | None | Exception:
        try:
            return self._download(symbol, start, interval)
        except CerebrolabError:
            raise
        except Exception as error:  # noqa: BLE001 - yfinance raises whatever its HTTP library and parsers do
            return error

    def _download(self, symbol: str, start: str | None, interval: str) -> SymbolBars | None:
        import yfinance

        ticker = yfinance.Ticker(re.sub(r"^([A-Z]+)\.([A-D])$", r"\1-\2", symbol), session=self._session)
        asked = {"auto_adjust": False, "actions": True, "timeout": TIMEOUT_S}
        since = {"start": start} if start else {"period": "max"}
        daily = ticker.history(interval="1d", **since, **asked)
        if interval == "1d":
            frame, actions = daily, None
        else:
            import pandas as pd

            parts = [ticker.history(interval=interval, start=first, end=last, **asked)
                     for first, last in self._requests(str(start), interval)]
            frame, actions = pd.concat([part for part in parts if len(part)] or [daily[:0]]), daily
        bars = to_raw(symbol, *self._moments(frame, interval), frame, actions)
        return bars.rows(bars.index + SETTLE_NS <= self._clock.now_ns()) if bars is not None else None

    def _moments(self, frame: "pd.DataFrame", interval: str) -> tuple[np.ndarray, np.ndarray]:
        """(completion in UTC ns, session) of each row."""
        exchange: Calendar = get_calendar(self.calendar)
        if interval == "1d":
            session = frame.index.tz_localize(None).to_numpy().astype("datetime64[D]")
            return exchange.close_of(session), session
        starts = frame.index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
        return completion(starts, interval, exchange)

    def _today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self._clock.now_ns() / 1e9, dt.UTC).date()

    def _intraday_start(self, start: str | None, interval: str) -> str:
        if interval not in INTRADAY_DAYS:
            raise BadSpec(f"yahoo has no {interval} bars: use {', '.join(INTRADAY_DAYS)} or 1d")
        earliest = (self._today() - dt.timedelta(days=INTRADAY_DAYS[interval])).isoformat()
        if start and start < earliest:
            raise BadSpec(f"yahoo keeps {interval} bars for {INTRADAY_DAYS[interval]} days only: "
                          f"start {start} is before {earliest}, start there or later")
        return start or earliest

    def _requests(self, start: str, interval: str) -> Iterator[tuple[str, str]]:
        """(first day, day after the last) of each request from `start` until today."""
        step = dt.timedelta(days=REQUEST_DAYS.get(interval, INTRADAY_DAYS[interval] + 2))
        first, stop = dt.date.fromisoformat(start), self._today() + dt.timedelta(days=1)
        while first < stop:
            yield first.isoformat(), min(first + step, stop).isoformat()
            first += step


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Have yfinance raise its errors, instead of logging them and returning an empty frame, and nothing else."""
    from yfinance.config import YfConfig

    logger = logging.getLogger("yfinance")
    hidden, level = YfConfig.debug.hide_exceptions, logger.level
    YfConfig.debug.hide_exceptions = False
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it uses what pandas is about to drop
            yield
    finally:
        YfConfig.debug.hide_exceptions = hidden
        logger.setLevel(level)


def _kind(error: Exception) -> str:
    """Whether the symbol is "unknown", has nothing in the range ("empty"), or the answer is worth a "retry"."""
    from yfinance.exceptions import YFPricesMissingError, YFTzMissingError

    if isinstance(error, YFTzMissingError):
        return "unknown"
    if isinstance(error, YFPricesMissingError):
        reason = getattr(error, "yahoo_reason", None) or ""
        return "unknown" if "No data found" in reason else "empty"
    status = getattr(getattr(error, "response", None), "status_code", None)
    return "unknown" if status == 404 else "retry"


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.split("\n")[0].split(" See http")[0].rstrip(".")
