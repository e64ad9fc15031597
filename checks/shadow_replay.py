"""The shadow of a live day: its spec in Cerebro on the simulated broker, from what live held when the day began.

Imports engine, brokers and core.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np
from backtrader import Order

from brokers.hooks import Executed
from checks.shadow_parts import exact
from core.bars import Bars
from core.costs import parse_slippage
from core.day_numbers import moments_of
from core.spec import RunSpec
from engine.build import build
from strategies.base import TargetStrategy

BEFORE = "before the day"
AT_ONCE = (Order.Market, Order.Close)
DECIMALS = 9  # of a price whose slippage is taken off again


@dataclass(frozen=True)
class Start:
    """Where the shadow begins.

    Attributes:
        row: of the bars, the first on which it may decide. cash: account currency, at its end.
        held: symbol -> (signed shares, average price), at its end.
    """

    row: int
    cash: float
    held: Mapping[str, tuple[float, float]]


class ShadowFill(NamedTuple):
    """One execution in the simulation.

    Attributes:
        order: reference. symbol, qty, price, time, fee: as in `core.result.Fill`, qty below zero for a sale.
        arrival: the price before slippage; None for an order that waited for its price. bar_ns: when it was created.
        intent: why.
    """

    order: int
    symbol: str
    qty: Fraction
    price: Fraction
    time: int
    fee: Fraction
    arrival: Fraction | None
    bar_ns: int
    intent: str


class Shadow(NamedTuple):
    """What the simulation did: fills in order, refusals as (symbol, bar, reason), and its gain of the day."""

    fills: tuple[ShadowFill, ...]
    refused: tuple[tuple[str, int, str], ...]
    gain: float


def replay(spec: RunSpec, bars: Bars, start: Start) -> Shadow:
    """Play a spec from `start.row` to the end of the bars; what it orders earlier is refused.

    Raises:
        CerebrolabError: as `engine.build`.
    """
    random.seed(spec.seed)
    np.random.seed(spec.seed)
    cerebro = build(spec, bars=bars)
    executed: list[Executed] = []
    begun: list[float] = []
    broker = cerebro.broker
    broker.hook(refuse=lambda order: "" if begun else BEFORE, executed=executed.append)
    cerebro.addanalyzer(_Beginning, broker=broker, at=start, since=int(bars.index[start.row]), begun=begun)
    cerebro.run()
    rate, fixed = parse_slippage(spec.slippage)
    refused = tuple((order.data._name, _moment(order.created.dt), str(order.info.get("reason")))
                    for order in broker.orders if order.status in (Order.Margin, Order.Rejected) and order.info.get("reason") != BEFORE)
    return Shadow(tuple(_fill(each, rate, fixed) for each in executed), refused, broker.getvalue() - begun[0])


class _Beginning(bt.Analyzer):
    """Gives the broker what live held, before the strategy decides on the first bar that counts, and lets it take orders from then on."""

    params = (("broker", None), ("at", None), ("since", None), ("begun", None))

    def notify_cashvalue(self, cash: float, value: float) -> None:
        if self.p.begun or _moment(self.strategy.datetime[0]) < self.p.since:
            return
        broker = self.p.broker
        broker.set_cash(self.p.at.cash)
        for data in self.datas:
            if data._name in self.p.at.held:
                broker.positions[data] = broker._held[data] = bt.Position(*self.p.at.held[data._name])  # as if it had been filled long ago
        self.p.begun.append(broker._get_value())
        if self.p.at.held and isinstance(self.strategy, TargetStrategy):
            self.strategy.protect()


def _fill(each: Executed, rate: float, fixed: float) -> ShadowFill:
    order: Any = each.order
    arrival, sign = None, 1 if each.size > 0 else -1
    if order.exectype in AT_ONCE:
        arrival = exact(round(each.price / (1 + sign * rate) - sign * fixed, DECIMALS))
    return ShadowFill(order.ref, each.symbol, exact(each.size), exact(each.price), each.time_ns, exact(each.commission), arrival,
                      _moment(order.created.dt), str(order.info.get("intent") or ""))


def _moment(number: float) -> int:
    return int(moments_of(np.array([number]))[0])
