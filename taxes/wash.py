"""Wash sales, over all accounts and runs of a taxpayer. Imports `taxes.lots` and `taxes.lot_book`.

IRS Publication 550, chapter 4, Wash Sales: a loss may not be deducted as far as substantially identical shares are bought within 30 days
before or after the sale; it joins the basis of those shares, and their holding period includes that of the shares sold. Shares are matched
in the order in which they were bought, the earliest sale first, and each replaces once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from taxes.holding import trade_date
from taxes.lot_book import SHARE, LotBook
from taxes.lots import Disposal, Lot, portion

WINDOW = 30  # days, either side


@dataclass
class _Loss:
    """What of a loss nobody has replaced yet: so many shares, so much money; `at` is the disposal's place."""

    at: int
    disposal: Disposal
    shares: Decimal
    money: Decimal


class WashSales:
    """Finds the replacements of what was sold at a loss.

    Shares replace which are held when the loss is realized, or are bought later. Those of the purchase whose shares were sold do not
    (Revenue Ruling 56-602), nor do those that close a short sale. A short sale that was closed at a loss is replaced by another short sale.

    Args:
        book: whose lots take the losses over.

    Attributes:
        disposals: all, as they are known by now.
    """

    def __init__(self, book: LotBook) -> None:
        self._book = book
        self.disposals: list[Disposal] = []
        self._losses: dict[tuple[str, bool], list[_Loss]] = {}

    def close(self, closed: Sequence[Disposal]) -> None:
        """Take in what one execution has closed; among its losses the shares bought first are replaced first."""
        for disposal in sorted(closed, key=lambda each: each.opened_ns):
            self.disposals.append(disposal)
            if disposal.realized >= 0:
                continue
            loss = _Loss(len(self.disposals) - 1, disposal, disposal.qty, -disposal.realized)
            for lot in self._book.identical(self._book.group(disposal.symbol)):
                if loss.shares and self._can_replace(lot, disposal):
                    self._move(loss, lot)
            if loss.shares:
                self._losses.setdefault((self._book.group(disposal.symbol), disposal.is_short), []).append(loss)

    def open(self, lot: Lot) -> None:
        """Let a new lot replace what was sold at a loss before."""
        key = self._book.group(lot.symbol), lot.is_short
        waiting = [loss for loss in self._losses.get(key, ()) if (lot.acquired - loss.disposal.sold).days <= WINDOW]
        for loss in waiting:
            if self._can_replace(lot, loss.disposal):
                left = self._move(loss, lot)
                if left is None:
                    break
                lot = left
        self._losses[key] = [loss for loss in waiting if loss.shares]

    def split(self, symbol: str, ratio: Decimal) -> None:
        """A split of a symbol: so many new shares would replace one that was sold."""
        for losses in self._losses.values():
            for loss in losses:
                if loss.disposal.symbol == symbol:
                    loss.shares = (loss.shares * ratio).quantize(SHARE)

    def _can_replace(self, lot: Lot, sold: Disposal) -> bool:
        is_same_purchase = (lot.account, lot.order, lot.acquired) == (sold.account, sold.lot_order, trade_date(sold.opened_ns))
        return not lot.replaces and not is_same_purchase and lot.is_short == sold.is_short and abs((lot.acquired - sold.sold).days) <= WINDOW

    def _move(self, loss: _Loss, lot: Lot) -> Lot | None:
        """Move a loss, or what a lot has shares for, into the lot; what is left of the lot."""
        first, *rest = lot.parted(min(loss.shares, abs(lot.qty)))
        money = portion(loss.money, abs(first.qty), loss.shares)
        sold = self.disposals[loss.at]
        self.disposals[loss.at] = replace(sold, disallowed=sold.disallowed + money)
        self._book.exchange(lot, [replace(first, carried=first.carried + money, replaces=True,
                                          held_since=first.held_since - (sold.sold - sold.held_since)), *rest])
        loss.shares, loss.money = loss.shares - abs(first.qty), loss.money - money
        return rest[0] if rest else None
