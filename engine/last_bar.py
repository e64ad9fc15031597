"""What a plain strategy's last bar leaves: the orders created on it, the positions, the values of its indicators.

May import what engine.build may.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt

from core.bars import Bars
from core.day_numbers import day_numbers
from core.spec import RunSpec
from engine.build import build

PROTECTIVE = (bt.Order.Stop, bt.Order.StopLimit, bt.Order.StopTrail, bt.Order.StopTrailLimit)


@dataclass
class Standing:
    """Where a run leaves one symbol.

    Attributes:
        position: shares held after the last bar. ordered: UTC ns of the bar of the latest order; None = never.
        orders: orders created on the last bar, in their order. numbers: last values of its indicators.
    """

    position: float
    ordered: int | None = None
    orders: list[bt.Order] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def direction(self) -> int:
        """1 = ordered to buy, -1 = to sell, 0 = neither, or only protected what is held."""
        for order in self.orders:
            against = order.created.size * self.position < 0
            if not (order.parent or (order.exectype in PROTECTIVE and against)):
                return 1 if order.created.size > 0 else -1
        return 0


def play(spec: RunSpec, bars: Bars) -> dict[str, Standing]:
    """Run a plain strategy to the last bar; symbol -> where it stands.

    Raises:
        CerebrolabError: the spec is not possible.
    """
    cerebro = build(spec, bars=bars)
    cerebro.addanalyzer(_OrderBars, _name="order_bars")
    strategy = cerebro.run()[0]
    standing = {data._name: Standing(float(cerebro.broker.getposition(data).size)) for data in strategy.datas}
    created = strategy.analyzers.order_bars.moments
    days = day_numbers(bars.index).tolist()
    moments = dict(zip(days, bars.index.tolist(), strict=True))
    for order, moment in zip(cerebro.broker.orders, created, strict=False):  # those of `stop` belong to no bar
        found = standing[order.data._name]
        found.ordered = moments[moment]
        if moment == days[-1]:
            found.orders.append(order)
    for symbol, name, value in _indicator_values(strategy):
        standing[symbol].numbers[name] = value
    return standing


def told(order: bt.Order) -> str:
    """An order in words: "buy 10 Market", "sell 5 Stop at 95.5"."""
    kind = order.getordername()
    price = f" at {order.created.price:g}" if kind not in ("Market", "Close") and order.created.price else ""
    return f"{'buy' if order.created.size > 0 else 'sell'} {abs(order.created.size):g} {kind}{price}"


class _OrderBars(bt.Analyzer):
    """The bar (day number) on which each of the broker's orders was created."""

    def start(self) -> None:
        self.moments: list[float] = []

    def next(self) -> None:
        new = len(self.strategy.broker.orders) - len(self.moments)
        self.moments += [self.strategy.datetime[0]] * new

    prenext = nextstart = next


def _indicator_values(strategy: bt.Strategy) -> Iterator[tuple[str, str, float]]:
    """(symbol, name, last value) of every line of every indicator the strategy made itself."""
    for each in strategy.getindicators():
        data = _feed_of(each)
        if data is None or not isinstance(each, bt.Indicator):
            continue
        own = each.lines.size()  # without lines for internal use
        for at in range(own):
            name = f"{each.plotlabel()} {each.lines._getlinealias(at)}" if own > 1 else each.plotlabel()
            yield data._name, name, float(each.lines[at][0]) if len(each) else math.nan


def _feed_of(source: Any) -> Any:
    """The feed an indicator looks at, through the indicators between them; None for none."""
    while source is not None and not isinstance(source, bt.AbstractDataBase):
        source = getattr(source, "data", None)
    return source
