"""`TimedBooks`: cash and shares as executions and bookings have left them, in the order of their times, whatever order they are told in.

Imports the modules beside it. Money and shares are exact decimals.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from decimal import Decimal

from brokers.alpaca.answers import ZERO
from brokers.alpaca.order_holdings import Holdings


@dataclass(frozen=True)
class Entry:
    """What changes books.

    Attributes:
        time_ns: when, UTC ns. symbol: "" where it concerns none.
        size, price, commission: of an execution; signed shares, account currency.
        cash: that is no trade. qty: shares that are held from then on in place of those before, worth what was paid for them; None = as before.
        reference: the venue's name of it, "" where it has none.
    """

    time_ns: int
    symbol: str
    size: Decimal = ZERO
    price: Decimal = ZERO
    commission: Decimal = ZERO
    cash: Decimal = ZERO
    qty: Decimal | None = None
    reference: str = ""


class Books:
    """What entries add up to.

    Attributes:
        holdings: cash and shares. realized: profit of what was closed, without commissions. paid: commissions. booked: cash that is no trade.
    """

    def __init__(self, cash: Decimal) -> None:
        self.holdings = Holdings()
        self.holdings.cash = cash
        self.realized = self.paid = self.booked = ZERO

    def copy(self) -> Books:
        """The same once more."""
        made = Books(self.holdings.cash)
        for symbol, held in self.holdings:
            made.holdings[symbol].set(held.qty, held.average, held.mark)
        made.realized, made.paid, made.booked = self.realized, self.paid, self.booked
        return made

    def take(self, entry: Entry) -> None:
        """Add an entry that is later than all before."""
        if entry.size:
            traded = self.holdings.trade(entry.symbol, entry.size, entry.price)
            self.realized -= traded.closed * (entry.price - traded.average_before)
        if entry.qty is not None:
            held, qty = self.holdings[entry.symbol], entry.qty
            held.set(qty, held.average * held.qty / qty if qty else ZERO, held.mark * held.qty / qty if qty else held.mark)
        self.holdings.cash += entry.cash - entry.commission
        self.paid += entry.commission
        self.booked += entry.cash


class TimedBooks:
    """Books that can still be told what happened before the latest entry.

    Attributes:
        now: what all entries add up to. references: of the entries.
    """

    def __init__(self, cash: Decimal) -> None:
        self._before, self.now = Books(cash), Books(cash)  # before the entries, and after
        self._entries: list[Entry] = []
        self.references: set[str] = set()

    @property
    def latest(self) -> int:
        """The time of the latest entry, UTC ns."""
        return self._entries[-1].time_ns if self._entries else 0

    def add(self, entry: Entry) -> None:
        """Take an entry in at its time, after those of the same time."""
        self.references.add(entry.reference)
        is_latest = entry.time_ns >= self.latest
        insort(self._entries, entry, key=lambda each: each.time_ns)
        if is_latest:
            self.now.take(entry)
        else:
            self.now = self._before.copy()
            for each in self._entries:
                self.now.take(each)

    def held(self, symbol: str, before_ns: int) -> Decimal:
        """Signed shares of a symbol just before a moment."""
        qty = self._before.holdings[symbol].qty
        for entry in self._entries[:bisect_left(self._entries, before_ns, key=lambda each: each.time_ns)]:
            if entry.symbol == symbol:
                qty = qty + entry.size if entry.qty is None else entry.qty
        return qty

    def close(self, before_ns: int) -> None:
        """Nothing that happened before a moment will be told any more."""
        closed = bisect_left(self._entries, before_ns, key=lambda each: each.time_ns)
        for entry in self._entries[:closed]:
            self._before.take(entry)
        del self._entries[:closed]
