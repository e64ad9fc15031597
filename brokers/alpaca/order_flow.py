"""Order flow: from Backtrader's orders to the venue, and from what the venue says back to Backtrader's orders.

Runs in Cerebro's thread. Imports the modules beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import ZERO, Order
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import Refused
from brokers.alpaca.order_book import Change, OrderBook, Stage, TrackedOrder
from brokers.alpaca.order_desk import AwaitsSales, OrderDesk, legs_by_type
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_restored import adopted_order, held_order
from brokers.alpaca.order_tickets import Batch, Outbox, Ticket
from brokers.alpaca.order_trouble import Trouble
from brokers.alpaca.rest import Rest
from brokers.order_copies import snapshot
from core.errors import CerebrolabError

EVENT_S = 10.0  # an order, a cancellation or an execution that is not heard of for so long is looked at
GAP_S = 1.0  # how long an execution that must have happened is waited for
SIBLING_S = 1.0  # the end of a group's other order may come without an event
LOOKUPS = 3  # how often an order whose answer was lost is looked for


class OrderFlow:
    """The orders of one account.

    Args:
        broker: has the params of AlpacaBroker, `getcommissioninfo` and `feed_of`.
        trouble: takes what goes wrong. expect: see AlpacaBroker.

    Attributes:
        orders: every order taken, as it stands.
        notifications: states of orders, to be told to strategies.
        due: when an order is to be read again, in seconds of the local monotonic clock.
        lost: batches whose answer was lost, and how often they were looked for.
        begun: whether the account has been taken over; no order is sent before.

    Raises:
        Unauthorized, BadSpec, BrokerUnavailable: the account could not be read.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, broker: Any, trouble: Trouble,
                 expect: Callable[[float, float], Any]) -> None:
        self._rest, self._clock, self._broker, self._expect = rest, clock, broker, expect
        self.trouble = trouble
        self.book, self.holdings, self._outbox = OrderBook(), Holdings(), Outbox()
        account = rest.account()
        self.holdings.cash = account.cash
        self.desk = OrderDesk(rest, clock, self.book, self.holdings, account.id, broker.p.strategy, broker.p.persist)
        self.notifications: deque[BtOrder] = deque()
        self.due: dict[TrackedOrder, float] = {}
        self.lost: dict[Batch, int] = {}
        self.begun = False
        self.orders: list[BtOrder] = []
        self._tickets: dict[int, Ticket] = {}  # by reference of the Backtrader order
        self._working: dict[TrackedOrder, Ticket] = {}

    # -- orders in ------------------------------------------------------------------------------------

    def take(self, order: BtOrder) -> None:
        """Take an order of a strategy."""
        ticket = self._tickets[order.ref] = Ticket(order)
        self.orders.append(order)
        order.submit(self._broker)
        self._notify(order)
        refusal = self._outbox.take(ticket)
        if refusal:
            self._end(ticket, Stage.REJECTED, refusal)

    def flush(self) -> None:
        """Send what is complete."""
        for batch in self._outbox.ready():
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        since = self._clock.monotonic()
        try:
            if not self.begun:
                raise Refused(0, None, "the account has not been read yet")
            answer = self.desk.send(batch)
        except AwaitsSales:
            self._outbox.hold(batch)
            return
        except CerebrolabError as error:
            if batch.lead.part is not None:
                self.lost[batch] = 0
                self._working[batch.lead.part] = batch.lead
                self.trouble.report(str(error))
            else:
                self._refuse(batch, error)
            return
        self._attach(batch, answer)
        if answer.status == "pending_new":
            self._await(batch.lead.part, since)

    def _refuse(self, batch: Batch, error: CerebrolabError) -> None:
        reason = error.reason if isinstance(error, Refused) else str(error)
        for ticket in batch.members:
            self._end(ticket, Stage.REJECTED, reason)

    def _attach(self, batch: Batch, answer: Order) -> None:
        """Tie the tickets of a batch to the orders the venue has made of it."""
        lead = batch.lead.part
        assert lead is not None
        if batch.exits and not answer.legs:  # an answer that was lost and looked up comes without them
            self.lost[batch] = 0
            with self.trouble.reported():
                answer = self._rest.order(answer.id)
                del self.lost[batch]
            if batch in self.lost:
                return
        legs = legs_by_type(answer)
        pairs = [(batch.lead, lead, answer)]
        for ticket in batch.exits:
            leg = legs.get(ticket.order.exectype != BtOrder.Limit)
            if leg is None:
                self._end(ticket, Stage.REJECTED, f"alpaca has made no such exit of order {answer.id}")
                continue
            ticket.part = TrackedOrder(leg.symbol, leg.side, leg.client_order_id, leg.qty)
            ticket.part.claim = lead.claim
            pairs.append((ticket, ticket.part, leg))
        for ticket, part, order in pairs:
            self._working[part] = ticket
            self.book.add(part, order)
            self.tell(part, part.snapshot(order))
            if ticket.asked_at is not None and ticket.order.alive():
                self.ask_to_cancel(ticket)

    # -- cancelling -----------------------------------------------------------------------------------

    def cancel(self, order: BtOrder) -> bool:
        """Withdraw an order that is not sent, or ask the venue for its end; False where it has ended."""
        ticket = self._tickets.get(order.ref)
        if ticket is None:
            return False
        withdrawn = self._outbox.withdraw(ticket)
        for each in withdrawn:
            self._end(each, Stage.CANCELED)
        now = self._clock.monotonic()
        if not withdrawn and (ticket.asked_at is None or now - ticket.asked_at >= EVENT_S):
            ticket.asked_at = now
            self.ask_to_cancel(ticket)
        return True

    def ask_to_cancel(self, ticket: Ticket) -> None:
        """Ask the venue for an order's end; if it has ended already, it is read at the next turn."""
        part, since = ticket.part, self._clock.monotonic()
        if part is None or not part.id:
            return  # its answer is lost; it is asked for when it turns up
        with self.trouble.reported():
            if self._rest.cancel(part.id):
                self._await(part, since)
            else:
                self.due[part] = since

    def ask_again(self, tracked: TrackedOrder) -> None:
        """Ask for an order's end once more, if that was asked for and has not come."""
        ticket = self._working.get(tracked)
        if tracked.alive and ticket is not None and ticket.asked_at is not None:
            self.ask_to_cancel(ticket)

    # -- orders back ----------------------------------------------------------------------------------

    def tell(self, tracked: TrackedOrder, changes: Iterable[Change]) -> None:
        """Carry the steps of an order over to cash, positions and its Backtrader order."""
        for change in changes:
            ticket = self._working.get(tracked)
            if change.execution is not None:
                self._book_execution(tracked, ticket, change)
            if ticket is not None and ticket.order.alive():
                self._step(ticket, change)
        if not tracked.alive:
            self.due.pop(tracked, None)
        elif tracked.gap:
            self.due.setdefault(tracked, self._clock.monotonic() + GAP_S)

    def _book_execution(self, tracked: TrackedOrder, ticket: Ticket | None, change: Change) -> None:
        execution = change.execution
        assert execution is not None
        traded = self.holdings.trade(tracked.symbol, tracked.sign * execution.qty, execution.price)
        if ticket is None:
            return
        if not ticket.order.alive():
            self.trouble.report(f"{execution.qty:f} shares of {tracked.symbol} were executed after order {tracked.id} had ended")
        status = ticket.order.status
        ticket.execute(execution, traded, self.holdings[tracked.symbol],
                       self._broker.getcommissioninfo(ticket.order.data))
        ticket.order.status = status

    def _step(self, ticket: Ticket, change: Change) -> None:
        order, stage = ticket.order, change.stage
        if stage == Stage.COMPLETED and ticket.left:
            if change.execution is not None:
                self._mark(order, Stage.PARTIAL)
            if ticket.asked_at is None:
                ticket.part = None
                self._outbox.take_rest(ticket)
            else:
                self._end(ticket, Stage.CANCELED)
        elif stage >= Stage.COMPLETED:
            latest = ticket.part.latest if ticket.part else None
            reason = f"alpaca: {latest.status}" if latest and stage != Stage.COMPLETED else ""
            self._end(ticket, Stage.EXPIRED if ticket.expired and stage == Stage.CANCELED else stage, reason)
        elif stage > order.status or change.execution is not None:
            self._mark(order, stage)

    def _mark(self, order: BtOrder, stage: Stage) -> None:
        order.status = int(stage)
        self._notify(order)

    def _end(self, ticket: Ticket, stage: Stage, reason: str = "") -> None:
        order = ticket.order
        if reason:
            order.addinfo(reason=reason)
        if len(order.data):
            order.executed.dt = order.executed.dt or order.data.datetime[0]
        self._tickets.pop(order.ref, None)
        self._mark(order, stage)
        self._outbox.release()
        for sibling in self.book.open(ticket.symbol):
            if ticket.part is not None and sibling.claim == ticket.part.claim and sibling is not ticket.part:
                self.due[sibling] = self._clock.monotonic() + SIBLING_S

    def _notify(self, order: BtOrder) -> None:
        self.notifications.append(snapshot(order))

    def restore(self) -> None:
        """Tell Backtrader's books what is held at the start, and let orders be sent from now on."""
        self.begun = True
        for symbol, held in self.holdings:
            self.trouble.report(f"{held.qty:f} shares of {symbol} were held at the start", symbol=symbol)
            feed = self._broker.feed_of(symbol)
            if feed is not None:
                order = held_order(feed, held, self._broker.getcommissioninfo(feed))
                self.notifications.append(snapshot(order))

    # -- lost and found -------------------------------------------------------------------------------

    def look_for_lost(self) -> None:
        """Ask for the orders whose answer was lost; one that cannot be found is refused.

        Raises:
            BrokerUnavailable, Unauthorized: no answer again.
        """
        for batch, tries in list(self.lost.items()):
            part = batch.lead.part
            assert part is not None
            found = self._rest.order_by_client_id(part.client_order_id)
            if found is not None:
                del self.lost[batch]
                self._attach(batch, found)  # or it is lost again, while the legs cannot be read
            elif tries + 1 >= LOOKUPS:
                del self.lost[batch]
                self.book.forget(part)
                self._refuse(batch, Refused(404, None, f"alpaca did not answer, and has no order {part.client_order_id}"))
            else:
                self.lost[batch] = tries + 1

    def expire(self) -> None:
        """Cancel orders whose `valid` has passed: Alpaca knows days and until-cancelled only."""
        for ticket in list(self._tickets.values()):
            order = ticket.order
            if order.valid and not ticket.expired and len(order.data) and order.data.datetime[0] > order.valid:
                ticket.expired = True
                self.cancel(order)

    def _await(self, tracked: TrackedOrder | None, since: float) -> None:
        if tracked is not None and tracked.alive:
            self.due[tracked] = since + EVENT_S
            self._expect(EVENT_S, since)

    def adopt(self, order: Order, before: Decimal, claim: str) -> TrackedOrder:
        """Follow an order from elsewhere, or from an earlier run; strategies hear of it where a feed shows its symbol."""
        paid = before * (order.filled_avg_price or ZERO)
        tracked = TrackedOrder(order.symbol, order.side, order.client_order_id, order.qty, before, paid)
        tracked.claim = claim
        self.book.add(tracked, order)
        feed = self._broker.feed_of(order.symbol)
        if feed is not None:
            made = adopted_order(feed, order, before, self._broker.getcommissioninfo(feed))
            self._tickets[made.ref] = self._working[tracked] = Ticket(made, tracked)
            made.submit(self._broker)
            self._notify(made)
        self.trouble.report(f"order {order.id} to {order.side} {order.symbol} is not of this run and is followed", order=order.id)
        return tracked

    # -- answers --------------------------------------------------------------------------------------

    def open_orders(self) -> list[BtOrder]:
        """Orders that have not ended."""
        return [ticket.order for ticket in self._tickets.values()]

    def current(self, order: BtOrder) -> BtOrder:
        """The order itself, where a copy of it is asked about."""
        ticket = self._tickets.get(order.ref)
        return ticket.order if ticket else order
