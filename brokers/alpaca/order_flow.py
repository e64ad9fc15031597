"""Order flow: Backtrader's orders are sent, cancelled and found again.

Runs in Cerebro's thread. Imports the modules beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import Order
from brokers.alpaca.assets import Assets
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import Refused
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_desk import OrderDesk, legs_by_type
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_inherited import Inherited
from brokers.alpaca.order_netting import Netting
from brokers.alpaca.order_objections import Awaits
from brokers.alpaca.order_progress import OrderProgress
from brokers.alpaca.order_tickets import Batch, Outbox, Ticket
from brokers.alpaca.order_tracked import Stage, TrackedOrder
from brokers.alpaca.order_trouble import Trouble
from brokers.alpaca.rest import Rest
from core.errors import CerebrolabError

EVENT_S = 10.0  # an order, a cancellation or an execution that is not heard of for so long is looked at
LOOKUPS = 3  # how often an order whose answer was lost is looked for


class OrderFlow:
    """The orders of one account.

    Args:
        broker: has the params of AlpacaBroker, `getcommissioninfo` and `feed_of`.
        trouble: takes what goes wrong. expect: see AlpacaBroker.

    Attributes:
        orders: every order taken, as it stands.
        progress: what becomes of them. tell, notifications: the progress's own. inherited: follows what was not sent from here.
        lost: batches whose answer was lost, and how often they were looked for.
        begun: whether the account has been taken over; no order is sent before.

    Raises:
        Unauthorized, BadSpec, BrokerUnavailable: the account could not be read.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, assets: Assets, broker: Any, trouble: Trouble,
                 expect: Callable[[float, float], Any]) -> None:
        self._rest, self._clock, self._broker, self._expect = rest, clock, broker, expect
        self.trouble = trouble
        self.book, self.holdings, self._outbox = OrderBook(), Holdings(), Outbox()
        account = rest.account()
        self.holdings.cash = account.cash
        self.desk = OrderDesk(rest, clock, assets, self.book, self.holdings, account.id, broker.p)
        self.progress = OrderProgress(broker, clock, self.book, self.holdings, self._outbox, trouble)
        self.tell, self.notifications = self.progress.tell, self.progress.notifications
        self.inherited = Inherited(broker, self.desk, self.book, self.holdings, self.progress, trouble, self.cancel)
        self.lost: dict[Batch, int] = {}
        self.begun = False
        self._netting = Netting(broker, self.desk, clock.now_ns, self.progress.settled)
        self._leaving: list[Batch] = []
        self.orders: list[BtOrder] = []

    # -- orders in ------------------------------------------------------------------------------------

    def take(self, order: BtOrder) -> None:
        """Take an order of a strategy."""
        ticket = Ticket(order)
        self.orders.append(order)
        self.progress.begin(ticket)
        refusal = (self._broker.refuse(order) if self._broker.refuse else "") or self._outbox.take(ticket)
        if refusal:
            self.progress.end(ticket, Stage.REJECTED, refusal)

    def flush(self) -> None:
        """Send what is complete."""
        batches = self._outbox.ready(self._clock.now_ns())
        if self.begun and self._broker.shared is not None and self._broker.shared.nets:
            batches = self._netting.settle(batches)
        for batch in batches:
            self._prepare(batch)
        self.leave()

    def _prepare(self, batch: Batch) -> None:
        if any(other.lead.symbol == batch.lead.symbol for other in self._leaving):
            self.leave()  # what it may do depends on what becomes of them
        try:
            if not self.begun:
                raise Refused(0, None, "the account has not been read yet")
            self.desk.prepare(batch)
        except Awaits:
            self._outbox.hold(batch)
        except CerebrolabError as error:
            self._refuse(batch, error)
        else:
            self._leaving.append(batch)

    def leave(self) -> None:
        """Have what is prepared written down, all at once, and send it."""
        leaving, self._leaving = self._leaving, []
        for batch in self._recorded(leaving):
            self._post(batch)

    def _recorded(self, batches: list[Batch]) -> list[Batch]:
        """Those that are written down: all at once, or where that fails one by one, so that none keeps back the others."""
        try:
            self.desk.record(batches)
        except CerebrolabError as error:
            if len(batches) > 1:
                return [recorded for batch in batches for recorded in self._recorded([batch])]
            self.desk.give_up(batches[0])
            self._refuse(batches[0], error)
            return []
        return batches

    def _post(self, batch: Batch) -> None:
        since = self._clock.monotonic()
        try:
            answer = self.desk.post(batch)
        except CerebrolabError as error:
            if batch.lead.part is not None:
                self.lost[batch] = 0
                self.progress.working[batch.lead.part] = batch.lead
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
            self.progress.end(ticket, Stage.REJECTED, reason)

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
                self.progress.end(ticket, Stage.REJECTED, f"alpaca has made no such exit of order {answer.id}")
                continue
            ticket.part = TrackedOrder(leg.symbol, leg.side, leg.client_order_id, leg.qty)
            ticket.part.claim = lead.claim
            pairs.append((ticket, ticket.part, leg))
        for ticket, part, order in pairs:
            self.progress.working[part] = ticket
            self.book.add(part, order)
            self.tell(part, part.snapshot(order))
            if ticket.asked_at is not None and ticket.order.alive():
                self.ask_to_cancel(ticket)

    # -- cancelling -----------------------------------------------------------------------------------

    def cancel(self, order: BtOrder) -> bool:
        """Withdraw an order that is not sent, or ask the venue for its end; False where it has ended."""
        ticket = self.progress.tickets.get(order.ref)
        if ticket is None:
            return False
        withdrawn = self._outbox.withdraw(ticket)
        for each in withdrawn:
            self.progress.end(each, Stage.CANCELED)
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
                self.progress.due[part] = since

    def ask_again(self, tracked: TrackedOrder) -> None:
        """Ask for an order's end once more, if that was asked for and has not come."""
        ticket = self.progress.working.get(tracked)
        if tracked.alive and ticket is not None and ticket.asked_at is not None:
            self.ask_to_cancel(ticket)

    def restore(self) -> None:
        """Tell Backtrader's books what is held at the start, and let orders be sent from now on."""
        self.begun = True
        self.inherited.restore()

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
                self._refuse(batch,
                             Refused(404, None, f"alpaca did not answer, and has no order {part.client_order_id}"))
            else:
                self.lost[batch] = tries + 1

    def expire(self) -> None:
        """Cancel orders whose `valid` has passed: Alpaca knows days and until-cancelled only."""
        for ticket in list(self.progress.tickets.values()):
            order = ticket.order
            if order.valid and not ticket.expired and len(order.data) and order.data.datetime[0] > order.valid:
                ticket.expired = True
                self.cancel(order)

    def _await(self, tracked: TrackedOrder | None, since: float) -> None:
        if tracked is not None and tracked.alive:
            self.progress.due[tracked] = since + EVENT_S
            self._expect(EVENT_S, since)

    # -- answers --------------------------------------------------------------------------------------

    def open_orders(self) -> list[BtOrder]:
        """Orders that have not ended."""
        return [ticket.order for ticket in self.progress.tickets.values()]

    def current(self, order: BtOrder) -> BtOrder:
        """The order itself, where a copy of it is asked about."""
        ticket = self.progress.tickets.get(order.ref)
        return ticket.order if ticket else order
