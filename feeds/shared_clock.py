"""One clock for all the feeds of a panel: a bar is delivered to all of them by moving one number.

Backtrader moves the seven lines of every feed by themselves on every bar, which is most of the time of a run on
many symbols. Lines with a shared clock look their position up when somebody asks for it.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from backtrader.linebuffer import LineBuffer

from core.day_numbers import day_numbers
from feeds.cerebro_feed import BarsData


class SharedClock:
    """Delivers the rows of one panel to its feeds.

    Attributes:
        row: rows delivered so far.
    """

    def __init__(self, feeds: Sequence[BarsData]) -> None:
        bars, columns = feeds[0].bars, [feed.column for feed in feeds]
        self._traded = bars.traded[:, columns]
        self._moments = day_numbers(bars.index).tolist()
        self.row = 0
        for at, feed in enumerate(feeds):
            counts = _counts(self._traded[:, at])
            for line in feed.lines:
                line.__class__ = ClockedLine
                line.clock, line.counts = self, counts

    @classmethod
    def of(cls, datas: Sequence[Any]) -> "SharedClock | None":
        """The clock of these feeds, once they are preloaded; None unless all show the whole of one panel."""
        first = getattr(datas[0], "bars", None)
        if first is None or not all(isinstance(data, BarsData) and data.shows_whole(first) for data in datas):
            return None
        return cls(datas)

    def ticks(self) -> Iterator[float]:
        """Deliver row after row in which any feed has a bar; yields the moment of each (a day number)."""
        for row in np.flatnonzero(self._traded.any(axis=1)).tolist():
            self.row = row + 1
            yield self._moments[row]


class ClockedLine(LineBuffer):
    """A preloaded line whose position follows a shared clock; writes of the position are for later use only."""

    clock: SharedClock
    counts: Sequence[int]  # own bars among the first `row` rows of the panel

    @property
    def _idx(self) -> int:
        return self.counts[self.clock.row] - 1

    @_idx.setter
    def _idx(self, value: int) -> None:
        self.__dict__["_idx"] = value

    @property
    def lencount(self) -> int:
        return self.counts[self.clock.row]

    @lencount.setter
    def lencount(self, value: int) -> None:
        self.__dict__["lencount"] = value


def _counts(traded: np.ndarray) -> Sequence[int]:
    if traded.all():
        return range(len(traded) + 1)
    counts = array("q", bytes(8 * (len(traded) + 1)))
    np.frombuffer(counts, dtype=np.int64)[1:] = np.cumsum(traded)
    return counts
