"""Ruled: the part of the simulated broker that lets a venue's rules refuse orders. Imports core and the modules beside it.

The rules themselves, and all that they need, are imported where a run asks for them.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from backtrader import Order

from brokers.matching import Matching
from core.day_numbers import moments_of
from core.errors import UnknownName
from core.spec import RULES


class Ruled(Matching):
    """A broker that rejects what a venue would refuse, with the reason in `order.info["reason"]`.

    Params (beside those of Matching):
        rules: "alpaca" = an order that Alpaca would refuse is rejected, and sizes and prices are rounded as they are
            there (see `brokers.simulated_rules`); None = only cash and bars decide.
        assets: with rules, symbol -> what differs from an asset without restrictions, such as {"shortable": False}.

    Orders are judged as they stood when the strategies had had their turn, before the next bar does anything to them;
    protective orders at once.
    """

    params = (("rules", None), ("assets", None))
    _rules: Any = None
    _now_ns = 0  # UTC ns of the latest bar on which orders waited

    def start(self) -> None:
        super().start()
        if self.p.rules is None:
            return
        if self.p.rules not in RULES:
            raise UnknownName.of("rules", str(self.p.rules), RULES)
        from brokers.simulated_rules import AlpacaRules

        self._rules = AlpacaRules(self, self.p.assets or {})
        if self.p.filler != self._fill_by_rules:
            self._fill_by = self.p.filler or (lambda order, price, ago: abs(order.executed.remsize))
            self.p.filler = self._fill_by_rules

    def stop(self) -> None:
        self._judge()
        super().stop()

    # -- refusing -------------------------------------------------------------------------------------

    def _refusal(self, order: Order) -> str:
        """Why an order cannot even wait to be judged; "" if it can."""
        return self._rules.take(order) if self._rules is not None else ""

    def _judge(self) -> None:
        """Refuse what has to be refused of the orders taken since the last bar."""
        if self._rules is not None:
            self._turn_down(self._rules.judge())

    def _may_protect(self, order: Order) -> bool:
        """Whether a protective order is taken; the open ones of its group may be refused with it."""
        if self._rules is not None:
            self._turn_down(self._rules.protect(order))
        return order.alive()

    def _withdraw(self, order: Order) -> None:
        """Take back an order before it is judged, and those that cannot go without it."""
        for other in self._rules.withdraw(order) if self._rules is not None else ():
            if other is not order:
                self.cancel(other, bracket=True)

    def _turn_down(self, refused: Iterable[tuple[list[Order], str]]) -> None:
        """Reject groups of orders, wherever they are, each for a reason."""
        for orders, reason in refused:
            for order in orders:
                for queue in (self.submitted, self.pending):
                    if order in queue:
                        queue.remove(order)
                order.addinfo(reason=reason)
                order.reject(self)
                self.notify(order)
            self._pchildren.pop(orders[0].ref, None)

    def _reject(self, order: Order, reason: str) -> Order:
        self.orders.append(order)
        self._turn_down([([order], reason)])
        return order

    def _ocoize(self, order: Order, oco: Order | None) -> None:
        order.p.oco = oco
        super()._ocoize(order, oco)

    # -- what ends by itself ----------------------------------------------------------------------------

    def _match_pending(self) -> None:
        if self._rules is None:
            super()._match_pending()
            return
        endings, before, self._now_ns = self._rules.endings, self._now_ns, self._look_at_clock()
        self._expire(endings.before(list(self.pending), self._now_ns, before))
        super()._match_pending()
        self._expire(endings.by(list(self.pending), self._now_ns))

    def _look_at_clock(self) -> int:
        return int(moments_of(np.array([max(data.datetime[0] for data in self.cerebro.datas if len(data))]))[0])

    def _try_order(self, order: Order) -> None:
        super()._try_order(order)
        if self._at_once(order):
            self._expire([order])

    def _try_exec_limit(self, order: Order, popen: float, phigh: float, plow: float, plimit: float) -> None:
        if self._at_once(order):
            phigh = plow = popen
        super()._try_exec_limit(order, popen, phigh, plow, plimit)

    def _at_once(self, order: Order) -> bool:
        """Whether the first trade it could have been filled by is its last."""
        return self._rules is not None and self._rules.endings.at_once(order)

    def _expire(self, orders: Iterable[Order]) -> None:
        """End orders as the venue does, each for its reason."""
        for order in orders:
            if order.alive():  # another one's end may have ended it
                ending = self._rules.endings.take(order)
                self._end(order, Order.Canceled if ending.canceled else Order.Expired, ending.reason)

    # -- reversals ------------------------------------------------------------------------------------

    def _fill_by_rules(self, order: Order, price: float, ago: int) -> float:
        """Shares that may be executed: all or none of a `fok`; of a reversal that may not open the other position, those that close."""
        most = self._fill_by(order, price, ago)
        if self._rules.endings.whole_only(order) and most < abs(order.executed.remsize):
            return 0
        if not self._closes_only(order):
            return most
        held = self.positions[order.data].size
        return min(most, abs(held)) if held * order.size < 0 else 0

    def _adds_exposure(self, order: Order) -> bool:
        return super()._adds_exposure(order) and not self._closes_only(order)

    def _closes_only(self, order: Order) -> bool:
        return self._rules is not None and order.ref in self._rules.closing_only

    def _cash_after(self, order: Order, cash: float, position: Any) -> float:
        """Cash left of `cash` once an order has been executed at the close on which it was decided; moves `position`."""
        if not self._closes_only(order):
            return self._execute(order, cash=cash, position=position)
        whole, order.executed.remsize = order.executed.remsize, -position.size
        left = self._execute(order, cash=cash, position=position)
        order.executed.remsize = whole
        return left

    def _end_reversal(self, order: Order) -> None:
        """Reject what is left of such a reversal once the position is closed."""
        if self._closes_only(order) and order.alive() and self.positions[order.data].size * order.size >= 0:
            self._turn_down([([order], self._rules.closing_only.pop(order.ref))])
