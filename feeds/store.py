"""What every store of bars offers: raw bars with actions, and beside them a record of what was asked for.

A stored bar is what traded that day and stays as it is, until its session is asked for again and the vendor says something
else: then the earlier version is kept beside it (`feeds.revisions`). Imports core, feeds.averages and
feeds.revisions.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from core.series import SymbolBars
from feeds.averages import Averages
from feeds.revisions import Revisions


class Holding(NamedTuple):
    """What is stored of one symbol.

    Attributes:
        source, symbol, interval: whose bars. bars: number of bars.
        first, last: sessions of the first and last bar; None without bars. sessions: number asked for.
        calendar: name of the exchange calendar they are of.
    """

    source: str
    symbol: str
    interval: str
    bars: int
    first: np.datetime64 | None
    last: np.datetime64 | None
    sessions: int
    calendar: str


class Finding(NamedTuple):
    """Something `check` has to say about one symbol.

    Attributes:
        source, symbol, interval: whose bars.
        kind: "hole" (sessions never asked for between others that were), "untraded" (asked for, without a bar
            between others that have one), "invalid" (bars that break a rule), "stale" (the last session asked for
            is long past), "corrupt" (a file that could not be read and was set aside).
        detail: one sentence with dates or the file, and what to do.
    """

    source: str
    symbol: str
    interval: str
    kind: str
    detail: str


class BarStore(Protocol):
    """Bars of many sources, symbols and intervals. Safe for several processes at once."""

    @property
    def place(self) -> str:
        """Its folder or address, without user, password and options."""

    def read(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
             source: str, known_at: int | None = None) -> list[SymbolBars]:
        """What is stored, sessions `start` to `end` both included; symbols without a bar there are left out.

        known_at: UTC ns, for the bars that were complete then in the version of then; None = as they are.

        Raises:
            StoreFailed: the store cannot be read.
        """

    def missing(self, symbol: str, sessions: np.ndarray, interval: str = "1d", *, source: str,
                calendar: str = "XNYS") -> np.ndarray:
        """Those of `sessions` (datetime64[D]) that were never asked for.

        Raises:
            StoreFailed: the store cannot be read.
        """

    def write(self, symbol: str, bars: SymbolBars | None, covered: np.ndarray, interval: str = "1d", *, source: str,
              calendar: str = "XNYS", now: int | None = None, earlier: Revisions | None = None) -> None:
        """Add bars (None: nothing traded) and record `covered` as asked for, both or neither.

        A bar replaces the stored one of the same session (within the day: of the same time), which is kept as an earlier
        version, if it says something else. `covered` must hold complete sessions only.

        now: when they arrived, UTC ns; None = the system's clock. earlier: versions that another store has kept of them.

        Raises:
            StoreFailed: it could not be written; what was stored before is untouched.
        """

    def revisions(self, symbol: str, interval: str = "1d", *, source: str) -> Revisions:
        """Every earlier version of a bar of a symbol.

        Raises:
            StoreFailed: the store cannot be read.
        """

    def write_averages(self, averages: Averages, interval: str = "1d", *, source: str) -> None:
        """Add moving averages of a stored series, kept beside its bars; nothing else sees them.

        A row replaces the stored one of the same session (within the day: of the same time); the others stay.

        Raises:
            NoBars: the series is not stored. StoreFailed: it could not be written; what was stored before is untouched.
        """

    def averages(self, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d", *,
                 source: str) -> list[Averages]:
        """The stored averages, sessions `start` to `end` both included; symbols without a row there are left out.

        Raises:
            StoreFailed: the store cannot be read.
        """

    def forget(self, symbol: str, start: str | None = None, end: str | None = None, interval: str = "1d", *,
               source: str) -> None:
        """Have the sessions from `start` to `end` asked for again; the bars stay until newer ones arrive.

        Raises:
            StoreFailed: it could not be written.
        """

    def list(self) -> Sequence[Holding]:
        """Everything stored, in order of source, interval and symbol."""

    def check(self, now: int | None = None) -> Sequence[Finding]:
        """What is wrong or doubtful with what is stored; `now` in UTC ns, None = the system's clock."""
