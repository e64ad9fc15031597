"""Where the shortfall of live fills against those of a simulation comes from. Exact fractions; imports nothing of ours.

What a fill cost is divided as in Perold, "The implementation shortfall: paper versus reality" (Journal of Portfolio
Management, 1988), with the simulation in the place of the paper portfolio: each part is what it was live less what it
was in the simulation.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

ZERO = Fraction(0)


def exact(number: float) -> Fraction:
    """The decimal number that a float is written as."""
    return Fraction(repr(float(number)))


class Lot(NamedTuple):
    """Shares that were filled.

    Attributes:
        qty: shares, below zero for a sale. price: per share. time: UTC ns.
        arrival: price when the order was sent; None for an order that waits at the venue for its price.
        spread: half the spread then, per share; 0 where no quote is known. fee: account currency.
    """

    qty: Fraction
    price: Fraction
    time: int
    arrival: Fraction | None
    spread: Fraction = ZERO
    fee: Fraction = ZERO

    def gain(self, close: Fraction) -> Fraction:
        """Profit up to a closing price, after its fee."""
        return self.qty * (close - self.price) - self.fee


class Parts(NamedTuple):
    """A shortfall: what live made less than the simulation, account currency; below zero where it made more.

    Attributes:
        delay: the price moved between what the simulation met and what the order met when it was sent.
        spread: half the spread, of matched shares. slippage: from the price when sent to the fill, beyond the spread.
        missed: shares that only one of both traded, valued at the close. fees: commissions.
    """

    delay: Fraction = ZERO
    spread: Fraction = ZERO
    slippage: Fraction = ZERO
    missed: Fraction = ZERO
    fees: Fraction = ZERO

    @property
    def total(self) -> Fraction:
        """The whole shortfall."""
        return sum(self, ZERO)


def total_of(parts: Iterable[Parts]) -> Parts:
    """Part by part."""
    return Parts(*(sum(column, ZERO) for column in zip(*parts, strict=True))) if (parts := list(parts)) else Parts()


def split(live: Sequence[Lot], shadow: Sequence[Lot], close: Fraction) -> Parts:
    """The parts of the shortfall of one order; they sum to the gain of `shadow` less the gain of `live`, exactly.

    Args:
        live, shadow: fills on one side of one symbol, in order; the first shares are matched with the first.
        close: price at which the day ends.
    """
    delay = spread = slippage = missed = ZERO
    ours, theirs = list(live), list(shadow)
    left = [[abs(lot.qty) for lot in lots] for lots in (ours, theirs)]
    at = other = 0
    while at < len(ours) and other < len(theirs):
        lot, twin = ours[at], theirs[other]
        shares = min(left[0][at], left[1][other])
        qty = shares if lot.qty > 0 else -shares
        late = ZERO if lot.arrival is None or twin.arrival is None else qty * (lot.arrival - twin.arrival)
        wide = shares * (lot.spread - twin.spread)
        delay, spread = delay + late, spread + wide
        slippage += qty * (lot.price - twin.price) - late - wide
        left[0][at] -= shares
        left[1][other] -= shares
        at, other = at + (not left[0][at]), other + (not left[1][other])
    for lots, rest, sign in ((ours, left[0], -1), (theirs, left[1], 1)):
        for lot, shares in zip(lots, rest, strict=True):
            missed += sign * (shares if lot.qty > 0 else -shares) * (close - lot.price)
    fees = sum((lot.fee for lot in ours), ZERO) - sum((lot.fee for lot in theirs), ZERO)
    return Parts(delay, spread, slippage, missed, fees)
