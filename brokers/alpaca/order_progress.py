"""Order progress: what the venue's steps mean for Backtrader's orders, cash and positions.

Runs in Cerebro's thread. Imports the modules beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import ZERO
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_holdings import Holdings, Traded
from brokers.alpaca.order_tickets import Outbox, Ticket
from brokers.alpaca.order_tracked import Change, Execution, Stage, TrackedOrder
from brokers.alpaca.order_trouble import Trouble
from brokers.hooks import Executed
from brokers.order_copies import snapshot

GAP_S = 1.0  # how long an execution that must have happened is waited for
SIBLING_S = 1.0  # the end of a group's other order may come without an event


class OrderProgress:
    """Carries orders from stage to stage, and tells of each.

    Args:
        broker: has `getcommissioninfo`. outbox: takes what a reversal has left to send.

    Attributes:
        notifications: states of orders, to be told to strategies.
        due: when an order is to be read again, in seconds of the local monotonic clock.
        tickets: orders that have not ended, by reference of the Backtrader order.
        working: whose ticket an order at the venue works for.
    """

    def __init__(self, broker: Any, clock: BrokerClock, book: OrderBook, holdings: Holdings, outbox: Outbox,
                 trouble: Trouble) -> None:
        self._broker, self._clock, self._book, self._holdings = broker, clock, book, holdings
        self._outbox, self._trouble = outbox, trouble
        self.notifications: deque[BtOrder] = deque()
        self.due: dict[TrackedOrder, float] = {}
        self.tickets: dict[int, Ticket] = {}
        self.working: dict[TrackedOrder, Ticket] = {}

    def begin(self, ticket: Ticket, part: TrackedOrder | None = None) -> None:
        """Take a ticket on, whose order `part` works for already; it is submitted."""
        self.tickets[ticket.order.ref] = ticket
        if part is not None:
            self.working[part] = ticket
        ticket.order.submit(self._broker)
        self.notify(ticket.order)

    def tell(self, tracked: TrackedOrder, changes: Iterable[Change]) -> None:
        """Carry the steps of an order over to cash, positions and its Backtrader order."""
        steps = list(changes)
        filled = tracked.filled - sum((change.execution.qty for change in steps if change.execution), ZERO)
        for change in steps:
            ticket = self.working.get(tracked)
            if change.execution is not None:
                filled += change.execution.qty
                self._book_execution(tracked, ticket, change.execution, filled)
            if ticket is not None and ticket.order.alive():
                self._step(ticket, change)
        if not tracked.alive:
            self.due.pop(tracked, None)
            self._outbox.release()  # also where it is nobody's order, or a part of one, that others have waited for
        elif tracked.gap:
            self.due.setdefault(tracked, self._clock.monotonic() + GAP_S)

    def end(self, ticket: Ticket, stage: Stage, reason: str = "") -> None:
        """End an order; its group's others are looked at soon."""
        order = ticket.order
        if reason:
            order.addinfo(reason=reason)
        if len(order.data):
            order.executed.dt = order.executed.dt or order.data.datetime[0]
        self.tickets.pop(order.ref, None)
        self._mark(order, stage)
        self._outbox.release()
        for sibling in self._book.open(ticket.symbol):
            if ticket.part is not None and sibling.claim == ticket.part.claim and sibling is not ticket.part:
                self.due[sibling] = self._clock.monotonic() + SIBLING_S

    def settled(self, ticket: Ticket) -> None:
        """A part of an order, or all of it, was settled without the venue."""
        if ticket.left:
            self._mark(ticket.order, Stage.PARTIAL)
        else:
            self.end(ticket, Stage.COMPLETED)

    def notify(self, order: BtOrder) -> None:
        """Tell strategies of an order as it stands."""
        self.notifications.append(snapshot(order))
        if self._broker.told:
            self._broker.told(order)

    def _book_execution(self, tracked: TrackedOrder, ticket: Ticket | None, execution: Execution, filled: Decimal) -> None:
        traded = self._holdings.trade(tracked.symbol, tracked.sign * execution.qty, execution.price)
        if ticket is not None:
            self._book_on_ticket(tracked, ticket, execution, traded)
        if self._broker.executed:
            self._broker.executed(Executed(ticket.order if ticket else None, tracked.symbol, float(tracked.sign * execution.qty),
                                           float(execution.price), 0.0, execution.time_ns, tracked.client_order_id, tracked.id, filled))

    def _book_on_ticket(self, tracked: TrackedOrder, ticket: Ticket, execution: Execution, traded: Traded) -> None:
        if not ticket.order.alive():
            self._trouble.report(f"{execution.qty:f} shares of {tracked.symbol} were executed after order {tracked.id} had ended")
        status = ticket.order.status
        ticket.execute(execution, traded, self._holdings[tracked.symbol],
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
                self.end(ticket, Stage.CANCELED)
        elif stage >= Stage.COMPLETED:
            latest = ticket.part.latest if ticket.part else None
            reason = f"alpaca: {latest.status}" if latest and stage != Stage.COMPLETED else ""
            self.end(ticket, Stage.EXPIRED if ticket.expired and stage == Stage.CANCELED else stage, reason)
        elif stage > order.status or change.execution is not None:
            self._mark(order, stage)

    def _mark(self, order: BtOrder, stage: Stage) -> None:
        order.status = int(stage)
        self.notify(order)
