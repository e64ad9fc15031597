"""Minute bars of one store's feeds: history, seam, stream and gaps as one row after another. Imports the modules beside it.

A row comes once. What the stream has missed is asked for by REST when a connection has stood for the grace time, by when
the venue has published it; until then nothing newer is released.
"""

import datetime as dt
import logging
from collections.abc import Sequence

import numpy as np

from core.series import SymbolBars
from feeds.alpaca_rows import MINUTE_NS, Fetch, MinuteRows, Row, SessionAt, Values, bars_of, rows_of
from feeds.intervals import interval_ns
from feeds.streamed import StreamedBars

log = logging.getLogger(__name__)
FRESH_NS = 15 * 10**9  # a row released later than so long after the grace time is not live
EARLY_NS = 2 * 10**9  # by how much a bar may be complete before its time, for all that is known of the venue's clock


class LiveMinutes:
    """The rows of some symbols in bars of one length.

    Args:
        symbols: canonical names. interval: "5m". grace_ns: how long symbols without a bar are waited for.
        session_at: the session of a moment's day. fetch: complete bars up to now. streamed: keeps the minutes.

    Attributes:
        mute: the venue has bars that the stream has not told.
    """

    def __init__(self, symbols: Sequence[str], interval: str, grace_ns: int, session_at: SessionAt, fetch: Fetch,
                 streamed: StreamedBars) -> None:
        self.symbols, self._grace_ns = tuple(symbols), grace_ns
        self._session_at, self._fetch, self._streamed = session_at, fetch, streamed
        self._rows = MinuteRows(symbols, interval_ns(interval), grace_ns, session_at)
        self._heard = self._looked = 0
        self._until: int | None = None
        self._listening = False
        self.mute = False

    # -- what is told ---------------------------------------------------------------------------------

    def hear(self, symbol: str, moment: int, values: Values, now: int) -> None:
        """Take in a bar of the stream; late ones and corrections are kept for the record, and not played.

        Bars out of hours, and those of a minute that is not over, are left out.
        """
        if moment > now + EARLY_NS or self._rows.end(moment) is None:
            log.info("the bar of %s at %s is out of hours, or early: it is left out", symbol, _text(moment))
            return
        self._heard = max(self._heard, moment)
        news = self._streamed.note(symbol, moment, values)
        if not self._rows.add(symbol, moment, values) and news == "new":
            log.info("the bar of %s at %s came too late to be played", symbol, _text(moment))

    def connected(self, now: int) -> None:
        """The stream listens from now on; what was before is asked for."""
        self.ask(now)
        self._listening = True

    def ask(self, until: int) -> None:
        """Have what was complete by a moment asked for, as nothing tells it."""
        self._until = max(self._until or 0, until)

    def lost(self) -> None:
        """The stream does not listen any more."""
        self._listening = False

    # -- what is released -----------------------------------------------------------------------------

    @property
    def listening(self) -> bool:
        """Whether the stream listens."""
        return self._listening

    @property
    def live(self) -> bool:
        """Whether the stream listens and nothing is missing."""
        return self._listening and self._until is None

    def history(self, series: Sequence[SymbolBars], now: int) -> list[Row]:
        """What comes before the stream; rows too fresh to be whole are left to the first gap."""
        until = now - self._grace_ns
        rows = [row for row in rows_of(series) if row.moment <= until]
        self._rows.skip(rows[-1].moment if rows else until)
        return rows

    def due(self, now: int) -> list[Row]:
        """The rows that are to be played now.

        Raises:
            CerebrolabError: the venue does not say what was missed; to be called again.
        """
        rows: list[Row] = []
        if self._until is not None:
            if now < self._until + self._grace_ns:
                return []
            rows, self._until = self._gap(self._until), None
        latest = now - self._grace_ns - FRESH_NS
        rows += [row if row.moment >= latest else row._replace(live=False)
                 for row in self._rows.ready(now, patient=not self._listening)]
        return rows or self._unheard(now)

    def awaits(self, moment: int, now: int) -> bool:
        """Whether a row of this moment is still to come in time."""
        return self.live and self._rows.awaits(moment, now)

    def settled(self, moment: int, now: int) -> bool:
        """Whether every row up to a moment has been released."""
        return self.live and now >= moment + self._grace_ns

    def next_due(self, now: int) -> int | None:
        """When a gap or a row is due, UTC ns; None if nothing is."""
        if self._until is not None:
            return self._until + self._grace_ns
        return self._rows.due

    def _gap(self, until: int) -> list[Row]:
        """What was complete by a moment, and has not been released."""
        session = str(np.datetime64(self._rows.last, "ns").astype("datetime64[D]"))
        for bars in self._fetch(self.symbols, session, "1m"):
            for moment, values in bars_of(bars):
                if moment <= until and self._rows.add(bars.symbol, moment, values):
                    self._streamed.note(bars.symbol, moment, values)
        return self._rows.behind(until)

    def _unheard(self, now: int) -> list[Row]:
        """A minute of the session of which no symbol has told a bar: did nobody trade, or is the stream mute?"""
        minute = (now - self._grace_ns) // MINUTE_NS * MINUTE_NS
        known = minute <= max(self._heard, self._looked, self._rows.last)
        if known or not self._listening or self._rows.end(minute) is None:
            return []
        rows = self._gap(minute)
        self._looked, self.mute = minute, bool(rows)
        return rows


def _text(moment: int) -> str:
    return f"{dt.datetime.fromtimestamp(moment / 1e9, dt.UTC):%Y-%m-%d %H:%M} UTC"
