"""Minute bars of one store's feeds: history, seam, stream and gaps as one row after another. Imports the modules beside it.

A row comes once. What the stream has missed is asked for by REST when a connection has stood for the grace time, by when
the venue has published it; until then nothing newer is released.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Sequence

import numpy as np

from core.series import SymbolBars
from feeds.alpaca_rows import MINUTE_NS, Fetch, MinuteRows, Row, SessionAt, Values, bars_of, rows_of
from feeds.streamed import StreamedBars

log = logging.getLogger(__name__)
FRESH_NS = 15 * 10**9  # a row released later than so long after the grace time is not live


class LiveMinutes:
    """The rows of some symbols in bars of one length.

    Args:
        symbols: canonical names. interval: "5m". step_ns: its length. grace_ns: how long symbols without a bar are waited for.
        session_at: the session of a moment's day. fetch: complete bars up to now. streamed: keeps the minutes.
        first: session to begin the history with (ISO date); None = without history.

    Attributes:
        mute: the venue has bars that the stream has not told.
    """

    def __init__(self, symbols: Sequence[str], interval: str, step_ns: int, grace_ns: int, session_at: SessionAt, fetch: Fetch,
                 streamed: StreamedBars, first: str | None) -> None:
        self.symbols, self._interval, self._grace_ns = tuple(symbols), interval, grace_ns
        self._session_at, self._fetch, self._streamed, self._first = session_at, fetch, streamed, first
        self._rows = MinuteRows(symbols, step_ns, grace_ns, session_at)
        self._heard = self._looked = 0
        self._until: int | None = None
        self._listening = False
        self.mute = False

    # -- what is told ---------------------------------------------------------------------------------

    def hear(self, symbol: str, moment: int, values: Values) -> None:
        """Take in a bar of the stream; late ones and corrections are kept for the record, and not played."""
        self._heard = max(self._heard, moment)
        news = self._streamed.note(symbol, moment, values)
        if not self._rows.add(symbol, moment, values) and news == "new":
            log.info("the bar of %s at %s came too late to be played", symbol, _text(moment))

    def connected(self, now: int) -> None:
        """The stream listens from now on; what was before is asked for."""
        self._until, self._listening = now, True

    def lost(self) -> None:
        """The stream does not listen any more."""
        self._listening = False

    # -- what is released -----------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the stream listens and nothing is missing."""
        return self._listening and self._until is None

    def history(self, known: Sequence[SymbolBars] | None, now: int) -> Iterator[Row]:
        """What comes before the stream: bars given, or fetched; those too fresh to be whole are left to the first gap.

        Raises:
            CerebrolabError: the venue does not say.
        """
        until = now - self._grace_ns
        if known is None:
            if self._first is None:
                self._rows.last = until
                return
            known = self._fetch(self.symbols, self._first, self._interval)
        rows = [row for row in rows_of(known) if row.moment <= until]
        self._rows.last = rows[-1].moment if rows else until
        yield from rows

    def due(self, now: int) -> Iterator[Row]:
        """The rows that are to be played now.

        Raises:
            CerebrolabError: the venue does not say what was missed; to be called again.
        """
        if self._until is not None:
            if now < self._until + self._grace_ns:
                return
            yield from self._gap(self._until)
            self._until = None
        for row in self._rows.ready(now):
            yield row if now - row.moment <= self._grace_ns + FRESH_NS else row._replace(live=False)
        yield from self._unheard(now)

    @property
    def next_due(self) -> int | None:
        """When to look again at the latest, UTC ns."""
        return self._rows.due if self._until is None else self._until + self._grace_ns

    def _gap(self, until: int) -> Iterator[Row]:
        """What was complete by a moment, and has not been released."""
        since = self._rows.last
        session = str(np.datetime64(since, "ns").astype("datetime64[D]"))
        for bars in self._fetch(self.symbols, session, "1m"):
            for moment, values in bars_of(bars):
                if moment <= until and self._rows.add(bars.symbol, moment, values):
                    self._streamed.note(bars.symbol, moment, values)
        yield from self._rows.behind(until)

    def _unheard(self, now: int) -> Iterator[Row]:
        """A minute of the session of which no symbol has told a bar: did nobody trade, or is the stream mute?"""
        minute = (now - self._grace_ns) // MINUTE_NS * MINUTE_NS
        session = self._session_at(minute)
        known = minute <= max(self._heard, self._looked, self._rows.last)
        if known or not self._listening or session is None or minute <= session[0]:
            return
        self._looked = minute
        rows = list(self._gap(minute))
        self.mute = bool(rows)
        yield from rows


def _text(moment: int) -> str:
    return f"{dt.datetime.fromtimestamp(moment / 1e9, dt.UTC):%Y-%m-%d %H:%M} UTC"
