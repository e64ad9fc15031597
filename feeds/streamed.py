"""Streamed minute bars, kept and written to a bar store as they were told last. Imports core and feeds."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.clock import Clock
from core.errors import CerebrolabError
from core.series import FIELDS, SymbolBars
from feeds.alpaca_actions import Action, placed
from feeds.alpaca_rows import Values
from feeds.store import BarStore

log = logging.getLogger(__name__)
INTERVAL = "1m"


class StreamedBars:
    """The regular minutes of the current session; corrections replace what they correct.

    What is written is not marked as asked for: once the session is complete, the source is asked for it again, as it
    may know of trades that the stream did not tell.

    Args:
        store: where `write` puts them; None keeps them in memory only. source: under whose name. clock: when they arrived.
    """

    def __init__(self, store: BarStore | None, source: str, clock: Clock) -> None:
        self._store, self._source, self._clock = store, source, clock
        self._told: dict[str, dict[int, Values]] = {}
        self._changed: dict[str, set[int]] = {}  # moments
        self._actions: Mapping[str, Sequence[Action]] = {}

    def act(self, actions: Mapping[str, Sequence[Action]]) -> None:
        """What happens to the shares of each symbol in the session that begins."""
        self._actions = actions

    def note(self, symbol: str, moment: int, values: Values) -> str:
        """Keep a bar that was complete at `moment` (UTC ns); "new", "same" (as known already) or "changed"."""
        known = self._told.setdefault(symbol, {})
        before = known.get(moment)
        if before == values:
            return "same"
        known[moment] = values
        self._changed.setdefault(symbol, set()).add(moment)
        return "new" if before is None else "changed"

    def write(self) -> None:
        """Write what has changed; a store that fails is named in the log, and tried again the next time."""
        for _ in range(len(self._changed)):
            try:
                self.write_next()
            except CerebrolabError as error:
                log.warning("streamed bars of %s are not stored: %s", next(reversed(self._changed)), error)

    def write_next(self) -> str | None:
        """Write what has changed of one symbol; which, None where nothing has.

        Raises:
            CerebrolabError: the store fails; this symbol comes after the others then.
        """
        if self._store is None or not self._changed:
            return None
        symbol = next(iter(self._changed))
        moments = self._changed.pop(symbol)
        bars = self.bars(symbol)
        part = bars if self._actions.get(symbol) else bars.rows(np.isin(bars.index, list(moments)))  # a split may move to an earlier bar
        try:
            self._store.write(symbol, part, np.array([], "datetime64[D]"), INTERVAL, source=self._source, now=self._clock.now_ns())
        except CerebrolabError:
            self._changed[symbol] = moments
            raise
        return symbol

    def forget(self) -> None:
        """Begin another session."""
        self._told.clear()
        self._changed.clear()

    def bars(self, symbol: str) -> SymbolBars:
        """The minutes of a symbol that has been told of."""
        moments = sorted(self._told[symbol])
        session = np.array(moments, "datetime64[ns]").astype("datetime64[D]")  # regular hours lie within one day of UTC
        columns: dict[str, Any] = dict(zip(FIELDS, zip(*(self._told[symbol][at] for at in moments), strict=True), strict=True))
        return SymbolBars.make(symbol, moments, session, **columns | placed(session, self._actions.get(symbol, ())))
