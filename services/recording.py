"""`Recorder`: minute bars of Alpaca's websocket into the store while the market is open, with their averages. May import what lies below services."""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import numpy as np

from brokers.alpaca.store import AlpacaStore
from core.clock import Clock
from core.errors import CerebrolabError, SourceUnavailable
from feeds.alpaca import ticker_of
from feeds.alpaca_arrivals import Arrivals
from feeds.alpaca_minutes import LiveMinutes
from feeds.alpaca_recent import RecentBars, RecentSource
from feeds.alpaca_rows import MINUTE_NS, Times
from feeds.alpaca_session import SECOND_NS, Retry, Session, seconds_until
from feeds.averages import update
from feeds.refresh import refresh
from feeds.source import SETTLE_NS
from feeds.store import BarStore
from feeds.streamed import INTERVAL, StreamedBars
from services.session_averages import SessionAverages
from services.stream.pace import EndingClock

log = logging.getLogger(__name__)
GRACE_NS = 3 * SECOND_NS  # by when the venue has published a minute
TASKS = ("session", "arrivals", "minutes", "official")


class Ended(Exception):
    """It shall end, and what it does is not to be waited for."""


class RecorderClock(EndingClock):
    """A clock for the recorder's store: once `ending` is set, the thread that made it does not get to wait, as nothing it waits for matters then."""

    def __init__(self, clock: Clock, ending: threading.Event) -> None:
        super().__init__(clock, ending)
        self._thread = threading.current_thread()

    def sleep(self, seconds: float) -> None:
        """Wait; raises Ended when it shall end."""
        super().sleep(seconds)
        if self._ending.is_set() and threading.current_thread() is self._thread:
            raise Ended


class Recorder:
    """Records the sessions of some symbols, one after the other.

    Every complete minute is written as it comes, and again when it is corrected; what was missed is asked for by REST. Of the
    running session nothing is marked as asked for: when it is over and settled, the official bars are fetched, and what they
    change is kept as a version. While the store fails, the minutes of the session wait in memory, and nothing else does.

    Args:
        store: keys, addresses, clock, bell and websocket; on a `RecorderClock`. It is stopped in the end. bars: where to write.
        symbols: canonical names. ending: set, with the bell rung, when it shall end: see `stop`.
        tell, warn: told of what goes on, and of what a human should know.
        once: end when the official bars of a session are stored. stream: whether to use the account's one websocket; without it,
            every minute is asked for.
    """

    def __init__(self, store: AlpacaStore, bars: BarStore, symbols: Sequence[str], ending: threading.Event, tell: Callable[[str], None],
                 warn: Callable[[str], None], *, once: bool = False, stream: bool = True) -> None:
        self._store, self._bars, self._symbols, self._ending = store, bars, tuple(dict.fromkeys(symbols)), ending
        self._tell, self._warn, self._once, self._is_to_listen = tell, warn, once, stream
        self._date = ""  # of the session that has begun
        self._official_due: int | None = None
        self._times: Times | None = None
        self._asked = 0
        self._is_over = self._listened = False

    def stop(self) -> None:
        """End `run` soon; from any thread, but not from a signal handler."""
        self._ending.set()
        self._store.bell.ring()

    def run(self) -> None:
        """Record until `stop`, or with `once` until a session is complete; what was told is written in any case.

        Raises:
            CerebrolabError: it cannot begin: wrong keys, a symbol that Alpaca does not have, a data plan without room for the symbols.
        """
        try:
            self._begin()
            self._look()
            if self._times is None and not self._retries["session"].at:
                self._tell("the market is closed: waiting for the next session")
            while not self._is_over:
                self._store.bell.wait(self._until_due())
                if self._ending.is_set():
                    break
                self._look()
        except Ended:
            pass
        finally:
            self._end()

    def _begin(self) -> None:
        self._streamed: StreamedBars | None = None
        for symbol in self._symbols:
            self._store.rest.asset(ticker_of(symbol))
        self._clock = self._store.clock
        self._source = RecentSource(self._store.endpoints, self._clock)
        self._recent = RecentBars(self._store.endpoints, self._clock, self._warn)
        self._streamed = StreamedBars(self._bars, self._source.name, self._clock)
        self._averages = SessionAverages(self._bars, INTERVAL, self._source.name)
        self._session = Session(self._clock, self._streamed, self._announce)
        self._minutes = LiveMinutes(self._symbols, INTERVAL, GRACE_NS, self._session_at, self._recent.fetch, self._streamed)
        self._retries = {name: Retry(self._warn) for name in TASKS} | {"store": Retry(self._warn, "the minutes wait in memory")}
        self._arrivals = Arrivals(self._store, self._warn)

    def _look(self) -> None:
        """Take in what was told, see what is due, and write."""
        now = self._clock.now_ns()
        if not self._retries["session"].do(partial(self._session.begin, now), now) or self._times is None:
            return
        self._retries["official"].do(partial(self._complete, now), now)
        if self._is_over:
            return
        self._listen()
        self._retries["arrivals"].do(self._arrivals.take_in, now)
        self._arrivals.check_plan()
        self._retries["minutes"].do(partial(self._catch_up, now), now)
        failed = self._retries["store"].at > 0
        if self._retries["store"].do(self._write, now) and failed:
            self._tell("the minutes that waited in memory are stored")

    def _listen(self) -> None:
        """Connect, from the first session on."""
        if self._is_to_listen:
            self._is_to_listen = False
            self._arrivals.add(self._minutes, self._symbols)
            self._arrivals.listen()

    def _announce(self, first: str, today: str) -> None:
        """A session begins: what happens to the shares is asked for before they trade."""
        found = self._recent.actions(self._symbols, today, today)
        now = self._clock.now_ns()
        times = self._session_at(now)
        assert times is not None and self._streamed is not None
        self._streamed.act(found)
        self._averages.begin(today)
        self._minutes.history([], times[0] + GRACE_NS)  # what comes after the open is recorded
        if self._official_due is not None:
            self._warn(f"the official bars before {today} were not to be had: fetch them with cerebrolab data fetch")
        self._times, self._date, self._official_due = times, today, times[1] + SETTLE_NS + SECOND_NS
        self._tell(f"recording {', '.join(self._symbols)} on {today}, {INTERVAL} bars of {self._source.name}" if now <= times[1] else
                   f"the session of {today} is over: its official bars are fetched")

    def _complete(self, now: int) -> None:
        """Fetch the official bars, when they are due."""
        if self._official_due is None or now < self._official_due:
            return
        _, warnings = refresh(self._source, self._bars, self._symbols, self._date, self._date, INTERVAL, clock=self._clock)
        if warnings:
            raise SourceUnavailable(warnings[0])
        self._averages.begin(self._date)  # what is still to be written is of streamed bars
        for symbol in self._symbols:
            update(self._bars, symbol, INTERVAL, self._source.name)
        self._official_due, self._is_over = None, self._once
        self._tell(f"the official bars of {self._date} are stored")

    def _catch_up(self, now: int) -> None:
        """Have what nobody has told asked for: after a connection, on a mute one, and every minute while there is none."""
        minute = (now - GRACE_NS) // MINUTE_NS * MINUTE_NS
        opens, closes = self._times or (0, 0)
        if not self._minutes.listening and self._asked < minute and opens < minute <= closes + MINUTE_NS:
            self._minutes.ask(minute)
            self._asked = minute
        if self._minutes.listening and not self._listened:
            self._tell("market data: connected")
        self._listened = self._minutes.listening
        self._minutes.due(now)
        if self._minutes.mute:
            self._minutes.mute = False
            self._arrivals.expect()

    def _write(self) -> None:
        """Write what has been told, and its averages; nothing once the official bars are there."""
        assert self._streamed is not None
        if self._official_due is None:
            self._streamed.forget()
        try:
            while (symbol := self._streamed.write_next()) is not None:
                self._averages.note(self._streamed.bars(symbol))
        finally:
            self._averages.write()

    def _until_due(self) -> float:
        now = self._clock.now_ns()
        dues = [retry.at for retry in self._retries.values()] + [self._session.next_due(now), self._official_due]
        if self._times is not None:
            dues += [self._minutes.next_due(now), self._session.next_minute(now), self._session.next_minute(now - GRACE_NS) + GRACE_NS]
        return seconds_until(dues, now)

    def _session_at(self, moment: int) -> Times | None:
        return self._clock.session_times(np.datetime64(moment, "ns").astype("datetime64[D]").item())

    def _end(self) -> None:
        """Write what has been told, and end the connections."""
        if self._streamed is not None:
            with suppress(Ended, CerebrolabError):
                self._arrivals.take_in()
            try:
                self._write()
            except CerebrolabError as error:
                self._warn(f"the last minutes are not stored, and the next start asks for those of the day: {error}")
            self._recent.close()
        self._store.stop()
