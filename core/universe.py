"""A universe as it was at each date: which symbols belonged to it when. Imports core only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from core.bars import Bars
from core.errors import NoBars, named

_EMPTY = {**dict.fromkeys(("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume"), np.nan), "dividend": 0.0, "split": 1.0}


class Spell(NamedTuple):
    """A time in the universe.

    Attributes:
        entry: first session; NaT = since ever. exit: first session after it; NaT = to this day.
    """

    entry: np.datetime64
    exit: np.datetime64


class Universe:
    """Who belonged to a universe when.

    Args:
        spells: symbol -> its times in it, in order.
    """

    def __init__(self, spells: Mapping[str, Sequence[Spell]]) -> None:
        self._spells = dict(spells)

    def renamed(self, current: Callable[[str], str]) -> "Universe":
        """The universe with every symbol under another name."""
        spells: dict[str, list[Spell]] = {}
        for symbol, known in self._spells.items():
            spells.setdefault(current(symbol), []).extend(known)
        return Universe(spells)

    def symbols(self, start: str | None = None, end: str | None = None) -> tuple[str, ...]:
        """Who belonged to it at some time from `start` to `end` (ISO dates, both included), in the order of the file."""
        first, last = np.datetime64(start or "0001-01-01", "D"), np.datetime64(end or "9999-12-31", "D")
        return tuple(symbol for symbol, spells in self._spells.items()
                     if any(not each.entry > last and not each.exit <= first for each in spells))

    def member(self, symbols: Sequence[str], session: np.ndarray) -> np.ndarray:
        """(T, N) bool: who belongs to it in each session; nobody without a spell does."""
        table = np.zeros((len(session), len(symbols)), np.bool_)
        for column, symbol in enumerate(symbols):
            for each in self._spells.get(symbol, ()):
                table[:, column] |= ~(session < each.entry) & ~(session >= each.exit)  # nothing is before or after NaT
        return table

    def on(self, bars: Bars) -> Bars:
        """The bars as seen by who knew the universe of each day only: no symbol has a bar before it first joined.

        Raises:
            NoBars: nobody belongs to it in these sessions.
        """
        member = self.member(bars.symbols, bars.session)
        member[:, ~bars.tradable] = True
        joined = np.logical_or.accumulate(member, axis=0)
        traded = bars.traded & joined
        rows = np.flatnonzero((traded & bars.tradable).any(axis=1))
        if not len(rows):
            raise NoBars(f"nobody belongs to the universe from {bars.session[0]} to {bars.session[-1]}: choose other dates, or look at its file")
        kept = np.flatnonzero(traded.any(axis=1))
        kept = kept[kept >= rows[0]]
        panels: dict[str, Any] = {name: np.where(joined[kept], getattr(bars, name)[kept], empty) for name, empty in _EMPTY.items()}
        known = replace(bars, index=bars.index[kept], session=bars.session[kept], member=member[kept], pay_date=bars.pay_date[kept], **panels)
        absent = [symbol for symbol, found, tradable in zip(bars.symbols, np.any(known.traded, axis=0).tolist(), bars.tradable.tolist(), strict=True)
                  if tradable and not found]
        if not absent:
            return known
        warning = f"no bars while they belonged to the universe: {named(absent)}"
        origin = replace(bars.origin, warnings=(*bars.origin.warnings, warning))
        return replace(known.select([symbol for symbol in bars.symbols if symbol not in absent]), origin=origin)
