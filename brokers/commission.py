"""Backtrader's face of `core.costs.Commission`."""

import math

import backtrader as bt

from core.costs import Commission


class StockCommission(bt.CommInfoBase):
    """Commission of stock-like assets, with a minimum per fill and, if asked for, fractional sizes.

    Params:
        costs: `core.costs.Commission`.
        fractional: sizes may be fractions of a share.

    Backtrader charges the closing and the opening part of a fill apart, so a reversal pays a minimum twice.
    """

    params = (("costs", Commission()), ("fractional", False), ("stocklike", True),
              ("commtype", bt.CommInfoBase.COMM_PERC), ("percabs", True))

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        return self.p.costs.of(size, price)

    def getsize(self, price: float, cash: float) -> float:
        """Shares that `cash` buys at `price`, rounded down to what may be traded."""
        size = cash / price
        return math.floor(size * 1e6) / 1e6 if self.p.fractional else math.floor(size)
