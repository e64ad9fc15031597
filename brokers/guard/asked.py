"""Asked: an order as a guard sees it, and what stands around it. Imports Backtrader only."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import backtrader as bt
from backtrader import Order

AUCTIONS = {"opg": "open", "cls": "close"}  # by time in force
DUST = 1e-9  # part of a position that rounding may leave


@dataclass(frozen=True)
class Asked:
    """One order that is asked about.

    Attributes:
        symbol; shares: signed. price: the highest it may cost a share as far as it says, and the last close otherwise.
        close: of the last bar. named: the price it names, the last close of one that names none.
        held: signed shares the account has of the symbol once the order's parent is filled. ahead: signed shares that open
            orders of the same side may add; of orders of which only one can fill, the largest.
        daily: it was decided on bars of a day or longer. auction: "open", "close", or "" for none.
        part: it goes with an order that was asked about before: an exit of a bracket, the other of a pair.
    """

    symbol: str
    shares: float
    price: float
    close: float
    named: float
    held: float
    ahead: float = 0.0
    daily: bool = False
    auction: str = ""
    part: bool = False

    @classmethod
    def of(cls, order: Order, held: float, opened: Iterable[Order]) -> "Asked":
        """What an order asks for, with the `opened` orders of its feed."""
        data, close, named = order.data, float(order.data.close[0]), _named(order)
        shares, notional = float(order.executed.remsize), order.info.get("notional")
        if notional is not None:
            shares = math.copysign(float(notional) / close, shares)
        if order.parent is not None and order.parent.alive():
            held += order.parent.executed.remsize
        auction = "close" if order.exectype == Order.Close else str(order.info.get("auction") or AUCTIONS.get(order.info.get("tif"), ""))
        limited = order.exectype in (Order.Limit, Order.StopLimit) and order.isbuy()
        return cls(data._name, shares, named if limited else max(close, named), close, named, held, _ahead(order, shares, opened),
                   bool(data._timeframe >= bt.TimeFrame.Days), auction, order.parent is not None or order.p.oco is not None)

    @property
    def side(self) -> str:
        """"buy" or "sell"."""
        return "buy" if self.shares > 0 else "sell"

    @property
    def value(self) -> float:
        """Of the order, account currency."""
        return abs(self.shares) * self.price

    @property
    def position_value(self) -> float:
        """Of the position once it and all open orders of its side are filled, at the higher of last close and price."""
        return abs(self.held + self.ahead + self.shares) * max(self.close, self.price)

    @property
    def reduces(self) -> bool:
        """Whether it makes the position smaller, also after the open orders of its side, and does not turn it around."""
        return self.shares * self.held < 0 and abs(self.ahead + self.shares) <= abs(self.held) * (1 + DUST)

    @property
    def closes(self) -> bool:
        """Whether it makes the position smaller by itself."""
        return self.shares * self.held < 0 and abs(self.shares) <= abs(self.held) * (1 + DUST)


def _named(order: Order) -> float:
    """The limit, else the stop, else the last close."""
    created, kind = order.created, order.exectype
    price = created.pricelimit if kind in (Order.StopLimit, Order.StopTrailLimit) else created.price
    if kind in (Order.Market, Order.Close, Order.StopTrail) or not price:
        price = order.data.close[0]
    return float(price)


def _ahead(order: Order, shares: float, opened: Iterable[Order]) -> float:
    largest: dict[int, float] = {_leader(order): abs(shares)}
    for other in opened:
        left = float(other.executed.remsize)
        if other.ref != order.ref and other.data is order.data and other.alive() and left * shares > 0:
            leader = _leader(other)
            largest[leader] = max(largest.get(leader, 0.0), abs(left))
    return math.copysign(sum(largest.values()) - abs(shares), shares)


def _leader(order: Any) -> int:
    """The first of the orders of which only one can fill; a slice is a part of what is left of its order."""
    while True:
        if order.info.get("slice_of") is not None:
            return int(order.info["slice_of"])
        before = order.parent if order.parent is not None else order.p.oco
        if before is None:
            return int(order.ref)
        order = before
