"""Daily bars of one store's feeds: each session's, once it is published. Imports the modules beside it."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

from core.series import SymbolBars
from feeds.alpaca_rows import Fetch, Row, rows_of
from feeds.source import SETTLE_NS

AGAIN_NS = 60 * 10**9
PATIENCE_NS = 30 * 60 * 10**9  # beyond the time by which bars are published; then a symbol without one has not traded
FAR = 14  # days without a session, at most
NEVER = 2**62

SessionTimes = Callable[[dt.date], tuple[int, int] | None]


class LiveDays:
    """The rows of some symbols, a session each: released when it is over and the venue has published its bars.

    Args:
        symbols: canonical names. session_times: open and close of a date, UTC ns. fetch: complete bars up to now.
        first: session to begin the history with (ISO date); None = without history.
    """

    mute = False

    def __init__(self, symbols: Sequence[str], session_times: SessionTimes, fetch: Fetch, first: str | None) -> None:
        self.symbols, self._session_times, self._fetch, self._first = tuple(symbols), session_times, fetch, first
        self._last, self._ask_at = dt.date.min, 0
        self.live = False

    @property
    def next_due(self) -> int:
        """When to look again, UTC ns."""
        return self._ask_at

    def connected(self, now: int) -> None:
        """A stream tells nothing of complete days."""

    def lost(self) -> None:
        """A stream tells nothing of complete days."""

    def history(self, known: Sequence[SymbolBars] | None, now: int) -> Iterator[Row]:
        """What is published by now: bars given, or fetched.

        Raises:
            CerebrolabError: the venue does not say.
        """
        if known is None:
            known = [] if self._first is None else self._fetch(self.symbols, self._first, "1d")
        rows = rows_of(known)
        self._last, self._ask_at = _day(rows[-1].moment) if rows else _day(now) - dt.timedelta(days=1), now
        yield from rows

    def due(self, now: int) -> Iterator[Row]:
        """The rows of the sessions that are over.

        Raises:
            CerebrolabError: the venue does not say; to be called again.
        """
        if now < self._ask_at:
            return
        closes = self._next()[1]
        if now < closes + SETTLE_NS:
            self._ask_at, self.live = closes + SETTLE_NS, True
            return
        self._ask_at, self.live = now + AGAIN_NS, False
        for row in rows_of(self._fetch(self.symbols, str(self._last + dt.timedelta(days=1)), "1d")):
            if len(row.values) < len(self.symbols) and now < row.moment + SETTLE_NS + PATIENCE_NS:
                return
            self._last, self._ask_at = _day(row.moment), now
            yield row._replace(live=now < self._next()[0])
        if now >= closes + SETTLE_NS + PATIENCE_NS and self._last < _day(closes):  # nobody has traded
            self._last, self._ask_at = _day(closes), now

    def _next(self) -> tuple[int, int]:
        """Open and close of the first session after the last one played."""
        for ahead in range(1, FAR):
            times = self._session_times(self._last + dt.timedelta(days=ahead))
            if times is not None:
                return times
        return NEVER, NEVER


def _day(moment: int) -> dt.date:
    return dt.datetime.fromtimestamp(moment / 1e9, dt.UTC).date()
