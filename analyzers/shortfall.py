"""Implementation shortfall: what it costs that orders trade later, elsewhere and in part. Imports core only.

The paper portfolio trades all of an order at the moment and the price of the decision, free of charge; the shortfall is by how
much the account does worse (A. Perold, "The Implementation Shortfall: Paper versus Reality", Journal of Portfolio Management
14(3), 1988; delay apart: R. Kissell, M. Glantz, "Optimal Trading Strategies", 2003).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import backtrader as bt

BASIS_POINTS = 1e4


class Part(NamedTuple):
    """One execution: shares without a sign, price per share, fees in account currency."""

    size: float
    price: float
    fees: float = 0.0


@dataclass(frozen=True)
class Costs:
    """The parts of a shortfall, account currency; above 0 = a cost.

    Attributes:
        delay: the price moved from the decision to the arrival, on what was traded.
        execution: the fills were at other prices than the arrival's, by spread, slippage and impact.
        opportunity: the price moved from the decision to the end, on what was not traded.
        fees: commissions.
        paper: value of what was asked for, at the decision.
    """

    delay: float = 0.0
    execution: float = 0.0
    opportunity: float = 0.0
    fees: float = 0.0
    paper: float = 0.0

    @property
    def total(self) -> float:
        """The whole shortfall, account currency."""
        return self.delay + self.execution + self.opportunity + self.fees

    @property
    def bps(self) -> float:
        """The whole, in basis points of `paper`; 0 where nothing was asked for."""
        return BASIS_POINTS * self.total / self.paper if self.paper else 0.0

    def summary(self) -> dict[str, float]:
        """Name -> number: the parts, the total, and the total in basis points."""
        return {**asdict(self), "total": self.total, "bps": self.bps}

    def __add__(self, other: "Costs") -> "Costs":
        return Costs(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def shortfall(side: int, asked: float, parts: Sequence[Part], decision: float, arrival: float, end: float) -> Costs:
    """The shortfall of one order.

    With n of N shares traded at the average price p: delay = side n (arrival - decision), execution = side n (p - arrival),
    opportunity = side (N - n) (end - decision).

    Args:
        side: 1 to buy, -1 to sell. asked: shares, without a sign.
        decision, arrival, end: prices when the order was decided, when it could first trade, and when it had ended.
    """
    filled = sum(part.size for part in parts)
    return Costs(
        delay=side * filled * (arrival - decision), execution=side * sum(part.size * (part.price - arrival) for part in parts),
        opportunity=side * (asked - filled) * (end - decision), fees=sum(part.fees for part in parts), paper=asked * decision)


@dataclass(frozen=True)
class OrderShortfall:
    """The shortfall of one order, its prices and shares in shares of the decision.

    Attributes:
        order: Backtrader's reference. symbol; side: 1 to buy, -1 to sell. asked, filled: shares, without a sign.
        decision: last close when it was decided. arrival: open of the next bar (its close, where it has no open).
        end: last close when the order had ended. costs: the parts.
    """

    order: int
    symbol: str
    side: int
    asked: float
    filled: float
    decision: float
    arrival: float
    end: float
    costs: Costs


class ImplementationShortfall(bt.Analyzer):
    """`get_analysis()`: `{"orders": [OrderShortfall, …], "costs": Costs}`, for any strategy on any broker.

    Orders to be filled now or at the next auction count; those that name a price of their own (limits, stops) and those that
    protect a position do not. An order that is still open at the end of the run is measured at the last close.
    """

    def start(self) -> None:
        self._cases: dict[int, _Case] = {}
        self._open: list[_Case] = []

    def notify_order(self, order: bt.Order) -> None:
        if order.exectype not in (bt.Order.Market, bt.Order.Close) or order.info.get("protective"):
            return
        case = self._cases.get(order.ref)
        if case is None:
            case = self._cases[order.ref] = _Case(order)
            self._open.append(case)
        case.hear(order)

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        for case in self._open:
            case.look()
        self._open = [case for case in self._open if not case.is_complete]

    def stop(self) -> None:
        found = [case.measured() for case in self._cases.values()]
        self.rets = {"orders": found, "costs": sum((each.costs for each in found), Costs())}


class _Case:
    """One order on its way; prices and shares as of the decision, whatever has been split since."""

    def __init__(self, order: bt.Order) -> None:
        self._order, self._data = order, order.data
        self._close = order.created.pclose
        self._parts: list[Part] = []
        self._arrival = self._end = math.nan

    @property
    def _ratio(self) -> float:
        """Shares that one share of the decision has become; the broker restates what was asked for."""
        return self._close / self._order.created.pclose if self._order.created.pclose else 1.0

    @property
    def is_complete(self) -> bool:
        """Whether all its prices are known."""
        return not (math.isnan(self._arrival) or math.isnan(self._end))

    def hear(self, order: bt.Order) -> None:
        """Note the executions since the last word, and the end."""
        self._order = order
        self.look()
        ratio = self._ratio
        self._parts += [Part(abs(bit.size) / ratio, bit.price * ratio, bit.comm) for bit in order.executed.iterpending()]
        if not order.alive():
            self._end = self._data.close[0] * ratio

    def look(self) -> None:
        """Note the first price at which it could have been traded."""
        if math.isnan(self._arrival) and self._data.datetime[0] > self._order.created.dt:
            opened = self._data.open[0]
            self._arrival = (self._data.close[0] if math.isnan(opened) else opened) * self._ratio

    def measured(self) -> OrderShortfall:
        """The shortfall so far."""
        order, ratio = self._order, self._ratio
        side, asked = 1 if order.isbuy() else -1, abs(order.created.size) / ratio
        arrival = self._close if math.isnan(self._arrival) else self._arrival
        end = self._data.close[0] * ratio if math.isnan(self._end) else self._end
        costs = shortfall(side, asked, self._parts, self._close, arrival, end)
        return OrderShortfall(order.ref, order.data._name, side, asked, sum(part.size for part in self._parts), self._close, arrival, end,
                              costs)
