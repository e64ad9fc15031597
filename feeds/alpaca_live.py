"""LiveBars: all live feeds of one AlpacaStore, on one websocket, dealt moment by moment. Imports the modules beside it.

Everything happens in Cerebro's thread, whenever a feed is asked for its next bar. No trouble with the venue leaves `pump` as
an exception: it is reported, and tried again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core.day_numbers import day_numbers
from core.errors import UsageError
from feeds.alpaca_archive import Archive
from feeds.alpaca_arrivals import Arrivals
from feeds.alpaca_days import LiveDays
from feeds.alpaca_minutes import LiveMinutes
from feeds.alpaca_recent import RecentBars
from feeds.alpaca_rows import Row, Times
from feeds.alpaca_session import SECOND_NS, Retry, Session, seconds_until
from feeds.intervals import is_intraday
from feeds.streamed import StreamedBars

if TYPE_CHECKING:
    from brokers.alpaca.store import AlpacaStore
    from feeds.alpaca_feed import AlpacaData

log = logging.getLogger(__name__)


class LiveBars:
    """The live feeds of a store, for one run.

    Args:
        store: its endpoints, clock, bell and websocket are used.

    Attributes:
        in_time: the moment that was dealt last came in time, or nothing is missing since.
    """

    def __init__(self, store: AlpacaStore) -> None:
        self._store, self._clock = store, store.clock
        self._feeds: dict[str, list[AlpacaData]] = {}  # by interval, as all that follows
        self._groups: dict[str, LiveMinutes | LiveDays] = {}
        self._rows: dict[str, deque[Row]] = {}
        self._retries: dict[str, Retry] = {}
        self._is_past_read = self._dealt = self._looked = False
        self._grace_ns = self._undelivered = 0
        self._begun: set[AlpacaData] = set()
        self._asked: set[AlpacaData] = set()
        self._minutes: list[LiveMinutes] = []
        self.in_time = False

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

    def begin(self, feed: AlpacaData) -> None:
        """Connect; called by every feed that starts.

        Raises:
            UsageError: it has started before.
        """
        if feed in self._begun:
            raise UsageError("the feeds of a store run once: make a new store with new feeds for another cerebro.run()")
        self._begun.add(feed)
        if self._groups:
            return
        self._recent = recent = RecentBars(self._store.endpoints, self._clock, self._report)
        self._archive = Archive(recent, self._feeds)
        keeper = next((each.p.bar_store for each in self._all() if each.p.bar_store is not None), self._store.bar_store)
        self._streamed = StreamedBars(keeper, recent.name, self._clock)
        self._session = Session(self._clock, self._streamed, self._archive.announce)
        self._retries = {name: Retry(self._report) for name in ("past", "arrivals", "open", *self._feeds)}
        self._grace_ns = round(max(each.p.bar_grace_s for each in self._all()) * SECOND_NS)
        for interval in self._feeds:
            self._groups[interval], self._rows[interval] = self._group(interval), deque()
        self._listen()

    def _listen(self) -> None:
        """Subscribe to the minutes of the feeds that go on."""
        self._arrivals = Arrivals(self._store, self._report)
        for interval, group in self._groups.items():
            if isinstance(group, LiveMinutes):
                self._minutes.append(group)
                feeds = [feed for feed in self._feeds[interval] if not feed.p.historical]
                self._arrivals.add(group, [feed.symbol for feed in feeds], feeds)
        self._arrivals.listen()

    def stop(self) -> None:
        """Write down what has been streamed, and end the connections."""
        if self._groups:
            self._streamed.write()
            self._recent.close()

    # -- what the feeds ask -----------------------------------------------------------------------------

    def ask(self, feed: AlpacaData) -> None:
        """A feed is asked for a bar; when one is asked again, another of Cerebro's rounds has begun."""
        if feed in self._asked:
            self._asked.clear()
            self._dealt = self._looked = False
        self._asked.add(feed)

    def pump(self, wait_s: float) -> None:
        """Deal the next moment, once in a round; where there is none, wait for news, and look once more.

        The first feed that asks does it for all: whoever wakes it, such as an execution, is not to wait for the patience of the others.

        Raises:
            BadSpec: the account's data plan has no room for the symbols.
        """
        self._arrivals.check_plan()
        if self._dealt or self._undelivered or self._looked:
            return
        self._looked = True
        if self._deal():
            return
        self._look()
        if not self._deal() and wait_s > 0:
            self._store.bell.wait(min(wait_s, self._until_due()))
            self._look()
            self._deal()

    @property
    def waiting(self) -> bool:
        """Whether there are bars that Cerebro has not seen."""
        return self._undelivered > 0 or any(self._rows.values())

    def delivered(self) -> None:
        """A bar has left a feed's queue: there is no other moment in this round."""
        self._undelivered -= 1
        self._dealt = True

    def is_live(self, feed: AlpacaData) -> bool:
        """Whether everything up to now has been dealt, and the feed's bars come in time from now on."""
        return not self._dealt and self._is_past_read and not self.waiting and self._groups[feed.interval].live

    def is_over(self, feed: AlpacaData) -> bool:
        """Whether a feed will have no more bars: it is historical, or its `todate` has passed."""
        if not self._is_past_read or self._rows[feed.interval]:
            return False
        now = self._clock.now_ns()
        return feed.p.historical or (now > feed.ends_ns and self._groups[feed.interval].settled(feed.ends_ns, now))

    # -- dealing --------------------------------------------------------------------------------------

    def _deal(self) -> bool:
        """Give every feed its bar of the earliest moment, unless a symbol's bar of that moment may still come in time."""
        heads = [rows[0] for rows in self._rows.values() if rows]
        if not heads:
            return False
        moment, now = min(row.moment for row in heads), self._clock.now_ns()
        dealt = [(interval, rows[0]) for interval, rows in self._rows.items() if rows and rows[0].moment == moment]
        live = all(row.live for _, row in dealt)
        if live and any(group.awaits(moment, now) for group in self._minutes):
            return False
        number = float(day_numbers(np.array([moment]))[0])
        for interval, row in dealt:
            self._rows[interval].popleft()
            self._undelivered += sum(feed.take(row, number) for feed in self._feeds[interval])
        self._dealt, self.in_time = True, live
        return True

    def _look(self) -> None:
        """Take in what was told, and see what is due."""
        now = self._clock.now_ns()
        self._retries["arrivals"].do(self._arrivals.take_in, now)
        if not self._is_past_read and not self._retries["past"].do(partial(self._read_past, now), now):
            return
        if not self._retries["open"].do(partial(self._session.begin, now), now):
            return
        for interval in self._groups:
            self._retries[interval].do(partial(self._release, interval, now), now)
        for group in self._minutes:
            if group.mute:
                group.mute = False
                self._arrivals.expect()
        if not self.waiting:
            self._session.write(now)

    def _release(self, interval: str, now: int) -> None:
        self._rows[interval].extend(self._groups[interval].due(now))

    def _until_due(self) -> float:
        """Seconds until something is to be done, as far as is known."""
        now = self._clock.now_ns()
        dues = [group.next_due(now) for group in self._groups.values()] + [retry.at for retry in self._retries.values()]
        dues.append(self._session.next_due(now))
        if self._minutes:  # each is told at its end, and looked for after the grace time
            dues += [self._session.next_minute(now), self._session.next_minute(now - self._grace_ns) + self._grace_ns]
        return seconds_until(dues, now)

    # -- the venue ------------------------------------------------------------------------------------

    def _group(self, interval: str) -> LiveMinutes | LiveDays:
        symbols, fetch = [feed.symbol for feed in self._feeds[interval]], partial(self._archive.fetch, interval)
        if not is_intraday(interval):
            return LiveDays(symbols, self._clock.session_times, fetch)
        return LiveMinutes(symbols, interval, self._grace_ns, self._session_at, fetch, self._streamed)

    def _session_at(self, moment: int) -> Times | None:
        return self._clock.session_times(_date(moment))

    def _read_past(self, now: int) -> None:
        """All histories, before any row is dealt."""
        past = {interval: group.history(self._archive.history(interval), now) for interval, group in self._groups.items()}
        for interval, rows in past.items():
            self._rows[interval].extend(rows)
        self._is_past_read = True

    def _all(self) -> Iterator[AlpacaData]:
        for feeds in self._feeds.values():
            yield from feeds

    def _report(self, text: str) -> None:
        log.warning(text)
        self._store.put_notification(text)


def _date(moment: int) -> dt.date:
    return dt.datetime.fromtimestamp(moment // SECOND_NS, dt.UTC).date()
