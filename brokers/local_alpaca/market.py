"""The market: bars played as trades, in time order. What has not happened yet cannot be seen here.

A bar is three things: its first trade one millisecond after its start (so that a decision taken at the previous
bar's end is in time for it), then at its end its range and its last trade.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from brokers.local_alpaca.hours import MarketHours
from brokers.local_alpaca.moments import MILLISECOND, SECOND, at_new_york
from core.bars import Bars

TICK = Decimal("0.0001")


@dataclass(frozen=True)
class Print:
    """What one symbol did: a trade (`low` is None) or a bar's range with its last trade; prices USD."""

    symbol: str
    time: int
    price: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    since: int = 0  # a range matches orders that were live at this moment
    row: int = -1
    whole: bool = False  # a bar is complete


class Market:
    """Bars as a tape; `opened` and `closed` count the rows whose first trade, or whole bar, has happened."""

    def __init__(self, bars: Bars, now: int, hours: MarketHours) -> None:
        if bars.interval not in ("1m", "1d"):
            raise ValueError(f"the market plays bars of 1m or 1d, not {bars.interval!r}: give other bars")
        if not bars.tradable.all():  # what is no asset at Alpaca, such as an index, does not exist here
            bars = bars.select([symbol for symbol, kept in zip(bars.symbols, bars.tradable, strict=True) if kept])
        self.bars = bars
        self.daily = bars.interval == "1d"
        self.ends = bars.index
        self.starts = hours.calendar.open_of(bars.session) if self.daily else bars.index - 60 * SECOND
        self.opened = int(np.searchsorted(self.starts + MILLISECOND, now, "right"))
        self.closed = int(np.searchsorted(self.ends, now, "right"))
        self.halted: set[str] = set()
        self.silenced: set[tuple[int, int]] = set()  # (row, column) of bars that never happened
        self.last: dict[str, Decimal] = {}
        self.last_time: dict[str, int] = {}
        self._look_back()

    def _look_back(self) -> None:
        for column, symbol in enumerate(self.bars.symbols):
            rows = np.flatnonzero(self.bars.traded[: self.closed, column])
            if len(rows):
                self._note(symbol, price_of(self.bars.raw_close[rows[-1], column]), int(self.ends[rows[-1]]))
            elif self.bars.traded[:, column].any():  # never traded yet: valued at its first price, quoted to nobody
                row = int(np.argmax(self.bars.traded[:, column]))
                self._note(symbol, price_of(self._first_price(row, column)), 0)
            if self.opened > self.closed and not np.isnan(self.bars.raw_open[self.closed, column]):
                self._note(symbol, price_of(self.bars.raw_open[self.closed, column]), int(self.starts[self.closed]))

    def _first_price(self, row: int, column: int) -> float:
        opened = self.bars.raw_open[row, column]
        return float(self.bars.raw_close[row, column] if np.isnan(opened) else opened)

    def _note(self, symbol: str, price: Decimal, at: int) -> None:
        self.last[symbol], self.last_time[symbol] = price, at

    @cached_property
    def labels(self) -> list[int]:
        """The stamp the data API gives each row: a minute's start, a day's New York midnight."""
        if not self.daily:
            return [int(start) for start in self.starts]
        return [at_new_york(session, 0) for session in self.bars.session.astype(object)]

    def next_moment(self) -> int | None:
        """When the tape moves next; None at its end."""
        moments = []
        if self.opened < len(self.ends):
            moments.append(int(self.starts[self.opened]) + MILLISECOND)
        if self.closed < len(self.ends):
            moments.append(int(self.ends[self.closed]))
        return min(moments) if moments else None

    def step(self, closed_early: bool = False) -> list[Print]:
        """Play the next moment; `closed_early` says that the market is shut although the bars go on."""
        opens = int(self.starts[self.opened]) + MILLISECOND if self.opened < len(self.ends) else None
        if opens is not None and opens < int(self.ends[self.closed]):
            row, self.opened = self.opened, self.opened + 1
            return [self._first(row, column, opens) for column in self._playing(row, closed_early)
                    if not np.isnan(self.bars.raw_open[row, column])]
        row, self.closed = self.closed, self.closed + 1
        return [self._whole(row, column) for column in self._playing(row, closed_early)]

    def _playing(self, row: int, closed_early: bool) -> list[int]:
        columns = [int(column) for column in np.flatnonzero(self.bars.traded[row])]
        for column in columns:
            if closed_early or self.bars.symbols[column] in self.halted:
                self.silenced.add((row, column))
        return [column for column in columns if (row, column) not in self.silenced]

    def _first(self, row: int, column: int, at: int) -> Print:
        symbol, price = self.bars.symbols[column], price_of(self.bars.raw_open[row, column])
        self._note(symbol, price, at)
        return Print(symbol, at, price, row=row)

    def _whole(self, row: int, column: int) -> Print:
        bars, symbol, at = self.bars, self.bars.symbols[column], int(self.ends[row])
        last = price_of(bars.raw_close[row, column])
        self._note(symbol, last, at)
        if np.isnan(bars.raw_open[row, column]):
            return Print(symbol, at, last, row=row, whole=True)
        low, high = price_of(bars.raw_low[row, column]), price_of(bars.raw_high[row, column])
        return Print(symbol, at, last, low, high, since=int(self.starts[row]) + MILLISECOND, row=row,
                     whole=True)

    def trade(self, symbol: str, price: Decimal, at: int) -> Print:
        """A trade that is not in the bars."""
        self._note(symbol, price, at)
        return Print(symbol, at, price)

    def quote(self, symbol: str, spread: Decimal) -> tuple[Decimal, Decimal]:
        """Bid and ask around the last trade; KeyError where a symbol has not traded yet."""
        return self.last[symbol] - spread / 2, self.last[symbol] + spread / 2


def price_of(value: float) -> Decimal:
    """A bar's price as money, to a hundredth of a cent."""
    return Decimal(repr(float(value))).quantize(TICK).normalize() + Decimal(0)
