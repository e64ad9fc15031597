"""Parent: one order of a strategy and the child orders that carry it out, one at a time. Imports core and the modules beside it."""

from __future__ import annotations

from typing import Any

from backtrader import Order

from brokers.corporate import split_order
from brokers.execution.plans import DECIMALS, Plan
from brokers.order_copies import snapshot, unheard

DUST = 1e-9  # part of an order that rounding may leave of it
BEGUN = (Order.Submitted, Order.Accepted)
REFUSED = (Order.Margin, Order.Rejected)
OWN = ("execution", "note")  # what the info of a parent says beside that of its children


class Slices:
    """Stands where a child's strategy is asked for: hears of the child, and answers as the strategy otherwise."""

    unheard = False

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def __len__(self) -> int:
        return len(self._parent.order.owner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parent.order.owner, name)

    def _addnotification(self, order: Order, quicknotify: bool = False) -> None:
        self._parent.hear(order)
        self._parent.deliver(quicknotify)


class Parent:
    """One order and its slices.

    Args:
        order: Backtrader's, of which the strategy is told; submitted. plan: of its slices. broker: carries out the slices.
        fractional: whether a split may leave a part of a share.

    Attributes:
        children: every slice so far, as it stands.
    """

    def __init__(self, order: Order, plan: Plan, broker: Any, fractional: bool) -> None:
        self.order, self._plan, self._broker, self._fractional = order, plan, broker, fractional
        self.children: list[Order] = []
        # the venue's names of orders are made of that of the strategy's class
        self._owner = type(type(order.owner).__name__, (Slices,), {})(self)
        self._ending: tuple[int, str] | None = None
        self._is_end_told = self._is_begun = False
        self._told: list[Order] = []
        self._seen = order.created.dt

    @property
    def is_done(self) -> bool:
        """Whether it has ended, and its strategy knows."""
        return not self.order.alive() and not self._works and not self._told

    @property
    def _works(self) -> bool:
        return bool(self.children) and self.children[-1].alive()

    @property
    def left(self) -> float:
        """Shares to go, without a sign."""
        return round(abs(self.order.executed.remsize), DECIMALS)

    # -- its slices -----------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Send the first slice; where the plan has none yet, the order is taken and waits."""
        self._send(self._plan.take(now, self.left))
        if not self.children:
            self._announce(Order.Submitted)
            self._announce(Order.Accepted)
        elif self.children[-1].status in REFUSED:
            self._refuse(self.children[-1])

    def work(self, now: float) -> None:
        """Send the slice that is due, or end the order where its time is over."""
        self._restate()
        if self._ending or not self.order.alive():
            return
        if self._plan.is_over(now):
            self.stop(Order.Expired, self._unfinished("its time was over"))
        elif self._plan.is_due(now) and self._is_clear():
            self._send(self._plan.take(now, self.left))

    def _is_clear(self) -> bool:
        """Whether the slice before has ended, or could be withdrawn at once."""
        if self._works:
            self._broker.cancel(self.children[-1])
        return not self._works

    def _send(self, size: float) -> None:
        if not size:
            return
        order = self.order
        side, act = ("buy", self._broker.buy) if order.isbuy() else ("sell", self._broker.sell)
        terms = {name: value for name, value in order.info.items() if name not in OWN}
        terms["intent"] = f"{terms.get('intent') or side}{len(self.children) + 1}"
        shares = int(size) if float(size).is_integer() else size
        self.children.append(act(self._owner, order.data, shares, exectype=Order.Market, tradeid=order.tradeid, slice_of=order.ref, **terms))

    # -- its end --------------------------------------------------------------------------------------

    def stop(self, status: int, reason: str = "") -> None:
        """End it: now, or where a slice is at work that cannot be withdrawn at once, when the venue says so."""
        self._ending = self._ending or (status, reason)
        if not self._works:
            self._end()
            return
        self._broker.cancel(self.children[-1])
        if not self._works:  # its own notice is still to come
            self._mark_end()

    def _end(self) -> None:
        self._mark_end()
        if not self._is_end_told:
            self._is_end_told = True
            self._tell(self.order.status)

    def _unfinished(self, why: str) -> str:
        return f"{why}: {self.left:g} of {abs(self.order.created.size):g} shares were not traded"

    def _mark_end(self) -> None:
        if self._ending and self.order.alive():
            self.order.status, reason = self._ending
            self.order.executed.dt = self.order.data.datetime[0]
            if reason:
                self.order.addinfo(reason=reason)

    def _refuse(self, child: Order) -> None:
        """A refused slice ends the order: what the venue does not take now is not tried again."""
        reason = str(child.info.get("reason") or "")
        which = f"slice {len(self.children)}: " if len(self.children) > 1 else ""
        self._ending = self._ending or (child.status, which + reason if reason else "")
        self._mark_end()

    # -- what it hears --------------------------------------------------------------------------------

    def hear(self, child: Order) -> None:
        """Carry over what has become of a slice (a copy, as strategies are told)."""
        self._restate()
        bits = child.executed.getpending()
        for bit in bits:
            self._book(child, bit)
        if bits:
            self._is_end_told |= not self.order.alive()
            self._tell(self.order.status)
        elif child.status in BEGUN and not self._is_begun:
            self._announce(child.status)
        if child.status in REFUSED:
            self._refuse(child)
        if child.ref == self.children[-1].ref and not child.alive():
            self._after(child)

    def _after(self, child: Order) -> None:
        """The latest slice has ended."""
        if self._ending is None and self.order.alive() and self._plan.is_spent and child.status != Order.Completed:
            self._ending = child.status, self._unfinished(str(child.info.get("reason") or "its last slice has ended"))
        if self._ending is not None:
            self._end()

    def _announce(self, status: int) -> None:
        if self.order.alive():
            self.order.status = max(self.order.status, status)
        self._is_begun = status == Order.Accepted
        if not unheard(self.order):
            self._tell(status)

    def _book(self, child: Order, bit: Any) -> None:
        """An execution of a slice is one of the order."""
        order, was_alive, status = self.order, self.order.alive(), self.order.status
        order.execute(bit.dt, bit.size, bit.price, bit.closed, bit.closedvalue, bit.closedcomm, bit.opened, bit.openedvalue,
                      bit.openedcomm, child.executed.margin, bit.pnl, bit.psize, bit.pprice)
        if abs(order.executed.remsize) <= DUST * abs(order.created.size):
            order.executed.remsize = 0
            order.completed()
        if not was_alive:
            order.status = status

    def _restate(self) -> None:
        """Count in new shares after a split, as the slices do."""
        data = self.order.data
        for action in getattr(data, "actions", ()):
            if self._seen < action.moment <= data.datetime[0] and action.split != 1.0 and self.order.alive():
                split_order(self.order, action.split, self._fractional)
                self._plan.split(action.split)
                if not self.order.executed.remsize:
                    self.stop(Order.Canceled, f"nothing is left of it after the split {action.split:g}:1")
        self._seen = max(self._seen, data.datetime[0])

    # -- what it tells --------------------------------------------------------------------------------

    def _tell(self, status: int) -> None:
        told = snapshot(self.order)
        told.status = status
        self._told.append(told)

    def deliver(self, quicknotify: bool) -> None:
        """Tell the strategy what there is to tell."""
        while self._told:
            told = self._told.pop(0)
            told.owner._addnotification(told, quicknotify=quicknotify)
