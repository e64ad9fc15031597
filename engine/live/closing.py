"""`Closing`: how one strategy leaves its account: its orders are taken back, its positions closed, or kept and protected.

Imports strategies and what is beside it. Nothing here waits: `step` does what can be done now.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import backtrader as bt
import numpy as np
from backtrader import Order

from core.clock import Clock
from core.day_numbers import day_numbers
from engine.live.market import Market, shown_moment
from engine.live.outcome import Left, shown_order
from strategies.base import TargetStrategy
from strategies.desk import auction_of
from strategies.resumed import CLOSING, is_protective, purpose_of

AUCTION = {"opg": "opening", "cls": "closing"}
DUST = 1e-9  # shares that are only the noise of binary fractions
FIRST_S, LONGEST_S = 1.0, 8.0  # pauses before a closing order that came to nothing is sent again


class Shut:
    """A broker that takes no more orders of its strategy, but protective ones where they are `wanted`.

    Args:
        broker: does everything else.
    """

    def __init__(self, broker: Any) -> None:
        self._broker = broker
        self.wanted = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def buy(self, owner: Any, data: Any, size: float, *args: Any, **kwargs: Any) -> Order:
        """Take a protective order; another is rejected at once."""
        return self._take(bt.BuyOrder, self._broker.buy, owner, data, size, *args, **kwargs)

    def sell(self, owner: Any, data: Any, size: float, *args: Any, **kwargs: Any) -> Order:
        """Take a protective order; another is rejected at once."""
        return self._take(bt.SellOrder, self._broker.sell, owner, data, size, *args, **kwargs)

    def _take(self, kind: Callable[..., Order], act: Callable[..., Order], owner: Any, data: Any, size: float, *args: Any,
              **kwargs: Any) -> Order:
        if self.wanted and kwargs.get("protective"):
            return act(owner, data, size, *args, ending=True, **kwargs)
        self.refused += 1
        order = kind(owner=owner, data=data, size=size, simulated=True)
        order.addinfo(reason="the run is ending: it sends no more orders", **kwargs)
        order.reject(self._broker)
        return order


class Closing:
    """The end of one strategy.

    Args:
        policy: one of `core.spec.ON_STOP`.
        heard: its orders that have not ended, by reference, for brokers that do not tell.
        until: monotonic seconds when the time is over.
    """

    def __init__(self, strategy: bt.Strategy, policy: str, market: Market, clock: Clock, heard: dict[int, Order], until: float) -> None:
        self._strategy, self._policy, self._market, self._clock, self._heard = strategy, policy, market, clock, heard
        self._broker = strategy.broker
        self._until, self._tries, self._again = until, Counter[Any](), dict[Any, float]()
        self._wait_ns = round((until - clock.monotonic()) * 1e9)
        self._begun_ns = clock.now_ns()
        self._sent: dict[Any, Order] = {}
        self._asked: set[int] = set()  # references of bound orders
        self.face = strategy.broker = Shut(self._broker)
        self._feeds = list({data._name: data for data in strategy.datas if getattr(data, "tradable", True)}.values())
        self._is_ours = isinstance(strategy, TargetStrategy)
        self._protects: bool | None = None
        self._is_hopeless = self._waits_for_open = self._is_at_open = False

    def step(self) -> None:
        """Do what can be done now."""
        for data in self._feeds:
            if not len(data) and self._size(data):
                _show(data, self._clock.now_ns(), self._broker.getposition(data).price)
        is_open = self._market.is_open
        self._is_hopeless = self._policy == "flatten" and not is_open and self._market.opens_ns >= self._begun_ns + self._wait_ns
        self._waits_for_open = self._policy == "flatten" and not is_open and not self._is_hopeless
        self._is_at_open = self._policy == "flatten_at_open" and not is_open
        keeps = self._policy == "keep" or self._is_hopeless or self._waits_for_open
        if self._protects != keeps:
            self._protects = self.face.wanted = keeps
            if self._is_ours:
                self._strategy.wind_down(keeps)
        for order in self._in_the_way():
            self._broker.cancel(order)
        for order in self._bound():
            if order.ref not in self._asked:  # some venues let it go all the same
                self._asked.add(order.ref)
                self._broker.cancel(order)
        if keeps and self._is_ours:
            self._strategy.protect()
        elif not keeps:
            for data in self._feeds:
                self._close(data)

    @property
    def settled(self) -> bool:
        """Whether there is nothing more to do, or nothing more can be done."""
        if self._waits_for_open or any(self._held_ns(order) < self._begun_ns + self._wait_ns for order in self._bound()):
            return False
        return self._as_asked() or ((self._is_hopeless or bool(self._bound())) and self._is_done())

    def release(self) -> None:
        """Give the strategy its broker back."""
        self._strategy.broker = self._broker

    def left(self) -> Left:
        """How it stands now."""
        positions = {data._name: size for data in self._feeds if (size := self._size(data))}
        reasons = [f"{data._name}: {reason}" for data, order in self._sent.items()
                   if self._size(data) and (reason := str(order.info.get("reason") or ""))]
        if not getattr(self._broker, "begun", True):
            reasons.insert(0, "the account could not be read")
        reasons += self._to_come()
        if self._is_hopeless and positions:
            reasons.insert(0, f"the market is closed, and opens at {shown_moment(self._market.opens_ns)}")
        return Left(self._as_asked(), positions, [shown_order(order) for order in self._open()], self._unprotected(), reasons)

    # -- how it stands --------------------------------------------------------------------------------

    def _as_asked(self) -> bool:
        if not getattr(self._broker, "begun", True):
            return False
        if self._is_at_open:
            return not self._in_the_way() and all(map(self._is_closing_all, self._feeds))
        if self._protects and self._policy == "keep":
            return not self._in_the_way() and not self._bound() and not self._unprotected()
        return not self._open() and not any(map(self._size, self._feeds))

    def _is_done(self) -> bool:
        """Whether all is done that can be, with orders that cannot be taken back or in a market that does not open."""
        return not self._in_the_way() and not self._unprotected() and (bool(self._protects) or not any(map(self._to_close, self._feeds)))

    def _unprotected(self) -> list[str]:
        return [data._name for data in self._strategy.unprotected()] if self._is_ours and self._protects else []

    def _is_closing_all(self, data: Any) -> bool:
        """Whether the open orders of a symbol leave nothing of it."""
        orders = self._open(data)
        return abs(self._then(data, orders)) < DUST and all(order.status in (Order.Accepted, Order.Partial) for order in orders)

    def _size(self, data: Any) -> float:
        return float(self._broker.getposition(data).size)

    def _open(self, data: Any = None) -> list[Order]:
        """The run's orders that have not ended, of one symbol or all: those it sent, and those of an earlier run of it."""
        if hasattr(self._broker, "get_orders_open"):
            orders = self._broker.get_orders_open()
        else:
            orders = list(self._heard.values())
        own = set(self._strategy.datas)  # feeds have an equality of their own kind: `in` their list would call it
        return [order for order in orders if order.alive() and order.data in own and (data is None or order.data._name == data._name)
                and (order.owner is self._strategy or purpose_of(order))]

    def _in_the_way(self) -> list[Order]:
        return [order for order in self._open() if not self._held_ns(order) and not self._may_stand(order)]

    def _may_stand(self, order: Order) -> bool:
        size = self._size(order.data)
        reduces = order.executed.remsize * size < 0
        if self._protects:
            rests = order.exectype not in (Order.Market, Order.Close)
            return reduces and (is_protective(order) or (rests and not self._is_ours))
        return purpose_of(order) == CLOSING and abs(order.executed.remsize + self._to_close(order.data)) < DUST

    # -- orders that cannot be taken back ---------------------------------------------------------------

    def _held_ns(self, order: Order) -> int:
        """When the auction is, UTC ns, in which an order is executed whatever is asked for; 0 where there is none."""
        return self._market.auction_ns(auction_of(order)) or 0

    def _bound(self, data: Any = None) -> list[Order]:
        return [order for order in self._open(data) if self._held_ns(order)]

    def _then(self, data: Any, orders: Iterable[Order]) -> float:
        """Signed shares that are held once orders are executed."""
        return self._size(data) + sum(float(order.executed.remsize) for order in orders)

    def _to_close(self, data: Any) -> float:
        """Signed shares that bound orders do not sell or cover."""
        size = self._size(data)
        left = self._then(data, [order for order in self._bound(data) if order.executed.remsize * size < 0])
        return left if left * size > DUST else 0.0

    def _to_come(self) -> list[str]:
        """What auctions will do after the end."""
        told = []
        for data in self._feeds:
            if bound := self._bound(data):
                name, then = AUCTION[auction_of(bound[0])], self._then(data, bound)
                told.append(f"{', '.join(map(shown_order, bound))} cannot be taken back any more: executed in the {name} auction at "
                            f"{shown_moment(self._held_ns(bound[0]))}, it leaves {f'{then:g}' if abs(then) > DUST else 'nothing'} of {data._name}")
        return told

    # -- closing --------------------------------------------------------------------------------------

    def _close(self, data: Any) -> None:
        """Close a position, once no order of its symbol is open; again where that came to nothing."""
        size, now = self._to_close(data), self._clock.monotonic()
        if not size or now < self._again.get(data, now) or len(self._open(data)) > len(self._bound(data)):
            return
        act = self._broker.sell if size > 0 else self._broker.buy
        self._again[data] = now + min(FIRST_S * 2 ** self._tries[data], LONGEST_S)
        self._tries[data] += 1
        self._sent[data] = act(self._strategy, data, abs(size), exectype=Order.Market, intent=CLOSING, ending=True)


def _show(data: Any, now_ns: int, price: float) -> None:
    """Give a feed that has shown no bar yet a moment, from which an order takes its name: the day's beginning."""
    data.forward()
    data.datetime[0] = float(int(day_numbers(np.array([now_ns]))[0]))
    for name in ("open", "high", "low", "close"):
        getattr(data, name)[0] = price
