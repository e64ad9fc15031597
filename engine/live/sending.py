"""Sending: brings the orders of a decision to Alpaca, each exactly once, in their window. Imports brokers.alpaca and journal.

What is about to be sent is written to the blotter first; a process that was killed in between asks for the client order id.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from brokers.alpaca import rules, windows
from brokers.alpaca.answers import Account, Asset, Order, Position
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import OrderUncertain, Refused
from brokers.alpaca.identity import client_order_id
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.rest import Rest
from core.errors import UnknownName
from journal.blotter import DONE, OPEN, PLANNED, SENDING, Blotter, LiveOrder

log = logging.getLogger(__name__)
AUCTIONS = {"next_open": "opg", "session_open": "opg", "session_close": "cls"}
NOT_CLOSED = "the position that it reverses was not closed"
UNFILLED = ("expired", "done_for_day")  # endings after which the rest may still be traded in the same session
LEFT = "the auction did not fill it"
OPENING_S = 120  # before the open: no opening order is taken any more, and no other one is of use yet


@dataclass(frozen=True)
class Run:
    """Which orders these are, and when they may trade.

    Attributes:
        account, name: the broker's account id, and what names the run in client order ids.
        decision_id, bar_ns: the decision. fills: of orders that enter or resize a position and of exits, as in `core.spec.FILLS`.
        session: scheduled open and close of the session they are for, UTC ns. prices: symbol -> latest close.
    """

    account: str
    name: str
    decision_id: int
    bar_ns: int
    fills: tuple[str, str]
    session: tuple[int, int]
    prices: dict[str, Decimal]

    def identity(self, symbol: str, intent: str, attempt: int) -> str:
        """The client order id of an attempt."""
        return client_order_id(self.account, self.name, symbol, self.bar_ns, intent, attempt)


class Sending:
    """The orders of one decision at the broker.

    Raises (every method): Unauthorized, BrokerUnavailable; StoreFailed of the journal.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, blotter: Blotter, run: Run) -> None:
        self._rest, self._clock, self._blotter, self._run = rest, clock, blotter, run
        self._assets: dict[str, Asset] = {}

    # -- what has become of them ----------------------------------------------------------------------

    def settle(self) -> list[LiveOrder]:
        """Ask for every order that is not done; returns all orders of the decision as they stand."""
        for order in self._blotter.orders(self._run.decision_id):
            if order.state in (SENDING, OPEN):
                found = self._rest.order_by_client_id(order.client_order_id)
                if found is not None:
                    self._record(order, found)
                elif order.state == SENDING:
                    self._blotter.change(order.client_order_id, state=PLANNED)  # it never arrived: the same id may be sent again
        return self._blotter.orders(self._run.decision_id)

    def _record(self, order: LiveOrder, found: Order) -> LiveOrder:
        reason = "" if found.open or found.status == "filled" else str(found.raw.get("reason") or found.status)
        if found.status == "canceled" and order.tif in AUCTIONS.values() and (found.updated_ns or 0) >= self._run.session[0]:
            reason = LEFT  # nobody cancels an auction order after its auction
        return self._blotter.change(
            order.client_order_id, state=DONE if found.done else OPEN, broker_id=found.id, status=found.status,
            filled=found.filled_qty, price=found.filled_avg_price, reason=reason)

    # -- sending --------------------------------------------------------------------------------------

    def send(self) -> list[str]:
        """Send what may be sent now; returns sentences on what waits, and for what."""
        orders = self._again(self.settle())
        waiting: list[str] = []
        account, others = self._rest.account(), self._rest.orders()
        for order in [each for each in orders if each.state == PLANNED]:
            tif, reason = self._window(order)
            reason = reason or self._in_the_way(order, orders)
            if reason == NOT_CLOSED:
                self._give_up(order, reason, "refused")
                continue
            if reason:
                waiting.append(f"{order.side} {order.qty:f} {order.symbol}: {reason}")
                continue
            if not tif:
                self._give_up(order, "its session has passed")
                continue
            positions = self._rest.positions()
            qty = _still_right(order, positions)
            if not qty:
                self._give_up(order, "the position has changed since the decision")
                continue
            if qty != order.qty:
                order = self._blotter.change(order.client_order_id, qty=qty)
            request = OrderRequest(order.symbol, order.side, order.qty, tif=tif, client_order_id=order.client_order_id)
            refusals = self._judged(request, account, positions, others)
            if refusals and self._may_wait(order, refusals, orders):
                waiting.append(f"{order.side} {order.qty:f} {order.symbol}: {refusals[0]}; it waits for the sales")
            elif refusals:
                self._give_up(order, "; ".join(refusals), "refused")
            else:
                self._submit(order, request, waiting)
                account, others = self._rest.account(), self._rest.orders()
            orders = self._blotter.orders(self._run.decision_id)
        return waiting

    def _give_up(self, order: LiveOrder, reason: str, status: str = "") -> None:
        """Done without being sent; unless it was once, by a process that was killed, and has arrived only now."""
        found = self._rest.order_by_client_id(order.client_order_id) if order.tif else None
        if found is not None:
            self._record(order, found)
        else:
            self._blotter.change(order.client_order_id, state=DONE, status=status, reason=reason)

    def _submit(self, order: LiveOrder, request: OrderRequest, waiting: list[str]) -> None:
        order = self._blotter.change(order.client_order_id, state=SENDING, tif=request.tif)
        try:
            self._record(order, self._rest.submit(request))
        except Refused as refused:
            log.warning("%s %s %s: %s", order.side, order.qty, order.symbol, refused)
            if refused.status == 422 and request.tif in AUCTIONS.values() and not refused.is_duplicate:
                self._blotter.change(order.client_order_id, state=PLANNED)  # a matter of minutes: a refused order has not spent its id
                waiting.append(f"{order.side} {order.qty:f} {order.symbol}: {refused.reason}")
                return
            self._blotter.change(order.client_order_id, state=DONE, status="refused", reason=refused.reason)
        except OrderUncertain as lost:
            waiting.append(str(lost))

    def _again(self, orders: Sequence[LiveOrder]) -> list[LiveOrder]:
        """One more attempt, in the open market, for what an auction or a day left unfilled of this session."""
        now = self._clock.now_ns()
        if not windows.in_session(now, self._run.session):
            return list(orders)
        latest = {(order.symbol, order.intent): order for order in orders}  # attempts come in order
        for order in latest.values():
            left = order.qty - order.filled
            if order.state == DONE and (order.status in UNFILLED or order.reason == LEFT) and order.tif in ("opg", "cls") and left > 0:
                attempt = order.attempt + 1
                self._blotter.add(self._run.decision_id, replace(
                    order, client_order_id=self._run.identity(order.symbol, order.intent, attempt), qty=left, attempt=attempt,
                    state=PLANNED, tif="", broker_id="", status="", filled=Decimal(0), price=None, reason=""))
        return self._blotter.orders(self._run.decision_id)

    # -- may it be sent -------------------------------------------------------------------------------

    def _window(self, order: LiveOrder) -> tuple[str, str]:
        """(time in force, "") when it may be sent now, ("", what it waits for), or ("", "") when it is too late."""
        now, (opens, closes) = self._clock.now_ns(), self._run.session
        if now >= closes:
            return "", ""
        auction = AUCTIONS[self._run.fills[order.intent == "exit"]] if order.attempt == 1 and order.qty == order.qty.to_integral_value() else ""
        if auction == "cls":
            if windows.accepts_cls(now, self._today()):
                return "cls", ""
            return ("day", "") if windows.in_session(now, self._run.session) else ("", "closing auction orders are taken from 19:00")
        if windows.in_session(now, self._run.session):
            return "day", ""
        if not auction:
            return "", "it is sent when the market opens"
        if opens - now < OPENING_S * 10**9:
            return "", "it is too late for the opening auction: it is sent when the market opens"
        return ("opg", "") if windows.accepts_opg(now) else ("", "opening auction orders are taken from 19:00 to 09:28 New York time")

    def _in_the_way(self, order: LiveOrder, orders: Sequence[LiveOrder]) -> str:
        """An earlier order of the same symbol that must end first: a reversal closes before it opens."""
        earlier = [other for other in orders if other.symbol == order.symbol and other.place < order.place]
        for other in earlier:
            if other.state != DONE:
                return f"it waits for the order to {other.side} {other.qty:f}"
        return NOT_CLOSED if earlier and earlier[-1].filled < earlier[-1].qty and earlier[-1].reason != LEFT else ""

    def _may_wait(self, order: LiveOrder, refusals: Sequence[str], orders: Sequence[LiveOrder]) -> bool:
        """Whether a buy lacks nothing but the money that sales on their way will bring."""
        sales = any(other.side == "sell" and other.state != DONE for other in orders)
        return order.side == "buy" and sales and all("buying power" in reason for reason in refusals)

    def _judged(self, request: OrderRequest, account: Account, positions: Sequence[Position], others: Sequence[Order]) -> list[str]:
        symbol = request.symbol
        try:
            asset = self._assets.get(symbol) or self._assets.setdefault(symbol, self._rest.asset(symbol))
        except UnknownName as error:
            return [str(error)]
        position = next((each for each in positions if each.symbol == symbol), None)
        held, free = (position.qty, position.qty_available) if position else (Decimal(0), Decimal(0))
        return rules.check(request, asset, account, held, free, others, self._clock.now_ns(), self._today(),
                           self._run.prices.get(symbol))

    def _today(self) -> windows.Times:
        """Scheduled open and close of today's session; None without one."""
        return self._clock.session_times(self._clock.today())


def _still_right(order: LiveOrder, positions: Sequence[Position]) -> Decimal:
    """Shares of an order that may be sent: never more than closes what it is to close, nor anything on top of what others opened."""
    held = next((each.qty for each in positions if each.symbol == order.symbol), Decimal(0))
    reduces = held > 0 if order.side == "sell" else held < 0
    if order.intent == "exit" or (order.intent == "resize" and reduces):
        return min(order.qty, abs(held)) if reduces else Decimal(0)
    if order.intent == "enter":
        opened = held > 0 if order.side == "buy" else held < 0
        return Decimal(0) if opened and order.attempt == 1 else order.qty
    return order.qty if held else Decimal(0)
