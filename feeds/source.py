"""What every source of bars offers, and the error of a download that stopped halfway. Imports core only."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from core.errors import SourceUnavailable
from core.series import SymbolBars

Progress = Callable[[int, int, str], None]  # done, total, what was just finished

SETTLE_NS = 20 * 60 * 10**9  # vendors publish a bar up to 20 minutes after it is complete


class Source(Protocol):
    """Where bars come from.

    Attributes:
        name: as written in `RunSpec.source`, without options ("yahoo").
        calendar: name of the exchange calendar its sessions follow.
        synthetic: the bars are invented.
        stored: bars are fetched over the network and kept in a store.
        market_index: its symbol of the whole market; "" for none.
        note: licence or file, shown in reports.
    """

    name: str
    synthetic: bool
    stored: bool
    market_index: str

    @property
    def calendar(self) -> str: ...

    @property
    def note(self) -> str: ...

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """The canonical symbols ("BRK.B", "^GSPC") meant by what the user wrote.

        Raises:
            UnknownName: a source that knows all its symbols does not know one.
        """

    def symbols(self) -> tuple[str, ...]:
        """Every symbol it has; empty when it cannot tell."""

    def sector(self, symbol: str) -> str:
        """The sector of a symbol; "" where it does not know."""

    def last_session(self, symbols: Sequence[str]) -> np.datetime64 | None:
        """The latest session it has for any of these symbols; None = it goes on until today."""

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str,
              progress: Progress | None = None) -> list[SymbolBars]:
        """Raw bars with actions of canonical symbols, sessions `start` to `end` (ISO dates, both included).

        A symbol that has no bar in the range is left out. Bars that are not complete are never returned.

        Raises:
            UnknownName: nobody knows one of the symbols.
            PartialFetch: some symbols did not arrive. SourceUnavailable: none did.
            BadBars: what arrived breaks a rule.
        """


class PartialFetch(SourceUnavailable):
    """Some of the symbols of one fetch did not arrive.

    Attributes:
        series: what did arrive.
        failed: symbol -> reason, for the others.
    """

    def __init__(self, source: str, series: list[SymbolBars], failed: Mapping[str, str]) -> None:
        names = ", ".join(sorted(failed))
        reason = next(iter(failed.values()))
        super().__init__(f"{source} did not deliver {names} ({reason}): check the network and try again")
        self.series, self.failed = series, dict(failed)


def cut(bars: SymbolBars, start: Any = None, end: Any = None) -> SymbolBars:
    """The bars of sessions from `start` to `end`, both included; None = without bound."""
    first = 0 if start is None else int(np.searchsorted(bars.session, np.datetime64(start, "D"), "left"))
    last = len(bars) if end is None else int(np.searchsorted(bars.session, np.datetime64(end, "D"), "right"))
    return bars.rows(slice(first, last))


def cut_all(series: Sequence[SymbolBars], start: Any, end: Any) -> list[SymbolBars]:
    """`cut` of each series, without those that have no bar left."""
    return [part for part in (cut(bars, start, end) for bars in series) if len(part)]
