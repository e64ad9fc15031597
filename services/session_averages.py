"""`SessionAverages`: moving averages of a session's bars while they come, without reading a whole series at each. Imports feeds and core."""

import numpy as np

from core.series import SymbolBars
from feeds.averages import PERIODS, averages_of, write
from feeds.revisions import joined
from feeds.store import BarStore


class SessionAverages:
    """The averages of one session's bars; a bar that changes before the session is not noticed: see `feeds.averages.update`.

    Args:
        interval, source: whose bars.
    """

    def __init__(self, store: BarStore, interval: str, source: str) -> None:
        self._store, self._interval, self._source = store, interval, source
        self._session = ""
        self._before: dict[str, SymbolBars] = {}
        self._told: dict[str, SymbolBars] = {}

    def begin(self, session: str) -> None:
        """Another session (ISO date)."""
        self._session, self._before, self._told = session, {}, {}

    def note(self, bars: SymbolBars) -> None:
        """All bars of the session that a symbol has by now, which are stored."""
        self._told[bars.symbol] = bars

    def write(self) -> None:
        """Write the averages that have changed.

        Raises:
            StoreFailed: the store fails; it is to be called again, and nothing is lost.
        """
        for symbol in list(self._told):
            bars, before = self._told[symbol], self._tail(symbol)
            averages = averages_of(joined(before, bars)).rows(slice(len(before), None))
            write(self._store, averages, self._interval, self._source)
            del self._told[symbol]

    def _tail(self, symbol: str) -> SymbolBars:
        """The bars before the session that its averages are about; read once."""
        if symbol not in self._before:
            bars = self._store.read([symbol], None, str(np.datetime64(self._session) - 1), self._interval, source=self._source)
            none = SymbolBars.make(symbol, [], [], [], validated=False)
            self._before[symbol] = bars[0].rows(slice(-PERIODS[-1], None)) if bars else none
        return self._before[symbol]
