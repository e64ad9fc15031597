"""LiveBars: all live feeds of one AlpacaStore, on one websocket, released moment by moment. Imports the modules beside it.

Everything happens in Cerebro's thread, whenever a feed is asked for its next bar: the stream's thread only puts what it is
told into a queue, and rings the store's bell. No trouble with the venue leaves `pump` as an exception: it is reported.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from brokers.alpaca.stream_trouble import State
from core.errors import CerebrolabError, UsageError
from feeds.alpaca import PROXIES, AlpacaSource
from feeds.alpaca_days import LiveDays
from feeds.alpaca_minutes import LiveMinutes
from feeds.alpaca_pages import AlpacaPages
from feeds.alpaca_rows import Row, Values
from feeds.alpaca_splits import actions_on
from feeds.intervals import interval_ns, is_intraday
from feeds.streamed import StreamedBars

if TYPE_CHECKING:
    from brokers.alpaca.store import AlpacaStore
    from feeds.alpaca_feed import AlpacaData

log = logging.getLogger(__name__)
SECOND_NS = 10**9
WRITE_NS = 15 * 60 * SECOND_NS
EARLY_NS = 30 * 60 * SECOND_NS  # before the open, the day's corporate actions are asked for
AGAIN_S, LONGEST_S = 2.0, 60.0  # pauses between questions that are not answered
CALENDAR = "XNYS"


class LiveBars:
    """The live feeds of a store.

    Args:
        store: its endpoints, clock, bell and websocket are used.
    """

    def __init__(self, store: AlpacaStore) -> None:
        self._store, self._clock = store, store.clock
        self._feeds: dict[str, list[AlpacaData]] = {}
        self._groups: dict[str, LiveMinutes | LiveDays] = {}
        self._pending: list[str] = []  # intervals whose history has not been read
        self._inbox: deque[Any] = deque()
        self._stream: Any = None
        self._streamed: StreamedBars | None = None
        self._session: dt.date | None = None
        self._written = self._ask_at = 0
        self._pause_s = AGAIN_S
        self._told = ""

    @classmethod
    def of(cls, store: AlpacaStore) -> LiveBars:
        """The one of a store; it is made when the first feed asks."""
        if store.bars is None:
            store.bars = cls(store)
        return store.bars

    def join(self, feed: AlpacaData) -> None:
        """Add a feed; before the first one starts.

        Raises:
            UsageError: they have started.
        """
        if self._groups:
            raise UsageError(f"{feed.symbol} comes too late: make all feeds of a store before cerebro.run(), and a store for each run")
        self._feeds.setdefault(feed.interval, []).append(feed)

    def begin(self) -> None:
        """Connect; called by every feed that starts."""
        if self._groups:
            return
        first = next(iter(self._feeds.values()))[0]
        self._streamed = StreamedBars(first.p.bar_store, self._source().name)
        for interval, feeds in self._feeds.items():
            self._groups[interval] = self._group(interval, feeds)
        self._pending = list(self._groups)
        minutes = [feed.symbol for interval, feeds in self._feeds.items() if is_intraday(interval) for feed in feeds]
        if minutes:
            self._stream = self._store.listen(self._hear, self._hear)
            self._stream.subscribe({PROXIES.get(symbol, symbol) for symbol in minutes})

    def stop(self) -> None:
        """Write down what has been streamed."""
        if self._streamed is not None and self._session is not None:
            self._streamed.write(np.datetime64(self._session))

    def over(self, feed: AlpacaData) -> bool:
        """Whether a feed will have no more bars: its `todate` has passed."""
        return self._clock.now_ns() > feed.ends_ns and not self._pending

    # -- Cerebro's thread -----------------------------------------------------------------------------

    def pump(self, wait_s: float) -> None:
        """Take in what was told and release what is due to the feeds; if that is nothing, wait for news and try again."""
        self._look()
        if wait_s > 0 and not any(feed.haslivedata() for feeds in self._feeds.values() for feed in feeds):
            self._store.bell.wait(min(wait_s, max(self._until_due(), 0.0)))
            self._look()

    def is_live(self, feed: AlpacaData) -> bool:
        """Whether the feed's bars, from now on, come in time."""
        return feed.interval not in self._pending and self._groups[feed.interval].live

    def _look(self) -> None:
        now = self._clock.now_ns()
        if now < self._ask_at:
            return
        try:
            self._take_in()
            self._begin_session(now)
            for interval in list(self._pending):
                self._release(interval, self._groups[interval].history(self._given(interval), now))
                self._pending.remove(interval)
            for interval, group in self._groups.items():
                self._release(interval, group.due(now))
                if group.mute:
                    group.mute = False
                    self._stream.expect(0.0)
            self._write(now)
            self._pause_s, self._told = AGAIN_S, ""
        except CerebrolabError as error:
            self._fail(error, now)

    def _take_in(self) -> None:
        while self._inbox:
            told = self._inbox[0]
            if isinstance(told, State):
                self._take_state(told)
            else:
                self._take_bar(told)
            self._inbox.popleft()

    def _take_bar(self, bar: Any) -> None:
        values = Values(bar.open, bar.high, bar.low, bar.close, bar.volume)
        for group in self._groups.values():
            for symbol in group.symbols if isinstance(group, LiveMinutes) else ():
                if PROXIES.get(symbol, symbol) == bar.symbol:
                    group.hear(symbol, bar.time_ns, values)

    def _take_state(self, state: Any) -> None:
        if state.name == "connected":
            self._clock.sync()
            for group in self._groups.values():
                group.connected(self._clock.now_ns())
        elif state.name in ("lost", "refused"):
            for group in self._groups.values():
                group.lost()
        if state.name in ("connected", "lost", "refused"):
            self._tell_status(state.name == "connected")
        if state.name != "connected":
            self._report(f"market data: {state.name}{f' ({state.reason})' if state.reason else ''}")

    def _tell_status(self, is_connected: bool) -> None:
        for interval, feeds in self._feeds.items():
            for feed in feeds if is_intraday(interval) else ():
                feed.put_notification(feed.CONNECTED if is_connected else feed.CONNBROKEN)

    def _release(self, interval: str, rows: Iterator[Row]) -> None:
        for row in rows:
            for feed in self._feeds[interval]:
                if feed.symbol in row.values:
                    feed.take(row.moment, row.values[feed.symbol], row.live)

    def _until_due(self) -> float:
        """Seconds until something is to be done, as far as is known."""
        dues = [due for due in (group.next_due for group in self._groups.values()) if due is not None]
        minute = 60 * SECOND_NS
        now = self._clock.now_ns()
        return (max(min([*dues, now + minute - now % minute]), self._ask_at) - now) / 1e9 + 0.001

    # -- sessions, actions, storing -------------------------------------------------------------------

    def _begin_session(self, now: int) -> None:
        """At the start, and before every open: what happens to the shares today is known before they trade."""
        today = self._clock.today()
        if today == self._session:
            return
        times = self._clock.session_times(today)
        if times is None or now < times[0] - EARLY_NS:
            return
        if self._streamed is not None:
            if self._session is not None:
                self._streamed.write(np.datetime64(self._session))
            self._streamed.forget()
        if self._session is not None:
            tickers = {PROXIES.get(feed.symbol, feed.symbol) for feed in self._all()}
            found = actions_on(sorted(tickers), str(today), AlpacaPages(self._store.endpoints, self._clock, attempts=1))
            for feed in self._all():
                feed.act(found.get(PROXIES.get(feed.symbol, feed.symbol), ()), times[0])
        self._session = today

    def _write(self, now: int) -> None:
        if self._streamed is not None and self._session is not None and now - self._written >= WRITE_NS:
            self._streamed.write(np.datetime64(self._session))
            self._written = now

    # -- the venue ------------------------------------------------------------------------------------

    def _group(self, interval: str, feeds: list[AlpacaData]) -> LiveMinutes | LiveDays:
        symbols, first = [feed.symbol for feed in feeds], min((feed.first for feed in feeds if feed.first), default=None)
        if not is_intraday(interval):
            return LiveDays(symbols, self._clock.session_times, self._fetch, first)
        assert self._streamed is not None
        grace_ns = round(max(feed.p.bar_grace_s for feed in feeds) * SECOND_NS)
        return LiveMinutes(symbols, interval, interval_ns(interval), grace_ns, self._session_at, self._fetch, self._streamed, first)

    def _session_at(self, moment: int) -> tuple[int, int] | None:
        return self._clock.session_times(dt.datetime.fromtimestamp(moment / 1e9, dt.UTC).date())

    def _source(self, settles: bool = False) -> AlpacaSource:
        options: dict[str, Any] = {} if settles else {"settle_ns": 0}
        feed = "sip" if self._store.endpoints.data_stream.rstrip("/").endswith("sip") else "iex"
        return AlpacaSource(feed, endpoints=self._store.endpoints, clock=self._clock, attempts=1, **options)

    def _fetch(self, symbols: Iterable[str], first: str, interval: str) -> Any:
        series = self._source(settles=not is_intraday(interval)).fetch(list(symbols), first, None, interval)
        for bars in series:
            for feed in self._all():
                if feed.symbol == bars.symbol:
                    feed.act_on(bars)
        return series

    def _given(self, interval: str) -> Any:
        """History that came with the feeds; None = it is fetched."""
        given = [feed.history for feed in self._feeds[interval]]
        return None if any(bars is None for bars in given) else given

    def _all(self) -> Iterator[AlpacaData]:
        for feeds in self._feeds.values():
            yield from feeds

    def _hear(self, told: Any) -> None:
        """In the stream's thread."""
        self._inbox.append(told)
        self._store.bell.ring()

    # -- trouble --------------------------------------------------------------------------------------

    def _fail(self, error: CerebrolabError, now: int) -> None:
        """Report, once for each kind of trouble, and try again later."""
        self._ask_at = now + round(self._pause_s * SECOND_NS)
        self._pause_s = min(self._pause_s * 2, LONGEST_S)
        if str(error) != self._told:
            self._told = str(error)
            self._report(f"market data: {error}")

    def _report(self, text: str) -> None:
        log.warning(text)
        self._store.put_notification(text)
