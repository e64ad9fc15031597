"""Daily bars of one store's feeds: each session's, once it is published. Imports the modules beside it."""

import datetime as dt
from collections.abc import Callable, Sequence

from core.series import SymbolBars
from feeds.alpaca_rows import Fetch, Row, Times, rows_of
from feeds.source import SETTLE_NS

AGAIN_NS = 60 * 10**9
PATIENCE_NS = 30 * 60 * 10**9  # beyond the time by which bars are published; then a symbol without one has not traded
FAR = 14  # days without a session, at most
NEVER = 2**62
DAY = dt.timedelta(days=1)

SessionTimes = Callable[[dt.date], Times | None]


class LiveDays:
    """The rows of some symbols, a session each: released when it is over and the venue has published its bars.

    A row is live if it comes before the next open.

    Args:
        symbols: canonical names. session_times: open and close of a date, UTC ns. fetch: complete bars up to now.

    Attributes:
        live: nothing is missing that is published.
    """

    def __init__(self, symbols: Sequence[str], session_times: SessionTimes, fetch: Fetch) -> None:
        self.symbols, self._session_times, self._fetch = tuple(dict.fromkeys(symbols)), session_times, fetch
        self._last, self._ask_at, self._closes = dt.date.min, 0, 0
        self.live = False

    def next_due(self, now: int) -> int:
        """When to look again, UTC ns."""
        return max(self._ask_at, now)

    def settled(self, moment: int, now: int) -> bool:
        """Whether every row up to a moment has been released."""
        return self._closes > moment

    def history(self, series: Sequence[SymbolBars], now: int) -> list[Row]:
        """What is published by now.

        Raises:
            CerebrolabError: the venue does not say when it trades.
        """
        rows = [row for row in rows_of(series) if row.moment <= now]
        today = _day(now)
        times = self._session_times(today)
        is_published = times is not None and now >= times[1] + SETTLE_NS
        self._last = _day(rows[-1].moment) if rows else today - (not is_published) * DAY
        self._ask_at = now
        return rows

    def due(self, now: int) -> list[Row]:
        """The row of the next session, if it is over.

        Raises:
            CerebrolabError: the venue does not say; to be called again.
        """
        if now < self._ask_at:
            return []
        self._closes = self._after(self._last)[1]
        published = self._closes + SETTLE_NS
        self.live = now < published
        if self.live:
            self._ask_at = published
            return []
        self._ask_at = now + AGAIN_NS
        session = _day(self._closes)
        found = [row for row in rows_of(self._fetch(self.symbols, str(session), "1d")) if _day(row.moment) == session]
        if not (found and len(found[0].values) == len(self.symbols)) and now < published + PATIENCE_NS:
            return []
        is_live = now < self._after(session)[0]
        self._last, self._ask_at = session, now
        return [row._replace(live=is_live) for row in found]

    def _after(self, date: dt.date) -> Times:
        """Open and close of the first session after a date."""
        for ahead in range(1, FAR):
            times = self._session_times(date + ahead * DAY)
            if times is not None:
                return times
        return NEVER, NEVER


def _day(moment: int) -> dt.date:
    return dt.datetime.fromtimestamp(moment / 1e9, dt.UTC).date()
