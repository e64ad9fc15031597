"""`Taxpayer`: the lots of all accounts and runs of one taxpayer, with short sales and wash sales. Imports the modules beside it."""

from collections.abc import Mapping
from decimal import Decimal

from taxes.holding import trade_date
from taxes.lot_book import LotBook
from taxes.lots import Disposal, Lot, Trade
from taxes.shorts import Boxes
from taxes.wash import WINDOW, WashSales


class Taxpayer:
    """Books what happened, in the order of time.

    Args:
        method, chosen, groups: as `taxes.lot_book.LotBook` takes them.

    Raises:
        UnknownName, UsageError: as `LotBook` does.
    """

    def __init__(self, method: str = "fifo", chosen: Mapping[str, Mapping[str, Decimal]] | None = None,
                 groups: Mapping[str, str] | None = None) -> None:
        self.book = LotBook(method, chosen, groups)
        self._boxes, self._wash = Boxes(self.book), WashSales(self.book)
        self._split_at: dict[str, int] = {}

    @property
    def disposals(self) -> list[Disposal]:
        """What was sold or closed, in the order of time; a later purchase may still disallow a loss."""
        return list(self._wash.disposals)

    @property
    def open_lots(self) -> list[Lot]:
        """What is held or sold short, in the order of acquisition."""
        return self.book.open_lots

    def trade(self, trade: Trade) -> None:
        """Book an execution. Raises UsageError as `LotBook.trade` does."""
        closed, opened = self.book.trade(trade)
        self._boxes.close(closed)
        self._wash.close(closed)
        if opened is not None:
            for lot in self._boxes.open(opened):
                self._wash.open(lot)

    def hold(self, account: str, run: str, symbol: str, qty: Decimal, time_ns: int) -> None:
        """Book a split, by the shares a run holds from then on. Raises UsageError where nothing is held that could become them."""
        ratio = self.book.hold(account, run, symbol, qty)
        day = trade_date(time_ns).toordinal()
        if day - self._split_at.get(symbol, -WINDOW - 1) > WINDOW:  # each run that holds the symbol is told of the same split
            self._split_at[symbol] = day
            self._wash.split(symbol, ratio)
            self._boxes.split(symbol, ratio)

    def rename(self, symbol: str, new: str) -> None:
        """Book a change of a symbol's name."""
        self.book.rename(symbol, new)
