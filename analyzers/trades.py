"""Round trips and share counts, from fills and corporate actions alone.

Pure functions on Bars and records; imports core only.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.bars import Bars
from core.carry import BORROW_FEE
from core.result import CashEvent, Fill, Trade

FLAT = 1e-9  # part of a trade's largest position that rounding may leave of a closed one
_SPLIT, _CASH, _FILL = range(3)  # the order of events on one bar


@dataclass(slots=True)
class _Trip:
    """A trade being built; shares and values carry the sign of the position."""

    entry_time: int
    exit_time: int = 0
    position: float = 0.0
    peak: float = 0.0
    entry_shares: float = 0.0
    entry_value: float = 0.0
    exit_shares: float = 0.0
    exit_value: float = 0.0
    commission: float = 0.0
    dividends: float = 0.0
    borrow: float = 0.0

    def enter(self, size: float, price: float) -> None:
        self.entry_shares += size
        self.entry_value += size * price
        self.position += size
        self.peak = max(self.peak, self.position, key=abs)

    def leave(self, size: float, value: float, time: int) -> None:
        self.exit_shares += size
        self.exit_value += value
        self.exit_time = time
        self.position -= size
        if abs(self.position) <= FLAT * abs(self.peak):
            self.position = 0.0

    def split(self, ratio: float) -> None:
        self.position *= ratio
        self.peak *= ratio
        self.entry_shares *= ratio
        self.exit_shares *= ratio

    def cash_in_lieu(self, amount: float, time: int) -> None:
        fraction = self.position - whole_shares(self.position)
        self.peak = whole_shares(self.peak) or self.peak
        self.leave(fraction, amount, time)


class _Book:
    """The trades of one symbol: only the last can be open."""

    def __init__(self) -> None:
        self.trips: list[_Trip] = []

    @property
    def open(self) -> _Trip | None:
        return self.trips[-1] if self.trips and self.trips[-1].position else None

    def split(self, ratio: float) -> None:
        if self.open:
            self.open.split(ratio)

    def cash(self, event: CashEvent) -> None:
        if event.kind == "dividend":
            if self.trips:
                self.trips[-1].dividends += event.amount
        elif event.kind == BORROW_FEE:
            if self.trips:
                self.trips[-1].borrow -= event.amount
        elif self.open:
            self.open.cash_in_lieu(event.amount, event.time)

    def fill(self, fill: Fill) -> None:
        """Reduce what is held the other way first; what remains of the fill adds to a trade or opens one."""
        rest, trip = float(fill.size), self.open
        if trip and trip.position * rest < 0:
            out = float(np.copysign(min(abs(rest), abs(trip.position)), trip.position))
            trip.commission += fill.commission * abs(out / fill.size)
            trip.leave(out, out * fill.price, fill.time)
            rest += out
        if abs(rest) > FLAT * abs(fill.size):
            if not self.open:
                self.trips.append(_Trip(fill.time))
            self.trips[-1].commission += fill.commission * abs(rest / fill.size)
            self.trips[-1].enter(rest, fill.price)


def round_trips(bars: Bars, fills: Sequence[Fill], cash_events: Sequence[CashEvent] = ()) -> list[Trade]:
    """The trades that `fills` amount to, by average cost, in order of entry.

    A split scales what is held before the fills of its bar; where a "cash in lieu" event of that symbol and
    time exists, only whole shares remain and its cash counts as the sale of the fraction. A fill through
    zero closes one trade and opens the next, commission divided by shares. A dividend belongs to the trade open
    just before its time, or the last one closed before it. So that, over all trades,
    sum(pnl + dividends - borrow) = final equity - starting cash - interest.

    Args:
        bars: what was traded; `split` must be 1 throughout when the fills are at adjusted prices.
        fills, cash_events: in time order.

    Returns:
        Trades; `bars` counts the symbol's bars after the entry bar up to the exit bar. The open ones are
        valued at the last close and come with `open=True`.

    Raises:
        UnknownName: a fill of a symbol that is not in the bars.
    """
    books: dict[str, _Book] = defaultdict(_Book)
    for kind, symbol, what in _events(bars, fills, cash_events):
        if kind == _SPLIT:
            books[symbol].split(what)
        elif kind == _CASH:
            books[symbol].cash(what)
        else:
            books[symbol].fill(what)
    trades = [trade for symbol, book in books.items() for trade in _trades(bars, symbol, book)]
    order = {symbol: at for at, symbol in enumerate(bars.symbols)}
    return sorted(trades, key=lambda trade: (trade.entry_time, trade.exit_time, order[trade.symbol]))


def positions(bars: Bars, fills: Sequence[Fill], whole: bool = True) -> np.ndarray:
    """(T, N) shares held after each bar, splits applied before the fills of their bar.

    Args:
        whole: fractions of shares that a split leaves are cashed, so only whole shares remain.

    Raises:
        UnknownName: a fill of a symbol that is not in the bars.
    """
    change = np.zeros(bars.shape)
    columns = {symbol: bars.column(symbol) for symbol in {fill.symbol for fill in fills}}
    for row, fill in zip(_rows(bars, [fill.time for fill in fills]), fills, strict=True):
        change[row, columns[fill.symbol]] += fill.size
    held = np.cumsum(change, axis=0)
    for column in np.flatnonzero((bars.split != 1).any(axis=0) & change.any(axis=0)):
        _apply_splits(held[:, column], change[:, column], bars.split[:, column], whole)
    held[np.abs(held) <= FLAT * np.abs(held).max(axis=0, initial=0.0)] = 0.0
    return held


def whole_shares(shares: float) -> float:
    """Shares without their fraction; a product that misses an integer by rounding alone is that integer."""
    nearest = round(shares)
    return float(nearest if abs(shares - nearest) <= FLAT * max(1.0, abs(shares)) else np.trunc(shares))


def _apply_splits(held: np.ndarray, change: np.ndarray, split: np.ndarray, whole: bool) -> None:
    starts = np.flatnonzero(split != 1)
    for start, end in zip(starts, [*starts[1:], len(split)], strict=True):
        before = (held[start - 1] if start else 0.0) * split[start]
        held[start:end] = (whole_shares(before) if whole else before) + np.cumsum(change[start:end])


def _events(bars: Bars, fills: Sequence[Fill], cash_events: Sequence[CashEvent]) -> Iterator[tuple]:
    """(kind, symbol, what) in time order; on one bar splits, then cash, then fills."""
    columns = {symbol: bars.split[:, bars.column(symbol)] for symbol in {fill.symbol for fill in fills}}
    events: list[tuple] = [
        (int(bars.index[row]), _SPLIT, symbol, float(split[row]))
        for symbol, split in columns.items() for row in np.flatnonzero(split != 1)
    ]
    events += [(event.time, _CASH, event.symbol, event) for event in cash_events if event.symbol]
    events += [(fill.time, _FILL, fill.symbol, fill) for fill in fills]
    events.sort(key=lambda event: event[:2])
    return ((kind, symbol, what) for _, kind, symbol, what in events)


def _trades(bars: Bars, symbol: str, book: _Book) -> Iterator[Trade]:
    if not book.trips:
        return
    column = bars.column(symbol)
    own_bars = np.cumsum(bars.traded[:, column])
    for trip in book.trips:
        still_open = bool(trip.position)
        if still_open:
            trip.exit_shares += trip.position
            trip.exit_value += trip.position * float(bars.last_close[-1, column])
            trip.exit_time = int(bars.index[-1])
        first, last = _rows(bars, [trip.entry_time, trip.exit_time])
        yield Trade(
            symbol=symbol, size=trip.peak, entry_time=trip.entry_time, exit_time=trip.exit_time,
            entry_session=bars.session[first], exit_session=bars.session[last],
            entry_price=trip.entry_value / trip.entry_shares, exit_price=trip.exit_value / trip.exit_shares,
            pnl=trip.exit_value - trip.entry_value - trip.commission, commission=trip.commission,
            dividends=trip.dividends, bars=int(own_bars[last] - own_bars[first]), open=still_open, borrow=trip.borrow,
        )


def _rows(bars: Bars, times: Sequence[int]) -> np.ndarray:
    found = np.searchsorted(bars.index, np.asarray(times, dtype=np.int64), "left")
    return np.minimum(found, len(bars) - 1)
