"""The order desk: orders are accepted or refused, cancelled and replaced. What the market does to them is elsewhere.

Rests on the reference pages "Create an Order", "Delete Order by ID" and "Replace Order by ID".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brokers.local_alpaca import order_checks as checks
from brokers.local_alpaca.faults import OrderFault
from brokers.local_alpaca.moments import new_york
from brokers.local_alpaca.order_fields import check_fields, number, read_order
from brokers.local_alpaca.order_groups import add_legs
from brokers.local_alpaca.orders import Order
from brokers.local_alpaca.refusals import Refusal, missing, not_unique, unprocessable

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

FIXED = ("accepted", "pending_new", "pending_cancel", "pending_replace")


class OrderDesk:
    """Takes the requests of one account."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    # -- new orders -----------------------------------------------------------------------------------

    def submit(self, body: Mapping[str, Any], outside: bool = False) -> Order:
        """Accept an order: `pending_new`, or `accepted` while it must wait for the market.

        Raises:
            Refusal: nothing was accepted, and the client order id is not spent.
        """
        venue = self.venue
        client_order_id = str(body.get("client_order_id") or venue.new_id())
        order = read_order(dict(body), venue.new_id(), client_order_id, venue.stamp())
        order.outside = outside
        self._check_unique(client_order_id)
        checks.check_permissions(order, venue.account)
        checks.check_asset(order, venue.account, venue.market.bars.symbols)
        checks.check_windows(order, venue.hours, venue.now)
        add_legs(order, dict(body), venue.price_of(order.symbol), venue.new_id, venue.random)
        self._check_account(order, venue.book.open())
        self._keep(order)
        self._send(order)
        return order

    def _check_unique(self, client_order_id: str) -> None:
        if self.venue.book.by_client(client_order_id) is not None:
            raise not_unique()

    def _check_account(self, order: Order, others: list[Order]) -> None:
        account = self.venue.account
        checks.check_wash_trade(order, others, account)
        checks.check_shares(order, others, account)
        checks.check_buying_power(order, others, account)
        day_trades, today = self.day_trades()
        checks.check_day_trades(order, account, day_trades, order.symbol in today)

    def day_trades(self) -> tuple[int, set[str]]:
        """How often a symbol was bought and sold within one of the last five sessions; the symbols traded today."""
        sides: dict[tuple[Any, str], set[str]] = {}
        for done in self.venue.ledger.executions:
            sides.setdefault((new_york(done.time).date(), done.symbol), set()).add(done.side)
        today = new_york(self.venue.now).date()
        first = self.venue.hours.calendar.step(today, -4)
        count = sum(len(both) == 2 for (date, _), both in sides.items() if date >= first.astype(object))
        return count, {symbol for date, symbol in sides if date == today}

    def _keep(self, order: Order) -> None:
        position = self.venue.account.position(order.symbol)
        opens = "open" if position * order.sign >= 0 else "close"
        order.position_intent = f"{order.side}_to_{opens}"
        for each in (order, *order.legs):
            self.venue.book.add(each)
            self.venue.ledger.orders.append(each)

    def _send(self, order: Order) -> None:
        venue = self.venue
        extended = order.extended_hours and venue.hours.is_extended(venue.now)
        waits = not (venue.hours.is_open(venue.now) or extended) or order.time_in_force == "opg"
        order.status = "accepted" if waits else "pending_new"
        if (fault := venue.faults.strike(OrderFault, order, "reject")) is not None:
            venue.later(fault.seconds, venue.floor.finish, order, "rejected")
            return
        order.stuck = venue.faults.strike(OrderFault, order, "stuck") is not None
        if not waits:
            slow = venue.faults.strike(OrderFault, order, "slow_new")
            if slow or order.stuck:
                venue.later(0.0, venue.floor.announce, order, "pending_new")
            venue.later(slow.seconds if slow else 0.0, venue.floor.route, order)

    # -- cancelling -----------------------------------------------------------------------------------

    def find(self, order_id: str) -> Order:
        """An order by its id.

        Raises:
            Refusal: 404.
        """
        order = self.venue.book.get(order_id)
        if order is None:
            raise missing(f"order not found for {order_id}")
        return order

    def cancel(self, order_id: str) -> None:
        """Ask for a cancellation; the outcome comes as an event, and may be a fill.

        `pending_cancel` is told only where the cancellation takes time, as most do not (page "Websocket Streaming").

        Raises:
            Refusal: 404 for an unknown order, 422 for one that cannot be cancelled any more.
        """
        venue, order = self.venue, self.find(order_id)
        if order.status == "pending_cancel":
            raise unprocessable("order pending cancel")
        if not order.is_open or order.status == "pending_replace":
            raise unprocessable(f'order is already in "{order.status}" state')
        if venue.faults.strike(OrderFault, order, "cancel_lost") is not None:
            return
        stuck = venue.faults.strike(OrderFault, order, "cancel_stuck") is not None
        if not stuck:
            checks.check_bound(order, venue.hours, venue.now)
        order.status, order.updated_at = "pending_cancel", venue.stamp()
        if stuck:
            venue.later(0.0, venue.floor.announce, order, "pending_cancel")
            return
        fill = venue.faults.strike(OrderFault, order, "cancel_filled")
        if fill is not None:
            qty = None if fill.qty is None else Decimal(str(fill.qty))
            venue.later(fill.seconds, venue.floor.fill, order, venue.price_of(order.symbol), qty)
        slow = venue.faults.strike(OrderFault, order, "cancel_slow")
        wait = max(slow.seconds if slow else 0.0, fill.seconds if fill else 0.0)
        if wait:
            venue.later(0.0, venue.floor.announce, order, "pending_cancel")
        venue.later(wait, venue.floor.finish, order, "canceled")

    def cancel_all(self) -> dict[Order, int]:
        """Ask for the cancellation of every open order; legs go with their groups. 200 for each, or the status of its refusal."""
        asked = [order for order in self.venue.book.open() if order.parent is None or not order.parent.is_open]
        asked = [order for order in asked if order.status not in ("pending_cancel", "pending_replace", "held")]
        return {order: self._cancelled(order) for order in asked}

    def _cancelled(self, order: Order) -> int:
        try:
            self.cancel(order.id)
        except Refusal as refusal:
            return refusal.status
        return 200

    # -- replacing ------------------------------------------------------------------------------------

    def replace(self, order_id: str, body: Mapping[str, Any]) -> Order:
        """Ask for a replacement; the new order's answer does not say that the old one is gone.

        `qty` is the total wanted, shares already filled included ("qty must be > filled_qty"), and the new order is
        for the rest. Of groups only prices can be replaced, of OTO nothing ("Orders at Alpaca").

        Raises:
            Refusal: 404 for an unknown order, 422 for one that cannot be replaced or values against the rules.
        """
        venue, old = self.venue, self.find(order_id)
        if not old.is_open or old.status in FIXED:
            raise unprocessable(f"cannot replace order in {old.status} status")
        if old.notional is not None:
            raise unprocessable("notional orders cannot be replaced")
        checks.check_bound(old, venue.hours, venue.now)
        client_order_id = str(body.get("client_order_id") or venue.new_id())
        self._check_unique(client_order_id)
        new = self._changed(old, body, client_order_id)
        check_fields(new)
        if not old.leg:
            self._check_account(new, [order for order in venue.book.open() if order.claim != old.claim])
        self._keep(new)
        old_status, old.status = old.status, "pending_replace"
        if venue.faults.strike(OrderFault, old, "replace_filled") is not None:
            venue.later(0.0, venue.floor.fill, old, old.limit_price or venue.price_of(old.symbol))
        venue.later(0.0, self._swap, old, new, old_status)
        return new

    def _changed(self, old: Order, body: Mapping[str, Any], client_order_id: str) -> Order:
        asked = {name for name in ("qty", "time_in_force", "limit_price", "stop_price", "trail") if body.get(name)}
        if not asked:
            raise unprocessable("order parameters are not changed")
        if old.order_class == "oto" or (old.order_class != "simple" and not asked <= {"limit_price", "stop_price"}):
            raise unprocessable(f"{', '.join(sorted(asked))} of {old.order_class} orders cannot be replaced")
        qty = number(body.get("qty"), "qty")
        if qty is not None and (qty % 1 or (old.qty or 0) % 1):
            raise unprocessable("qty of fractional orders cannot be replaced")
        total = qty if qty is not None else old.qty
        if total is None or total <= old.filled_qty:
            raise unprocessable("qty must be > filled_qty")
        now, trail = self.venue.stamp(), number(body.get("trail"), "trail")
        return dataclasses.replace(
            old, id=self.venue.new_id(), client_order_id=client_order_id, created_at=now, updated_at=now,
            qty=total - old.filled_qty, filled_qty=Decimal(0), filled_cost=Decimal(0), stamps={}, status="accepted",
            time_in_force=str(body.get("time_in_force") or old.time_in_force),
            limit_price=number(body.get("limit_price"), "limit_price") or old.limit_price,
            stop_price=number(body.get("stop_price"), "stop_price") or old.stop_price,
            trail_price=trail if trail is not None and old.trail_price is not None else old.trail_price,
            trail_percent=trail if trail is not None and old.trail_percent is not None else old.trail_percent,
            replaces=old.id, claim_of=old.claim, legs=[], parent=None,
        )

    def _swap(self, old: Order, new: Order, old_status: str) -> None:
        """The replacement reaches the market; it loses against a fill or a cancellation that was faster."""
        floor = self.venue.floor
        if not old.is_open:
            floor.finish(new, "rejected")
            return
        assert new.qty is not None
        new.parent, new.legs, old.legs, old_parent = old.parent, old.legs, [], old.parent
        if old_parent is not None:
            old_parent.legs[old_parent.legs.index(old)] = new
        for leg in new.legs:
            leg.parent = new
        old.parent, old.replaced_by = None, new.id
        floor.finish(old, "replaced")
        if old_status == "held":
            new.status = "held"
        else:
            floor.route(new)
