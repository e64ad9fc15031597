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
- splits and dividends are booked (see `brokers.corporate`);
- every refusal has a reason, in `order.info["reason"]`.
"""

import collections
import math
from array import array
from typing import Any

import backtrader as bt
from backtrader import Order

from brokers.commission import StockCommission
from brokers.corporate import CorporateActions, split_order, split_trade
from core.costs import Commission, Slippage

_LIMITED = (Order.Limit, Order.StopLimit, Order.StopTrailLimit)
_STOPS = (Order.Stop, Order.StopTrail, Order.StopLimit, Order.StopTrailLimit)
AT_OPEN, WITHIN_BAR, AT_CLOSE = range(3)


class SimulatedBroker(bt.brokers.BackBroker):
    """The simulated exchange and account.

    Params (beside those of BackBroker):
        costs: `core.costs.Commission` of every asset that has no commission scheme of its own.
        slippage: `core.costs.Slippage` of market and stop orders.
        fractional: sizes may be fractions of a share.
        max_volume: largest part of a bar's volume one order may fill; None = no cap.

    Attributes:
        orders: every order submitted, as it stands.
        fills: an (order, execution bit) pair per execution, in order.
        corporate: bookings and receivables of corporate actions.
    """

    params = (("costs", Commission()), ("slippage", Slippage()), ("fractional", False), ("max_volume", None),
              ("slip_out", True), ("slip_open", True))

    def start(self) -> None:
        if self.comminfo.get(None) is self.p.commission:  # nobody has set another scheme
            self.p.commission = StockCommission(costs=self.p.costs, fractional=self.p.fractional)
            self.comminfo[None] = self.p.commission
        slippage = self.p.slippage
        if slippage.rate or slippage.fixed:
            self.p.slip_perc, self.p.slip_fixed = slippage.rate, slippage.fixed
        if self.p.max_volume is not None:
            self.p.filler = self._fill_by_volume
        super().start()
        self._values, self._cashes = array("d"), array("d")
        self.fills: list[tuple[Order, Any]] = []
        self.corporate = CorporateActions(self.cerebro.datas, self.p.fractional, self._move_cash)
        self._held: dict[Any, Any] = {}
        self._tried: dict[int, float] = {}
        self._entered: dict[Any, tuple[float, int]] = {}
        self._phase = WITHIN_BAR
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

    # -- one bar --------------------------------------------------------------------------------------

    def next(self) -> None:
        while self._toactivate:
            self._toactivate.popleft().activate()
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

    def submit(self, order: Order, check: bool = True) -> Order:
        if not getattr(order.data, "tradable", True):
            return self._reject(order, f"{order.data._name} is a reference symbol: it is never traded")
        return self._protect(order) if order.info.get("protective") else super().submit(order, check)

    def _protect(self, order: Order) -> Order:
        """Take an order that protects a position: no cash is needed, and it works on the entry bar already."""
        self._pchildren[order.ref].append(order)
        self.orders.append(order)
        self.submit_accept(order)
        if self._try_after_entry(order):
            self._values[-1], self._cashes[-1] = self._get_value(), self.cash
        return order

    def _reject(self, order: Order, reason: str) -> Order:
        order.addinfo(reason=reason)
        self.orders.append(order)
        order.reject(self)
        self.notify(order)
        return order

    def cancel(self, order: Order, bracket: bool = False) -> bool:
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
            left = self._execute(order, cash=cash, position=trial)
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

    def _adds_exposure(self, order: Order) -> bool:
        held = self.positions[order.data].size
        return held == 0 or (held > 0) == order.isbuy() or abs(order.executed.remsize) > abs(held)

    # -- matching -------------------------------------------------------------------------------------

    def _match_pending(self) -> None:
        waiting = [order for order in self.pending if order.active() and self._advanced(order)]
        expired = [order for order in waiting if order.expire()]
        for order in expired:
            self.pending.remove(order)
            self.notify(order)
            self._ococheck(order)
            self._bracketize(order, cancel=True)
        waiting = [order for order in waiting if order.alive()]
        turns = [(self._turn(order), at, order) for at, order in enumerate(waiting)]
        for turn, _, order in sorted(turns, key=lambda entry: entry[:2]):
            if order.alive():  # an earlier fill may have cancelled it
                self._phase = AT_OPEN if turn < 3 else AT_CLOSE if turn == 4 else WITHIN_BAR
                self._try_order(order)
        self._phase = WITHIN_BAR
        if len(self.pending) > 1:
            self.pending = collections.deque(sorted(self.pending, key=lambda order: order.ref))

    def _try_order(self, order: Order) -> None:
        self._tried[order.ref] = order.data.datetime[0]
        self.pending.remove(order)  # a fill cancels what is pending in its own group
        self._try_exec(order)
        if order.alive():
            self.pending.append(order)
            return
        del self._tried[order.ref]
        if order.status == Order.Completed:
            children = len(self._pchildren.get(order.ref, ())) > 1
            self._bracketize(order)
            while children and self._toactivate:
                child = self._toactivate.popleft()
                child.activate()
                self._try_after_entry(child)

    def _try_after_entry(self, order: Order) -> bool:
        """Try an order that came into being with an entry on the rest of the entry's own bar.

        After an entry at the open the whole bar is left. After one within the bar, whether the high or the low
        came first is unknown: a stop is assumed hit, a limit is not. After one at the close nothing is left.
        """
        when, phase = self._entered.get(order.data, (-math.inf, AT_CLOSE))
        today = when == order.data.datetime[0]
        if not (order.alive() and today) or phase == AT_CLOSE:
            return False
        if phase == WITHIN_BAR and order.exectype not in _STOPS:
            return False
        self._try_order(order)
        return not order.alive()

    def _advanced(self, order: Order) -> bool:
        now = order.data.datetime[0]
        coc = self.p.coc and order.exectype == Order.Market and order.info.get("coc", True)
        return bool(coc or self.p.coo or now > self._tried.get(order.ref, order.created.dt))

    def _turn(self, order: Order) -> int:
        """When in the bar the order is tried: 0 to 2 at the open, 3 within the bar, 4 at the close."""
        kind, price = order.exectype, order.created.price
        opening = order.data.open[0]
        if kind == Order.Close:
            return 4
        if _is_running_stop(order):
            return 1
        if kind in _STOPS and not order.triggered:
            gap = opening >= price if order.isbuy() else opening <= price
            return 0 if gap else 3
        if kind in _LIMITED:
            limit = price if kind == Order.Limit else order.created.pricelimit
            if not (opening <= limit if order.isbuy() else opening >= limit):
                return 3
        return 2 if self._adds_exposure(order) else 1

    def _try_exec(self, order: Order) -> None:
        data = order.data
        if order.info.get("auction") == "open" and not self._auction_due(order, "open"):
            return
        if math.isnan(data.open[0]):
            self._phase = AT_CLOSE
            self._try_exec_at_close(order, data.close[0])
        elif _is_running_stop(order):
            self._try_exec_market(order, data.open[0], data.high[0], data.low[0])
        else:
            super()._try_exec(order)

    def _try_exec_at_close(self, order: Order, close: float) -> None:
        kind, created = order.exectype, order.created
        if kind == Order.Market or _is_running_stop(order):
            self._try_exec_market(order, close, close, close)
        elif kind == Order.Close:
            self._try_exec_close(order, close)
        elif kind == Order.Limit:
            self._try_exec_limit(order, close, close, close, created.price)
        elif kind in _LIMITED and order.triggered:
            self._try_exec_limit(order, close, close, close, created.pricelimit)
        elif kind in (Order.Stop, Order.StopTrail):
            self._try_exec_stop(order, close, close, close, created.price, close)
        else:
            self._try_exec_stoplimit(order, close, close, close, close, created.price, created.pricelimit)

    def _try_exec_close(self, order: Order, pclose: float) -> None:
        auction = getattr(order.data, "auction", lambda kind: None)("close")
        if auction is None:
            super()._try_exec_close(order, pclose)
        elif self._auction_due(order, "close"):
            slip = self._slip_up if order.isbuy() else self._slip_down
            self._execute(order, ago=0, price=slip(pclose, pclose))

    def _auction_due(self, order: Order, kind: str) -> bool:
        auction = getattr(order.data, "auction", lambda kind: None)(kind)
        if auction is None:
            return True
        due, cutoff = auction
        return due and order.created.dt <= cutoff

    # -- execution ------------------------------------------------------------------------------------

    def _execute(self, order: Order, ago: int | None = None, price: float | None = None, cash: Any = None,
                 position: Any = None, dtcoc: Any = None) -> Any:
        if ago is None:
            return super()._execute(order, ago, price, cash, position, dtcoc)
        if price is None:
            return None
        if order.exectype in _LIMITED:
            limit = order.created.price if order.exectype == Order.Limit else order.created.pricelimit
            price = min(price, limit) if order.isbuy() else max(price, limit)
        bits, cash_before = len(order.executed.exbits), self.cash
        super()._execute(order, ago, price, cash, position, dtcoc)
        if len(order.executed.exbits) > bits:
            self._note_fill(order)
        if order.status == Order.Margin:
            cost = abs(order.executed.remsize) * price
            order.addinfo(reason=f"needs {cost:,.2f} at {price:,.4g}, {cash_before:,.2f} is at hand")
        return None

    def _note_fill(self, order: Order) -> None:
        data, bit = order.data, order.executed.exbits[-1]
        self.fills.append((order, bit))
        position = self.positions[data]
        if position.size:
            self._held[data] = position
        else:
            self._held.pop(data, None)
        if bit.opened:
            self._entered[data] = (data.datetime[0], self._phase)

    def _slip_up(self, pmax: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        return self._slipped(price, +1, doslip) if self.p.slip_out else super()._slip_up(pmax, price, doslip, lim)

    def _slip_down(self, pmin: float, price: float, doslip: bool = True, lim: bool = False) -> Any:
        return self._slipped(price, -1, doslip) if self.p.slip_out else super()._slip_down(pmin, price, doslip, lim)

    def _slipped(self, price: float, side: int, doslip: bool) -> float:
        if not doslip or not (self.p.slip_perc or self.p.slip_fixed):
            return price
        if self.p.slip_perc:
            return price * (1 + side * self.p.slip_perc)
        return max(price + side * self.p.slip_fixed, 0.0)

    def _fill_by_volume(self, order: Order, price: float, ago: int) -> float:
        remaining, volume = abs(order.executed.remsize), order.data.volume[ago]
        if math.isnan(volume):
            return remaining
        most = volume * self.p.max_volume
        return min(remaining, most if self.p.fractional else math.floor(most))

    # -- corporate actions ----------------------------------------------------------------------------

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
            self.corporate.split_position(data, position, ratio, data.close[-1])
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

    def _move_cash(self, amount: float) -> None:
        self.cash += amount


def _is_running_stop(order: Order) -> bool:
    """Whether a stop has been triggered and partly filled: what is left of it is a market order."""
    return order.exectype in (Order.Stop, Order.StopTrail) and order.executed.size != 0
