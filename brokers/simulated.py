"""SimulatedBroker: Backtrader's BackBroker, faster where it is slow and right where it is wrong.

What differs from BackBroker on purpose (each has a test that shows the fault):

- no order matches unless its feed has advanced since the order was created or last tried;
- what a volume cap leaves of a triggered stop is a market order, it need not be triggered again;
- at the open: triggered stops first, then sales and covers, then buys; the submission check too takes what
  frees cash first, and an order it refuses costs the orders after it nothing;
- the children of a bracket, and protective orders, are active on the entry bar, after the entry;
- protective orders never count as cash in the submission check;
- slippage always costs, also outside the bar's range, but never beyond an order's limit;
- a bar without an open (a close-only series) fills at its close;
- orders for an auction ("session_open", Order.Close) obey its cut-off;
- splits and dividends are booked (see `brokers.corporate`), and what holding costs (see `brokers.carrying`);
- every refusal has a reason, in `order.info["reason"]`; a venue's rules may refuse, too (see `brokers.ruled`).
"""

from array import array
from decimal import Decimal
from typing import Any

import numpy as np
from backtrader import Order

from brokers.commission import StockCommission
from brokers.corporate import CorporateActions, split_order, split_trade
from brokers.hooks import Executed, Hooks, Moved
from brokers.matching import LIMITED
from brokers.order_copies import snapshot, unheard, with_own_params
from brokers.ruled import Ruled
from core.costs import Commission, Slippage
from core.day_numbers import moments_of

DUST = 1e-9  # part of an order that rounding may leave of it


class SimulatedBroker(Hooks, Ruled):
    """The simulated exchange and account.

    Params (beside those of BackBroker):
        costs: `core.costs.Commission` of every asset that has no commission scheme of its own.
        slippage: `core.costs.Slippage` of market and stop orders.
        fractional, max_volume: see `brokers.matching.Matching`.
        rules, assets: see `brokers.ruled.Ruled`.
        carrying: `brokers.carrying.CarryingCosts`, what holding costs from session to session; None = nothing.
        barriers: `brokers.barriers.Barrier`s, which refuse orders that open something.

    Attributes:
        orders: every order submitted, as it stands.
        corporate: bookings and receivables of corporate actions.
    """

    params = (("costs", Commission()), ("slippage", Slippage()), ("carrying", None), ("barriers", ()))

    def start(self) -> None:
        if self.comminfo.get(None) is self.p.commission:  # nobody has set another scheme
            self.p.commission = StockCommission(costs=self.p.costs, fractional=self.p.fractional)
            self.comminfo[None] = self.p.commission
        slippage = self.p.slippage
        if slippage.rate or slippage.fixed:
            self.p.slip_perc, self.p.slip_fixed = slippage.rate, slippage.fixed
        super().start()
        self._values, self._cashes = array("d"), array("d")
        self._filled: list[Order] = []  # an entry for each execution, in order
        self.corporate = CorporateActions(self.cerebro.datas, self.p.fractional, self._move_cash)
        self._held: dict[Any, Any] = {}
        schemes = set(map(type, self.comminfo.values()))
        self._stocks_only = schemes <= {StockCommission} and self.p.shortcash and not self._fundhist

    def set_slippage_perc(self, perc: float, slip_open: bool = True, slip_limit: bool = True,
                          slip_match: bool = True, slip_out: bool = True) -> None:
        super().set_slippage_perc(perc, slip_open, slip_limit, slip_match, slip_out)

    def set_slippage_fixed(self, fixed: float, slip_open: bool = True, slip_limit: bool = True,
                           slip_match: bool = True, slip_out: bool = True) -> None:
        super().set_slippage_fixed(fixed, slip_open, slip_limit, slip_match, slip_out)

    @property
    def account(self) -> list[tuple[float, float]]:
        """A (value, cash) pair for each bar so far."""
        return list(zip(self._values, self._cashes, strict=True))

    @property
    def fills(self) -> list[tuple[Order, Any]]:
        """An (order, execution bit) pair for each execution so far, in order."""
        bits = {order.ref: iter(order.executed.exbits) for order in self._filled}
        return [(order, next(bits[order.ref])) for order in self._filled]

    # -- one bar --------------------------------------------------------------------------------------

    def next(self) -> None:
        while self._toactivate:
            self._toactivate.popleft().activate()
        self._judge()
        if self.p.carrying:
            self._book_carry()
        self._book_corporate_actions()
        if self.submitted:
            self.check_submitted()
        if not self._stocks_only:
            self._charge_interest()
        if self._userhist:
            self._process_order_history()
        if self.pending:
            self._match_pending()
        if not self._stocks_only:
            self._settle_futures()
        self._get_value()
        self._values.append(self._value)
        self._cashes.append(self.cash)

    def _charge_interest(self) -> None:
        for data, position in self._held.items():
            now = data.datetime.datetime()
            charge = self.getcommissioninfo(data).get_credit_interest(data, position, now)
            self.d_credit[data] += charge
            position.datetime = now
            self.cash -= charge

    def _settle_futures(self) -> None:
        for data, position in self._held.items():
            close = data.close[0]
            self.cash += self.getcommissioninfo(data).cashadjust(position.size, position.adjbase, close)
            position.adjbase = close

    def _get_value(self, datas: Any = None, lever: bool = False) -> float:
        if datas or not self._stocks_only:
            value = super()._get_value(datas, lever)
            if not datas and self.corporate.receivables:
                self._value += self.corporate.owed
                return self._value
            return value
        while self._cash_addition:
            added = self._cash_addition.popleft()
            self._fundshares += added / self._fundval
            self.cash += added
        worth = 0.0
        for data, position in self._held.items():
            worth += position.size * data.lines.close[0]
        self._valuemkt = self._valuemktlever = worth
        owed = self.corporate.owed if self.corporate.receivables else 0.0
        self._value = self._valuelever = self.cash + worth + owed
        self._fundval = self._value / self._fundshares
        self._leverage = 1.0
        return self._value

    # -- submission -----------------------------------------------------------------------------------

    def notify(self, order: Order) -> None:
        if order.status > Order.Accepted or not unheard(order):
            self.notifs.append(snapshot(order))

    def submit(self, order: Order, check: bool = True) -> Order:
        if unheard(order):
            with_own_params(order)
        if not getattr(order.data, "tradable", True):
            return self._reject(order, f"{order.data._name} is a reference symbol: it is never traded")
        if order.info.get("protective"):
            return self._protect(order)
        refusal = (self.refuse(order) if self.refuse else "") or self._barred(order) or self._refusal(order)
        return self._reject(order, refusal) if refusal else super().submit(order, check)

    def _barred(self, order: Order) -> str:
        if not self.p.barriers:
            return ""
        now, held = max(data.datetime[0] for data in self.cerebro.datas if len(data)), self.positions[order.data].size
        return next((why for each in self.p.barriers if (why := each.refusal(order, held, now))), "")

    def _protect(self, order: Order) -> Order:
        """Take an order that protects a position: no cash is needed, and it works on the entry bar already."""
        self._pchildren[order.ref].append(order)
        self.orders.append(order)
        if not self._may_protect(order):
            return order
        self.submit_accept(order)
        if self._try_after_entry(order):
            self._values[-1], self._cashes[-1] = self._get_value(), self.cash
        return order

    def cancel(self, order: Order, bracket: bool = False) -> bool:
        self._withdraw(order)
        if order in self.submitted:  # not seen by the submission check yet
            self.submitted.remove(order)
            self.pending.append(order)
        return super().cancel(order, bracket)

    def check_submitted(self) -> None:
        """Accept what the cash at the signal's close can pay for, taking what frees cash first."""
        orders = sorted(self.submitted, key=self._adds_exposure)
        self.submitted.clear()
        cash, positions = self.cash, {}
        for order in orders:
            if self._take_children(order) is None:
                continue
            if order.parent is not None:
                self.submit_accept(order)
                continue
            trial = positions.get(order.data, self.positions[order.data]).clone()
            left = self._cash_after(order, cash, trial)
            if left >= 0.0 or not self._adds_exposure(order):
                cash, positions[order.data] = left, trial
                self.submit_accept(order)
            else:
                self._refuse(order, f"needs {cash - left:,.2f} at the last close, {cash:,.2f} is at hand")

    def _refuse(self, order: Order, reason: str) -> None:
        order.addinfo(reason=reason)
        order.margin()
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    # -- execution ------------------------------------------------------------------------------------

    def _execute(self, order: Order, ago: int | None = None, price: float | None = None, cash: Any = None,
                 position: Any = None, dtcoc: Any = None) -> Any:
        if ago is None:
            return super()._execute(order, ago, price, cash, position, dtcoc)
        if price is None:
            return None
        if order.exectype in LIMITED:
            limit = order.created.price if order.exectype == Order.Limit else order.created.pricelimit
            price = min(price, limit) if order.isbuy() else max(price, limit)
        bits, cash_before = len(order.executed.exbits), self.cash
        super()._execute(order, ago, price, cash, position, dtcoc)
        self._end_reversal(order)
        if len(order.executed.exbits) > bits:
            self._without_dust(order)
            self._note_fill(order)
        if order.status == Order.Margin:
            cost = abs(order.executed.remsize) * price
            order.addinfo(reason=f"needs {cost:,.2f} at {price:,.4g}, {cash_before:,.2f} is at hand")
        return None

    def _without_dust(self, order: Order) -> None:
        """Complete an order of which only the rounding of its parts is left: what closed a position and what opened one."""
        if order.status == Order.Partial and abs(order.executed.remsize) <= DUST * abs(order.created.size):
            order.executed.remsize = 0.0
            order.completed()
            self.notify(order)

    def _note_fill(self, order: Order) -> None:
        data, bit = order.data, order.executed.exbits[-1]
        self._filled.append(order)
        if self.executed:
            self.executed(Executed(order, data._name, bit.size, bit.price, bit.closedcomm + bit.openedcomm, _moment(data)))
        position = self.positions[data]
        if position.size:
            self._held[data] = position
        else:
            self._held.pop(data, None)
        if bit.opened:
            self._entered[data] = (data.datetime[0], self._phase)

    # -- carry and corporate actions -------------------------------------------------------------------

    def _book_carry(self) -> None:
        for charge in self.p.carrying.charges(self.cerebro.datas, self._held, self.cash):
            self.corporate.book(*charge)

    def _book_corporate_actions(self) -> None:
        corporate = self.corporate
        for data, action in corporate.due():
            position = self.positions[data]
            if action.split != 1.0:
                self._split(data, position, action.split)
            corporate.entitle(data, position.size, action)
        if corporate.receivables:
            corporate.pay()

    def _split(self, data: Any, position: Any, ratio: float) -> None:
        if position.size:
            before = position.size
            self.corporate.split_position(data, position, ratio, data.close[-1])
            self._tell_moved(data, before=_exact(before), after=_exact(position.size), is_split=True)
            if not position.size:
                self._held.pop(data, None)
        for strategy in self.cerebro.runningstrats:
            for trades in strategy._trades[data].values():
                if trades and trades[-1].isopen:
                    split_trade(trades[-1], ratio, self.p.fractional)
        for order in [*self.submitted, *self.pending]:
            if order.data is data:
                split_order(order, ratio, self.p.fractional)
                if not order.executed.remsize:
                    order.addinfo(reason=f"nothing is left of it after the split {ratio:g}:1")
                    self.cancel(order)

    def _move_cash(self, data: Any, amount: float) -> None:
        self.cash += amount
        self._tell_moved(data, cash=_exact(amount))

    def _tell_moved(self, data: Any, **what: Any) -> None:
        if self.moved:
            self.moved(Moved("" if data is None else data._name, data, **what))


def _moment(data: Any) -> int:
    """UTC nanoseconds of the bar a feed shows."""
    return int(moments_of(np.array([data.datetime[0]]))[0])


def _exact(number: float) -> Decimal:
    return Decimal(repr(float(number)))
