"""RoutedBroker: one Cerebro, several brokers; each order goes to the one that a rule names. Imports core and the modules beside it."""

from __future__ import annotations

import fnmatch
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt
from backtrader import Order

from brokers.order_copies import snapshot
from brokers.simulated import SimulatedBroker
from core.errors import BadSpec, UnknownName, UsageError


@dataclass(frozen=True)
class Route:
    """Which orders go to a broker.

    Attributes:
        broker: its name.
        symbols: patterns as of file names, separated by commas: "AAPL,MSFT", "B*", "*".
        size, value: smallest and largest number of shares, and value at the last close in account currency, both included.
        when: asked with (feed, signed shares); None = always.

    Raises:
        BadSpec: bounds that no order can meet.
    """

    broker: str
    symbols: str = "*"
    size: tuple[float, float] = (0.0, math.inf)
    value: tuple[float, float] = (0.0, math.inf)
    when: Callable[[Any, float], bool] | None = None

    def __post_init__(self) -> None:
        for name in ("size", "value"):
            low, high = getattr(self, name)
            if not low <= high:
                raise BadSpec(f"route to {self.broker}: {name} from {low:g} to {high:g} fits no order; name the smaller bound first")

    def matches(self, data: Any, size: float) -> bool:
        """Whether an order of `size` signed shares of a feed goes this way."""
        shares, worth = abs(size), abs(size) * data.close[0]
        named = any(fnmatch.fnmatchcase(data._name, pattern.strip()) for pattern in self.symbols.split(","))
        fits = self.size[0] <= shares <= self.size[1] and self.value[0] <= worth <= self.value[1]
        return named and fits and (self.when is None or self.when(data, size))


class RoutedBroker(bt.BrokerBase):
    """Several brokers as one: cash and value are the sums, a position is where it is held.

    An order goes to the broker of the first rule that matches. A symbol that a broker holds, or has an open order in, stays
    with it, whatever the rules say: what is bought at one broker is sold there. An order that no rule matches is rejected.

    Args:
        rules: in the order in which they are asked; a mapping of symbol patterns to names of brokers is short for its routes.
        brokers: by name.

    Raises:
        UnknownName: a rule names no broker. BadSpec: there are no rules.
    """

    def __init__(self, rules: Sequence[Route] | Mapping[str, str], brokers: Mapping[str, Any]) -> None:
        super().__init__()
        self.rules = [Route(name, symbols) for symbols, name in rules.items()] if isinstance(rules, Mapping) else list(rules)
        self.brokers = dict(brokers)
        if not self.rules:
            raise BadSpec("a routed broker has no rules: name one, such as {'*': 'simulated'}")
        for rule in self.rules:
            if rule.broker not in self.brokers:
                raise UnknownName.of("broker of a route", rule.broker, self.brokers)
        self._names: dict[int, str] = {}  # reference of an order -> its broker
        self._open: list[Order] = []
        self._rejected: list[Order] = []
        self._notices: deque[Order] = deque()

    # -- life -----------------------------------------------------------------------------------------

    @property
    def cerebro(self) -> Any:
        """The engine."""
        return self._cerebro

    @cerebro.setter
    def cerebro(self, cerebro: Any) -> None:
        self._cerebro = cerebro
        splits = next((broker for broker in self.brokers.values() if isinstance(broker, SimulatedBroker)), None)
        for broker in self.brokers.values():
            is_second = isinstance(broker, SimulatedBroker) and broker is not splits
            broker.cerebro = _WithoutTrades(cerebro) if is_second else cerebro

    def start(self) -> None:
        for broker in self.brokers.values():
            broker.start()

    def stop(self) -> None:
        for broker in self.brokers.values():
            broker.stop()

    def next(self) -> None:
        for broker in self.brokers.values():
            broker.next()

    def get_notification(self) -> Order | None:
        """The next state of an order, from whichever broker."""
        if self._notices:
            return self._notices.popleft()
        return next((told for broker in self.brokers.values() if (told := broker.get_notification()) is not None), None)

    # -- what Backtrader asks -------------------------------------------------------------------------

    def getcash(self) -> float:
        """The sum of all cash."""
        return sum(broker.getcash() for broker in self.brokers.values())

    def getvalue(self, datas: Iterable[Any] | None = None) -> float:
        """The sum of all values, or of the positions in some feeds."""
        return sum(broker.getvalue(datas) for broker in self.brokers.values())

    get_cash, get_value = getcash, getvalue

    @property
    def startingcash(self) -> float:
        """The sum of all cash at the start."""
        return sum(broker.startingcash for broker in self.brokers.values())

    def getposition(self, data: Any) -> bt.Position:
        """Shares of a feed's symbol, from where they are held."""
        positions = [broker.getposition(data) for broker in self.brokers.values()]
        return next((position for position in positions if position.size), positions[0])

    @property
    def positions(self) -> dict[Any, bt.Position]:
        """Position by feed."""
        return {data: self.getposition(data) for data in self.cerebro.datas}

    def getcommissioninfo(self, data: Any) -> Any:
        """Of the broker with which the symbol is, or to which an order of one share would go."""
        name = self.holder(data) or self.route(data, 1.0)
        return self.brokers[name].getcommissioninfo(data) if name else super().getcommissioninfo(data)

    def addcommissioninfo(self, comminfo: Any, name: str | None = None) -> None:
        """For all brokers."""
        for broker in self.brokers.values():
            broker.addcommissioninfo(comminfo, name)

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        """For all brokers."""
        for broker in self.brokers.values():
            broker.setcommission(*args, **kwargs)

    def add_order_history(self, orders: Any, notify: bool = False) -> None:
        """Not possible: nobody knows at which broker it was.

        Raises:
            UsageError: always.
        """
        raise UsageError("orders of the past have no route: leave out cerebro.add_order_history, or give it to a broker of its own")

    # -- routes ---------------------------------------------------------------------------------------

    def holder(self, data: Any) -> str:
        """The broker that holds a feed's symbol, or else has an open order in it; "" where there is none."""
        held = next((name for name, broker in self.brokers.items() if broker.getposition(data).size), "")
        if held:
            return held
        self._open = [order for order in self._open if order.alive()]
        own = next((self._names[order.ref] for order in self._open if order.data is data), "")
        return own or next((name for name, broker in self.brokers.items()
                            if any(order.data is data for order in broker.get_orders_open())), "")

    def route(self, data: Any, size: float) -> str:
        """The broker that the rules name for an order of `size` signed shares; "" where none matches."""
        return next((rule.broker for rule in self.rules if rule.matches(data, size)), "")

    def broker_of(self, order: Order) -> str:
        """The broker that has an order; "" where it was rejected, or is of nobody here."""
        known = self._names.get(order.ref)
        if known is not None:
            return known
        return next((name for name, broker in self.brokers.items()
                     if any(each.ref == order.ref for each in broker.get_orders_open())), "")

    # -- orders ---------------------------------------------------------------------------------------

    def buy(self, owner: Any, data: Any, size: float, **terms: Any) -> Order:
        """Take a buy order; see the class."""
        name = self.holder(data) or self.route(data, size)
        return self._sent(name, self.brokers[name].buy(owner, data, size, **terms)) if name else self._reject(bt.BuyOrder, owner, data, size)

    def sell(self, owner: Any, data: Any, size: float, **terms: Any) -> Order:
        """Take a sell order; see the class."""
        name = self.holder(data) or self.route(data, -size)
        return self._sent(name, self.brokers[name].sell(owner, data, size, **terms)) if name else self._reject(bt.SellOrder, owner, data, size)

    def _sent(self, name: str, order: Order) -> Order:
        self._names[order.ref] = name
        self._open.append(order)
        return order

    def _reject(self, kind: Any, owner: Any, data: Any, size: float) -> Order:
        order = kind(owner=owner, data=data, size=size)
        order.addcomminfo(self.getcommissioninfo(data))
        order.addinfo(reason=f"no route takes {order.size:g} {data._name}: add a rule for '*'")
        order.submit(self)
        order.reject(self)
        self._names[order.ref] = ""
        self._rejected.append(order)
        self._notices.append(snapshot(order))
        return order

    def cancel(self, order: Order, *args: Any, **kwargs: Any) -> Any:
        """Cancel an order where it is."""
        name = self.broker_of(order)
        return self.brokers[name].cancel(order, *args, **kwargs) if name else False

    def orderstatus(self, order: Order) -> Any:
        """Backtrader's status of an order."""
        return next((each for each in self.orders if each.ref == order.ref), order).status

    @property
    def orders(self) -> list[Order]:
        """Every order, in the order they were made."""
        made = [order for broker in self.brokers.values() for order in broker.orders]
        return sorted([*made, *self._rejected], key=lambda order: order.ref)

    def get_orders_open(self, safe: bool = False) -> list[Order]:
        """Orders that have not ended, of all brokers; copies if `safe`."""
        return [order for broker in self.brokers.values() for order in broker.get_orders_open(safe)]


class _WithoutTrades:
    """The engine as all simulated brokers but the first see it: one of them restates the strategies' trades after a split."""

    runningstrats = ()

    def __init__(self, cerebro: Any) -> None:
        self._cerebro = cerebro

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cerebro, name)
