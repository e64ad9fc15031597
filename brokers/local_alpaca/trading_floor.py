"""The trading floor: orders are routed, matched, filled and brought to an end. Only accepted orders get here.

Statuses and events follow the pages "Orders at Alpaca" (Order Lifecycle) and "Websocket Streaming" (trade updates).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.local_alpaca.faults import OrderFault
from brokers.local_alpaca.market import TICK, Print
from brokers.local_alpaca.matching import range_fill, trade_fill
from brokers.local_alpaca.moments import SECOND, new_york
from brokers.local_alpaca.orders import WORKING, Execution, Order

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

STAMP = {"filled": "filled_at", "canceled": "canceled_at", "expired": "expired_at", "rejected": "failed_at",
         "replaced": "replaced_at"}


class TradingFloor:
    """Executes the orders of one venue."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    # -- prints ---------------------------------------------------------------------------------------

    def play(self, prints: list[Print], regular: bool) -> None:
        """Match open orders with what the market did, in or out of regular hours. Stops come first in a range."""
        for each in prints:
            left = self.venue.liquidity.get(each.symbol)
            if each.low is not None:
                left = self._match(each, left, regular, inside=True)
            self._match(each, left, regular, inside=False)

    def _match(self, each: Print, left: Decimal | None, regular: bool, inside: bool) -> Decimal | None:
        """Match one print with the orders it concerns; what is left of its liquidity (None: there is no limit)."""
        for order in sorted(self.venue.book.open(each.symbol), key=lambda order: "stop" not in order.type):
            if left is not None and left <= 0:
                break
            if self._takes_part(order, each, regular, inside):
                left = self._match_one(order, each, left, inside)
                if not inside:
                    self._end_at_once(order)
        return left

    def _match_one(self, order: Order, each: Print, left: Decimal | None, inside: bool) -> Decimal | None:
        price = (range_fill(order, each.low, each.high, each.price)
                 if inside and each.low is not None and each.high is not None else trade_fill(order, each.price))
        if price is None:
            return left
        wanted = order.remaining(price)
        qty = wanted if left is None else min(left, wanted)
        if order.time_in_force == "fok" and qty < wanted:
            return left
        self.fill(order, self._slipped(order, price), qty)
        return None if left is None else left - qty

    def _slipped(self, order: Order, price: Decimal) -> Decimal:
        """A price, worse by the venue's slippage for orders that take what there is: those without a limit."""
        rate = self.venue.slippage
        return price if not rate or order.limit_price is not None else (price * (1 + order.sign * rate)).quantize(TICK)

    def _takes_part(self, order: Order, each: Print, regular: bool, inside: bool) -> bool:
        if not self.is_working(order) or order.time_in_force == "cls":
            return False
        if inside and (order.live_from > each.since or order.time_in_force in ("opg", "ioc", "fok")):
            return False
        return regular or order.extended_hours

    def is_working(self, order: Order) -> bool:
        """Whether it has been routed and can be filled; a held stop-loss can once its entry is filled."""
        if not order.live_from or (order.parent is not None and not self.is_armed(order)):
            return False
        return order.status in WORKING or (order.status == "held" and order.leg == "stop_loss")

    def is_armed(self, leg: Order) -> bool:
        """Whether a leg's entry is filled, or there is none (OCO)."""
        parent = leg.parent
        return parent is not None and (parent.order_class == "oco" and parent.status in WORKING
                                       or parent.order_class != "oco" and parent.status == "filled")

    def _end_at_once(self, order: Order) -> None:
        if order.is_open and order.time_in_force in ("ioc", "fok"):
            self.finish(order, "canceled")
        elif order.is_open and order.time_in_force == "opg":
            self.finish(order, "expired")

    # -- life -----------------------------------------------------------------------------------------

    def route(self, order: Order) -> None:
        """An accepted order reaches the market: `new`."""
        if order.stuck or order.status not in ("pending_new", "accepted", "done_for_day"):
            return
        for each in (order, *order.legs) if order.order_class == "oco" else (order,):
            each.live_from = self.venue.now
        if order.type == "trailing_stop" and order.mark is None:
            order.mark = self.venue.price_of(order.symbol)
        self.change(order, "partially_filled" if order.filled_qty else "new", "new")
        if (fault := self.venue.faults.strike(OrderFault, order, "reject_after_new")) is not None:
            self.venue.later(fault.seconds, self.finish, order, "rejected")

    def change(self, order: Order, status: str, event: str | None = None) -> None:
        """Give an order a status and tell; the event is called as the status unless named."""
        order.status, order.updated_at = status, self.venue.stamp()
        if status in STAMP:
            order.stamps[STAMP[status]] = order.updated_at
        position = self.venue.account.position(order.symbol)
        self.venue.updates.publish(order, event or status, order.updated_at, position)

    def announce(self, order: Order, status: str) -> None:
        """Tell a status an order has been waiting in, if it still does."""
        if order.status == status:
            self.change(order, status)

    def finish(self, order: Order, status: str) -> None:
        """End an order that is still open, and with it the others of its group."""
        if not order.is_open:
            return
        self.venue.ledger.cancels.append((order.id, status))
        self.change(order, status)
        if status != "replaced":
            self._end_group(order, silent=False)

    def _end_group(self, order: Order, silent: bool) -> None:
        for other in order.group():
            if not other.is_open or (order.leg and not other.leg):
                continue
            self.venue.ledger.cancels.append((other.id, "canceled"))
            if silent:
                other.status, other.updated_at = "canceled", self.venue.stamp()
                other.stamps["canceled_at"] = other.updated_at
            else:
                self.change(other, "canceled")

    def fill(self, order: Order, price: Decimal, qty: Decimal | None = None) -> None:
        """Execute `qty` shares (all that remain, by default) of an open order at `price`."""
        left = order.remaining(price)
        qty = left if qty is None else min(qty, left)
        if not order.is_open or qty <= 0:
            return
        if order.status == "held":
            self._end_group(order, silent=self._silently(order))
            self.change(order, "new")
        asked = order.status in ("pending_cancel", "pending_replace")
        order.status = "filled" if qty == left else order.status if asked else "partially_filled"
        self._execute(order, price, qty, left - qty)
        self._after_fill(order)

    def _execute(self, order: Order, price: Decimal, qty: Decimal, leaves: Decimal) -> None:
        venue = self.venue
        order.filled_qty += qty
        order.filled_cost += qty * price
        order.updated_at = venue.stamp()
        if order.status == "filled":
            order.stamps["filled_at"] = order.updated_at
        done = Execution(venue.new_id(), order.id, order.client_order_id, order.symbol, order.side, qty, price,
                         order.updated_at, leaves, order.filled_qty, order.status)
        venue.ledger.executions.append(done)
        venue.account.book(done)
        venue.updates.publish(order, "fill" if order.status == "filled" else "partial_fill", done.time,
                              venue.account.position(order.symbol), done)

    def _after_fill(self, order: Order) -> None:
        if order.leg and order.status == "filled":
            self._end_group(order, silent=self._silently(order))
        elif order.leg:
            for other in order.group():
                if other.leg and other.is_open:
                    other.qty = other.filled_qty + order.remaining(Decimal(1))
        elif order.status == "filled":
            self._activate(order)

    def _silently(self, order: Order) -> bool:
        return self.venue.faults.strike(OrderFault, order, "silent_sibling") is not None

    def _activate(self, entry: Order) -> None:
        """A filled entry wakes its exits: all are `new` but the stop-loss of a bracket, which stays `held`."""
        for leg in entry.legs:
            if leg.is_open:
                leg.live_from = self.venue.now
                if entry.order_class == "oto" or leg.leg == "take_profit":
                    self.change(leg, "new")

    # -- turning points of a session --------------------------------------------------------------------

    def turn(self, kind: str) -> None:
        """What the session's milestones do to orders: "early", "open", "auction_over", "close" or "night"."""
        for order in self.venue.book.open():
            if kind == "early" and order.extended_hours or kind == "open":
                if order.status in ("accepted", "done_for_day"):
                    self.route(order)
            elif kind == "auction_over" and order.time_in_force == "opg" and order.status in WORKING:
                self.finish(order, "expired")
            elif kind == "close" and order.time_in_force == "cls":
                self._closing_auction(order)
            elif kind == ("night" if order.extended_hours else "close"):
                self._end_of_day(order)

    def _closing_auction(self, order: Order) -> None:
        """The last trade of the session is the closing auction's price; who is not filled by it is through."""
        market, symbol = self.venue.market, order.symbol
        traded_today = self.venue.now - market.last_time.get(symbol, 0) < 12 * 3600 * SECOND
        if order.status in WORKING and traded_today and symbol not in market.halted:
            price = trade_fill(order, market.last[symbol])
            if price is not None:
                self.fill(order, self._slipped(order, price))
        self.finish(order, "expired")

    def _end_of_day(self, order: Order) -> None:
        if order.time_in_force == "gtc":
            if order.expires_at is not None and new_york(order.expires_at).date() <= new_york(self.venue.now).date():
                self.finish(order, "canceled")
            elif self.venue.account.rules.done_for_day and order.status in ("new", "partially_filled"):
                self.change(order, "done_for_day")
        elif order.is_open:
            self.finish(order, "expired")
