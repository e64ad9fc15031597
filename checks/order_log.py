"""OrderLog: the Backtrader analyzer that notes on which bar each order was created or cancelled."""

from typing import Any

import backtrader as bt

from checks.outcome import Placed

UNPRICED = ("Market", "Close")


class OrderLog(bt.Analyzer):
    """Reads the broker's list of orders after every bar.

    Params:
        row_of: day number of a bar -> its row in the panel.

    Attributes:
        placed: `Placed` of every order and cancellation. row: row of the last bar that was finished.
    """

    params = (("row_of", None),)

    def start(self) -> None:
        self.placed: list[Placed] = []
        self.row = -1
        self._known = 0
        self._alive: list[Any] = []

    def prenext(self) -> None:
        self.next()

    def nextstart(self) -> None:
        self.next()

    def next(self) -> None:
        self.row = self.p.row_of[self.strategy.datetime[0]]
        orders = self.strategy.broker.orders
        for order in self._alive:
            if order.status == order.Canceled:
                self.placed.append(Placed(self.row, order.data._name, order.created.size, "cancel"))
        new = [orders[at] for at in range(self._known, len(orders))]
        self.placed += [_placed(self.row, order) for order in new]
        self._known = len(orders)
        self._alive = [order for order in (*self._alive, *new) if order.alive()]


def _placed(row: int, order: bt.Order) -> Placed:
    kind = order.getordername()
    price = order.created.price if kind not in UNPRICED else None
    return Placed(row, order.data._name, order.created.size, kind, float("nan") if price is None else float(price))
