"""How the simulated broker matches orders with a bar: which orders, in which turn, at which price.

Imports core only. What differs from Backtrader's own matching is listed in `brokers.simulated`.
"""

import collections
import math
from typing import Any

import backtrader as bt
from backtrader import Order

LIMITED = (Order.Limit, Order.StopLimit, Order.StopTrailLimit)
_STOPS = (Order.Stop, Order.StopTrail, Order.StopLimit, Order.StopTrailLimit)
TOO_LATE = {"open": "too late for the opening auction: it takes orders until two minutes before the open (09:28 New York time)",
            "close": "too late for the closing auction: it takes orders until ten minutes before the close (15:50 New York time)"}
AT_OPEN, WITHIN_BAR, AT_CLOSE = range(3)


class Matching(bt.brokers.BackBroker):
    """Backtrader's broker with a matching of its own.

    Params (beside those of BackBroker):
        fractional: sizes may be fractions of a share.
        max_volume: largest part of a bar's volume one order may fill; None = no cap.
    """

    params = (("fractional", False), ("max_volume", None), ("slip_out", True), ("slip_open", True))

    def start(self) -> None:
        if self.p.max_volume is not None:
            self.p.filler = self._fill_by_volume
        super().start()
        self._tried: dict[int, float] = {}  # order -> bar it was last tried on
        self._entered: dict[Any, tuple[float, int]] = {}  # feed -> bar and phase of its latest entry
        self._phase = WITHIN_BAR
        self._auctions: dict[int, Any] = {}  # order -> the auction it is for

    def submit(self, order: Order, check: bool = True) -> Order:
        kind, find = _auction_kind(order), getattr(order.data, "next_auction", None)
        auction = find(kind, _placed(order)) if kind and find is not None else None
        if auction is not None:
            self._auctions[order.ref] = auction
        return super().submit(order, check)

    def _adds_exposure(self, order: Order) -> bool:
        held = self.positions[order.data].size
        return held == 0 or (held > 0) == order.isbuy() or abs(order.executed.remsize) > abs(held)

    def _match_pending(self) -> None:
        if self._auctions:
            self._end_auctions(late=True)
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
        if self._auctions:
            self._end_auctions(late=False)
        if len(self.pending) > 1:
            self.pending = collections.deque(sorted(self.pending, key=lambda order: order.ref))

    def _end_auctions(self, late: bool) -> None:
        """Refuse the orders that came too late for their auction, or end those whose auction is over and has not filled them."""
        now = max(data.datetime[0] for data in self.cerebro.datas if len(data))
        for order in [order for order in self.pending if order.ref in self._auctions]:
            auction = self._auctions[order.ref]
            if not order.alive():  # another one's end has ended it
                continue
            if late and auction.is_late:
                self._end(order, Order.Rejected, TOO_LATE[auction.kind])
            elif not late and auction.over <= now:
                if auction.kind == "close" and order.exectype == Order.Close and order.data.trades_in(auction):
                    self._fill_at_last(order, now)
                if order.alive():
                    self._end(order, Order.Expired, f"not filled by the {'opening' if auction.kind == 'open' else 'closing'} auction")
        self._auctions = {order.ref: self._auctions[order.ref] for order in [*self.submitted, *self.pending] if order.ref in self._auctions}

    def _fill_at_last(self, order: Order, now: float) -> None:
        """Fill an order for the closing auction at the session's last price: its symbol did not trade after the order."""
        slip, close = self._slip_up if order.isbuy() else self._slip_down, order.data.close[0]
        self._phase = AT_CLOSE
        self.pending.remove(order)
        self._execute(order, ago=0, price=slip(close, close), dtcoc=now)
        self._phase = WITHIN_BAR
        if order.alive():
            self.pending.append(order)

    def _end(self, order: Order, status: int, reason: str) -> None:
        """End a pending order for a reason, and with it what cannot go without it."""
        self.pending.remove(order)
        self._tried.pop(order.ref, None)
        order.addinfo(reason=reason)
        order.executed.dt, order.status = order.data.datetime[0], status
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

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
        if _auction_kind(order) == "close":
            return 4
        if _is_running_stop(order):
            return 1
        if kind in _STOPS and not order.triggered:
            gap = opening >= price if order.isbuy() else opening <= price
            return 0 if gap else 3
        if kind in LIMITED:
            limit = price if kind == Order.Limit else order.created.pricelimit
            if not (opening <= limit if order.isbuy() else opening >= limit):
                return 3
        return 2 if self._adds_exposure(order) else 1

    def _try_exec(self, order: Order) -> None:
        data, auction = order.data, self._auctions.get(order.ref)
        if auction is not None and not data.prints(auction):
            return
        if math.isnan(data.open[0]) or (auction is not None and auction.kind == "close"):
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
        elif kind in LIMITED and order.triggered:
            self._try_exec_limit(order, close, close, close, created.pricelimit)
        elif kind in (Order.Stop, Order.StopTrail):
            self._try_exec_stop(order, close, close, close, created.price, close)
        else:
            self._try_exec_stoplimit(order, close, close, close, close, created.price, created.pricelimit)

    def _try_exec_close(self, order: Order, pclose: float) -> None:
        if order.ref not in self._auctions:
            super()._try_exec_close(order, pclose)
        else:
            slip = self._slip_up if order.isbuy() else self._slip_down
            self._execute(order, ago=0, price=slip(pclose, pclose))

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


def _auction_kind(order: Order) -> str:
    """The auction an order is for, "open" or "close"; "" for none."""
    tif = order.info.get("tif")
    if tif is None and order.exectype == Order.Close:
        return "close"
    return "open" if tif is None and order.info.get("auction") == "open" else {"opg": "open", "cls": "close"}.get(tif, "")


def _placed(order: Order) -> float:
    """The moment at which an order was made, a day number; its feed's bar may be an older one."""
    owner = order.owner
    return max(order.created.dt, owner.datetime[0] if owner is not None and len(owner) else order.created.dt)


def _is_running_stop(order: Order) -> bool:
    """Whether a stop has been triggered and partly filled: what is left of it is a market order."""
    return order.exectype in (Order.Stop, Order.StopTrail) and order.executed.size != 0
