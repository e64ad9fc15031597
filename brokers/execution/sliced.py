"""Sliced: the face of any Backtrader broker that carries out market orders in slices. Imports core and the modules beside it."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader import Order

from brokers.execution.parent import Parent
from brokers.execution.plans import plan_of
from brokers.order_copies import snapshot
from core.errors import UsageError
from core.execution import AT_ONCE, TERMS, Execution

OTHER_TERMS = ("protective", "ending", "auction", "notional", "extended_hours", "tif")  # of orders that are to be carried out as they are
CALENDAR = "XNYS"


class Sliced:
    """A broker that slices: `self.buy(data, size=1000, algo="twap", minutes=30)`, or every market order of a run.

    `cerebro.setbroker(Sliced(broker))`, or in the place of one strategy's broker, where `turn` is to be called whenever the
    account's broker has been heard. The strategy has one order, with all the fills of its slices; each slice is a market order
    of the broker behind. Of an order with several slices:

    - what a slice leaves unfilled goes to the next one, once its end is confirmed;
    - a slice that is refused ends the order with the same status and reason;
    - at the close of its session (for "participation": or after its minutes) it expires, with what is left as its reason;
    - bars without trading are caught up on at the next bar of any feed.

    Everything else, and every other kind of order, goes straight to the broker behind.

    Args:
        broker: carries out the slices, and answers all that is asked of it.
        execution: of every plain market order that names no `algo`: an `Execution`, its text, or None = at once. An order with
            `algo="now"` is never sliced.

    Attributes:
        parents: every sliced order so far, with its slices.

    Raises:
        UnknownName, BadSpec: see `core.execution.Execution`.
    """

    def __init__(self, broker: Any, execution: Execution | str | None = None) -> None:
        self._broker = broker
        self._execution = Execution.read(execution) if isinstance(execution, str) else execution
        self.parents: list[Parent] = []
        self._working: list[Parent] = []
        self._clocks: list[Any] = []
        self.next = broker.next
        self.getposition, self.getcash, self.getvalue = broker.getposition, broker.getcash, broker.getvalue

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_broker"], name)

    @property
    def cerebro(self) -> Any:
        """The engine, which the broker behind must know."""
        return self._broker.cerebro

    @cerebro.setter
    def cerebro(self, cerebro: Any) -> None:
        self._broker.cerebro, self._clocks = cerebro, []

    # -- orders ---------------------------------------------------------------------------------------

    def buy(self, owner: Any, data: Any, size: float, **terms: Any) -> Order:
        """Take a buy order; beside Backtrader's arguments those of `Execution`, by name.

        Raises:
            UnknownName, BadSpec: see `Execution`. UsageError: it is no plain market order, or the bars are shorter than a minute.
        """
        return self._take(bt.BuyOrder, self._broker.buy, owner, data, size, terms)

    def sell(self, owner: Any, data: Any, size: float, **terms: Any) -> Order:
        """Take a sell order; see `buy`."""
        return self._take(bt.SellOrder, self._broker.sell, owner, data, size, terms)

    def _take(self, kind: Any, act: Any, owner: Any, data: Any, size: float, terms: dict[str, Any]) -> Order:
        asked = {name: terms.pop(name) for name in TERMS if name in terms}
        execution = self._execution_of(asked, data, terms)
        if execution is None:
            return act(owner, data, size, **terms)
        own = {name: value for name, value in terms.items() if name not in _BACKTRADERS}
        order = kind(owner=owner, data=data, size=size, exectype=Order.Market, tradeid=terms.get("tradeid", 0))
        now = self._now()
        plan = plan_of(execution, data, abs(order.size), now, _calendar_of(data))
        order.addcomminfo(self._broker.getcommissioninfo(data))
        order.addinfo(**own, execution=str(execution), **({"note": plan.note} if plan.note else {}))
        order.submit(self)
        parent = Parent(order, plan, self._broker, bool(getattr(getattr(self._broker, "p", None), "fractional", False)))
        self.parents.append(parent)
        self._working.append(parent)
        parent.begin(now)
        return order

    def _execution_of(self, asked: dict[str, Any], data: Any, terms: dict[str, Any]) -> Execution | None:
        """How an order is carried out; None = at once, by the broker behind."""
        if asked and not asked.get("algo"):
            raise UsageError(f"an order for {data._name} says {', '.join(asked)} and no algo: name one, such as algo='twap'")
        if asked.get("algo") == AT_ONCE:
            return None
        other = _what_else(terms)
        if asked and other:
            raise UsageError(f"an order for {data._name} with {other} cannot be sliced: leave out algo={asked['algo']!r}, or {other}")
        return Execution(**asked) if asked else None if other else self._execution

    def cancel(self, order: Order, *args: Any, **kwargs: Any) -> Any:
        """Cancel an order: of one in slices the slice at work, and when that has ended the order."""
        parent = self._find(order)
        if parent is None:
            return self._broker.cancel(order, *args, **kwargs)
        if not parent.order.alive():
            return False
        parent.stop(Order.Canceled)
        return True

    def _find(self, order: Order) -> Parent | None:
        return next((parent for parent in self._working if parent.order.ref == order.ref), None)

    # -- its turn -------------------------------------------------------------------------------------

    def get_notification(self) -> Any:
        """What Cerebro hands on. When there is nothing more, the slices have their turn."""
        told = self._broker.get_notification()
        if told is None:
            self.turn(bool(self.cerebro.p.quicknotify))
        return told

    def turn(self, quicknotify: bool = False) -> None:
        """Send the slices that are due and end what is over; once all that the account's broker tells has been heard."""
        if not self._working:
            return
        now = self._now()
        for parent in list(self._working):
            parent.work(now)
            parent.deliver(quicknotify)
        self._working = [parent for parent in self._working if not parent.is_done]

    def _now(self) -> float:
        self._clocks = self._clocks or [data.lines.datetime for data in self.cerebro.datas]
        return max(clock[0] for clock in self._clocks if len(clock))

    # -- answers --------------------------------------------------------------------------------------

    def orderstatus(self, order: Order) -> Any:
        """Backtrader's status of an order."""
        parent = next((parent for parent in self.parents if parent.order.ref == order.ref), None)
        return parent.order.status if parent is not None else self._broker.orderstatus(order)

    def get_orders_open(self, safe: bool = False) -> list[Order]:
        """Orders that have not ended, of those in slices the strategy's own; copies if `safe`."""
        children = {child.ref for parent in self._working for child in parent.children}
        own = [parent.order for parent in self._working if parent.order.alive()]
        return [*(order for order in self._broker.get_orders_open(safe) if order.ref not in children),
                *(snapshot(order) if safe else order for order in own)]


_BACKTRADERS = ("price", "plimit", "exectype", "valid", "tradeid", "oco", "trailamount", "trailpercent", "parent", "transmit")


def _what_else(terms: dict[str, Any]) -> str:
    """What makes an order another than a plain market order; "" for nothing."""
    if terms.get("exectype") not in (None, Order.Market):
        return f"exectype {Order.ExecTypes[terms['exectype']]}"
    for name in ("oco", "parent", *OTHER_TERMS):
        if terms.get(name):
            return name
    return "" if terms.get("transmit", True) else "transmit=False"


def _calendar_of(data: Any) -> str:
    bars = getattr(data, "bars", None)
    return bars.calendar if bars is not None else CALENDAR
