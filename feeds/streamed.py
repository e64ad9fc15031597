"""Streamed minute bars, kept and written to a bar store as they were told last. Imports core and feeds."""

import logging
from typing import Any

import numpy as np

from core.errors import CerebrolabError
from core.series import FIELDS, SymbolBars
from feeds.alpaca_rows import Values
from feeds.store import BarStore

log = logging.getLogger(__name__)
INTERVAL = "1m"


class StreamedBars:
    """The regular minutes of the current session; corrections replace what they correct.

    What is written is not marked as asked for: once the session is complete, the source is asked for it again, as it
    may know of trades that the stream did not tell.

    Args:
        store: where `write` puts them; None keeps them in memory only. source: under whose name.
    """

    def __init__(self, store: BarStore | None, source: str) -> None:
        self._store, self._source = store, source
        self._told: dict[str, dict[int, Values]] = {}
        self._changed: set[str] = set()

    def note(self, symbol: str, moment: int, values: Values) -> str:
        """Keep a bar that was complete at `moment` (UTC ns); "new", "same" (as known already) or "changed"."""
        known = self._told.setdefault(symbol, {})
        before = known.get(moment)
        if before == values:
            return "same"
        known[moment] = values
        self._changed.add(symbol)
        return "new" if before is None else "changed"

    def write(self) -> None:
        """Write what has changed; a store that fails is named in the log, and tried again the next time."""
        if self._store is None:
            return
        for symbol in sorted(self._changed):
            try:
                self._store.write(symbol, self._bars(symbol), np.array([], "datetime64[D]"), INTERVAL, source=self._source)
            except CerebrolabError as error:
                log.warning("streamed bars of %s are not stored: %s", symbol, error)
                continue
            self._changed.discard(symbol)

    def forget(self) -> None:
        """Begin another session."""
        self._told.clear()
        self._changed.clear()

    def _bars(self, symbol: str) -> SymbolBars:
        moments = sorted(self._told[symbol])
        session = np.array(moments, "datetime64[ns]").astype("datetime64[D]")  # regular hours lie within one day of UTC
        columns: dict[str, Any] = dict(zip(FIELDS, zip(*(self._told[symbol][at] for at in moments), strict=True), strict=True))
        return SymbolBars.make(symbol, moments, session, **columns)
