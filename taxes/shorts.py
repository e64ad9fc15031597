"""Short sales beside shares of the same kind: whose gain or loss is short term, and whose long. Imports `taxes.lot_book` and `taxes.lots`.

IRS Publication 550, chapter 4, Short Sales, with shares that are bought to close a short sale and so are held for less than a day:
- the gain or loss is a short-term one;
- but a loss is a long-term one as far as such shares had been held for more than a year when the shares were sold short;
- such shares that had been held for a year or less by then, or were bought before the short sale was closed, begin their holding period
  when it is closed, or when they are sold, whichever comes first; the earliest bought first, and no more than were sold short (section
  1233(b) of the Internal Revenue Code).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from taxes.holding import is_long_term
from taxes.lot_book import SHARE, LotBook
from taxes.lots import ZERO, Disposal, Lot


class Boxes:
    """Marks lots as `boxed`: shares that wait for a short sale to be closed, and short sales whose loss would be a long-term one.

    Args:
        book: whose lots they are.
    """

    def __init__(self, book: LotBook) -> None:
        self._book = book
        self._bare: dict[str, Decimal] = {}  # shares sold short that no shares are boxed against

    def open(self, lot: Lot) -> list[Lot]:
        """Take in a new lot; the parts it has now."""
        group = self._book.group(lot.symbol)
        if not lot.is_short:
            return self._box(lot, group)
        self._bare[group] = self._bare.get(group, ZERO) - lot.qty
        spare = sum((each.qty for each in self._lots(group, is_short=True) if each.boxed), ZERO)
        for each in self._lots(group, is_short=False):
            if is_long_term(each.held_since, lot.acquired):
                spare += ZERO if each.boxed else each.qty
            elif not each.boxed:
                self._box(each, group)
        return self._mark(lot, spare) if spare > 0 else [lot]

    def close(self, closed: Sequence[Disposal]) -> None:
        """Take in what an execution has closed: shares that were boxed against a short sale are free again."""
        for each in closed:
            group = self._book.group(each.symbol)
            if each.is_short:
                freed = self._free(group, each.qty, each.sold)
                self._bare[group] = max(self._bare.get(group, ZERO) - (each.qty - freed), ZERO)

    def split(self, symbol: str, ratio: Decimal) -> None:
        """A split of a symbol."""
        group = self._book.group(symbol)
        if group in self._bare:
            self._bare[group] = (self._bare[group] * ratio).quantize(SHARE)

    def _lots(self, group: str, is_short: bool) -> list[Lot]:
        return [lot for lot in self._book.identical(group) if lot.is_short == is_short]

    def _mark(self, lot: Lot, shares: Decimal) -> list[Lot]:
        first, *rest = lot.parted(shares)
        parts = [replace(first, boxed=True), *rest]
        self._book.exchange(lot, parts)
        return parts

    def _box(self, lot: Lot, group: str) -> list[Lot]:
        """Box as many shares as are bare; the parts the lot has now."""
        bare = self._bare.get(group, ZERO)
        if not bare:
            return [lot]
        parts = self._mark(lot, bare)
        self._bare[group] = bare - parts[0].qty
        return parts

    def _free(self, group: str, shares: Decimal, closed: dt.date) -> Decimal:
        """Begin the holding period of boxed shares; how many were."""
        left = shares
        for lot in self._lots(group, is_short=False):
            if lot.boxed and left:
                first, *rest = lot.parted(left)
                self._book.exchange(lot, [replace(first, boxed=False, held_since=closed), *rest])
                left -= first.qty
        return shares - left
