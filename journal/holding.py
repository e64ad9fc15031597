"""`Holding`: what executions, dividends and splits of one run in one symbol add up to, in the order of their times.

Average price: a position's cost spread over its shares; what closes takes shares at the average and leaves it as it is, what
goes beyond zero begins a new one (weighted average cost, as brokers state an average entry price, and as
`brokers.sub_account` keeps it). Pure; imports nothing of the journal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

ZERO = Decimal(0)
AVERAGING = Context(prec=28)  # a quotient has to be rounded somewhere: as everywhere else in Python
ADDING = Context(prec=400)  # sums and products are exact, so that they do not depend on the order


@dataclass(frozen=True)
class Entry:
    """What changes a holding.

    Attributes:
        time_ns: when, UTC ns. number: of the record; with `is_trade` it orders entries of the same time, bookings first.
        size, price, commission: of an execution; signed shares, account currency.
        cash: that is no trade. qty: shares held from then on in place of those before, which cost the same; None = as before.
        is_transfer: the cash came from outside, or left.
    """

    time_ns: int
    number: int = 0
    is_trade: bool = True
    size: Decimal = ZERO
    price: Decimal = ZERO
    commission: Decimal = ZERO
    cash: Decimal = ZERO
    qty: Decimal | None = None
    is_transfer: bool = False

    @property
    def turn(self) -> tuple[int, bool, int]:
        """By what entries are ordered."""
        return self.time_ns, self.is_trade, self.number


@dataclass
class Holding:
    """Signed shares, and how they came about; account currency.

    Attributes:
        qty: shares. average: their average price, 0 without shares. mark: price of the latest execution, in shares as they are now.
        cash: all that came in less what went out. realized: profit of what was closed, without commissions. commission: paid.
        booked: cash that is no trade, such as dividends. transferred: cash from outside.
        executions: how many. first_ns, last_ns: of the entries, UTC ns; 0 without any.
    """

    qty: Decimal = ZERO
    average: Decimal = ZERO
    mark: Decimal = ZERO
    cash: Decimal = ZERO
    realized: Decimal = ZERO
    commission: Decimal = ZERO
    booked: Decimal = ZERO
    transferred: Decimal = ZERO
    executions: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def is_late(self, entry: Entry) -> bool:
        """Whether an entry has to be before one that is there: what follows must be worked out again."""
        return entry.time_ns < self.last_ns or (entry.time_ns == self.last_ns and not entry.is_trade)

    def take(self, entry: Entry) -> None:
        """Add an entry that comes after all before."""
        if entry.size:
            self._trade(entry.size, entry.price)
            self.executions += 1
        if entry.qty is not None:
            self._hold(entry.qty)
        with localcontext(ADDING):
            self.cash += entry.cash - entry.commission - entry.size * entry.price
            self.commission += entry.commission
            if entry.is_transfer:
                self.transferred += entry.cash
            else:
                self.booked += entry.cash
        self.first_ns, self.last_ns = self.first_ns or entry.time_ns, entry.time_ns

    def _trade(self, size: Decimal, price: Decimal) -> None:
        closed = min(abs(self.qty), abs(size)).copy_sign(size) if self.qty * size < 0 else ZERO
        opened, kept = size - closed, self.qty + closed
        with localcontext(AVERAGING):
            self.realized -= closed * (price - self.average)
            if opened:
                self.average = (kept * self.average + opened * price) / (kept + opened)
        self.qty, self.mark = kept + opened, price
        if not self.qty:
            self.average = ZERO

    def _hold(self, qty: Decimal) -> None:
        with localcontext(AVERAGING):
            self.average = self.average * self.qty / qty if qty else ZERO
            self.mark = self.mark * self.qty / qty if qty else self.mark
        self.qty = qty


def added_up(entries: Iterable[Entry]) -> Holding:
    """The holding after entries, in whatever order they come."""
    holding = Holding()
    for entry in sorted(entries, key=lambda entry: entry.turn):
        holding.take(entry)
    return holding
