"""Simple moving averages of closes, as stores keep them beside the bars. Imports core, and indicators where they are computed.

An average belongs beside the close of its own bar: closes from before a split are divided by it, closes after it are not, so that
no later event changes an earlier value. Dividends are not taken out: a split changes the unit of a price, a dividend is a change of
the price itself. What strategies see (`indicators`) is the average of signal prices, which have both inside.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import NoBars
from core.series import SymbolBars

if TYPE_CHECKING:
    from feeds.store import BarStore

PERIODS = (7, 21, 50, 100, 200)  # bars; the names are in every store
NAMES = tuple(f"sma_{period}" for period in PERIODS)
NOISE = 1e-12  # relative; what rounding alone may change, where the stored series begins earlier than before


@dataclass(frozen=True, eq=False)
class Averages:
    """Averages of one symbol: T rows in order of time.

    Attributes:
        index: (T,) int64, UTC ns, when the bar of each is complete. session: (T,) datetime64[D].
        values: (T, 5) float64, in the order of `PERIODS`, in the currency and shares of that session; NaN until there are bars enough.
    """

    symbol: str
    index: np.ndarray
    session: np.ndarray
    values: np.ndarray

    @classmethod
    def none(cls, symbol: str) -> "Averages":
        """No row."""
        return cls(symbol, np.empty(0, np.int64), np.empty(0, "datetime64[D]"), np.empty((0, len(PERIODS))))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Memory of the columns."""
        return self.index.nbytes + self.session.nbytes + self.values.nbytes

    def rows(self, selection: slice | np.ndarray) -> "Averages":
        """Some of them."""
        return Averages(self.symbol, self.index[selection], self.session[selection], self.values[selection])

    def between(self, start: str | None, end: str | None) -> "Averages":
        """Those of sessions from `start` to `end` (ISO dates), both included; None = without bound."""
        first = 0 if start is None else int(np.searchsorted(self.session, np.datetime64(start, "D"), "left"))
        last = len(self) if end is None else int(np.searchsorted(self.session, np.datetime64(end, "D"), "right"))
        return self.rows(slice(first, last))

    def replacing(self, old: "Averages", by_session: bool) -> "Averages":
        """All rows of both, these where both have one of the same session (else: of the same time)."""
        name = "session" if by_session else "index"
        kept = old.rows(~np.isin(getattr(old, name), getattr(self, name)))
        index, session, values = (np.concatenate([getattr(kept, each), getattr(self, each)]) for each in ("index", "session", "values"))
        return Averages(self.symbol, index, session, values).rows(np.argsort(index, kind="stable"))


def averages_of(bars: SymbolBars) -> Averages:
    """The averages of every bar."""
    from indicators.averages import sma

    shares = np.cumprod(bars.split)
    closes = (bars.close * shares)[:, None]
    values = np.column_stack([sma(closes, period)[:, 0] for period in PERIODS]) / shares[:, None]
    return Averages(bars.symbol, bars.index, bars.session, values)


def update(store: "BarStore", symbol: str, interval: str, source: str) -> int:
    """Bring the averages of a stored series up to date; how many rows were written.

    Only rows that are not there, or have changed, are written: a bar changes the averages of itself and of 199 bars behind it.

    Raises:
        StoreFailed: the store cannot be read or written; what was written before stays.
    """
    bars = store.read([symbol], interval=interval, source=source)
    return write(store, averages_of(bars[0]), interval, source) if bars else 0


def write(store: "BarStore", averages: Averages, interval: str, source: str) -> int:
    """Write those that are not stored as they are; how many.

    Raises:
        As `update`.
    """
    if not len(averages):
        return 0
    start, end = str(averages.session[0]), str(averages.session[-1])
    stored = store.averages([averages.symbol], start, end, interval, source=source)
    new = averages.rows(~_same(stored[0], averages)) if stored else averages
    if len(new):
        store.write_averages(new, interval, source=source)
    return len(new)


def without_bars(symbol: str, interval: str, source: str) -> NoBars:
    """What a store says of averages whose bars it does not have."""
    return NoBars(f"no {interval} bars of {symbol} from {source} are stored: fetch them before their averages")


def _same(old: Averages, new: Averages) -> np.ndarray:
    """(len(new),) bool: which are stored already."""
    places = np.searchsorted(old.index, new.index).clip(max=len(old) - 1)
    there = old.index[places] == new.index
    return there & np.isclose(old.values[places], new.values, rtol=NOISE, atol=0.0, equal_nan=True).all(axis=1)
