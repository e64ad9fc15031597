"""Tickets: Backtrader's orders beside what has been sent for them, and the outbox where groups wait to be complete.

Imports the modules beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from backtrader import Order

from brokers.alpaca.answers import ZERO
from brokers.alpaca.order_holdings import Holding, Traded, number
from brokers.alpaca.order_terms import symbol_of
from brokers.alpaca.order_tracked import Execution, TrackedOrder
from brokers.alpaca.request import OrderRequest
from core.day_numbers import day_numbers


@dataclass(eq=False)
class Ticket:
    """A Backtrader order on its way.

    Attributes:
        part: the order at the venue that works for it now, None before it is sent.
        left: shares still to be sent once `part` is filled: a reversal closes first, then opens.
        asked_at: local monotonic seconds of the last request to cancel it, None if there was none.
        expired: its `valid` has passed, which is why it is cancelled.
    """

    order: Order
    part: TrackedOrder | None = None
    left: Decimal = ZERO
    asked_at: float | None = None
    expired: bool = False

    @property
    def symbol(self) -> str:
        """The symbol of its feed."""
        return symbol_of(self.order.data)

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sale."""
        return 1 if self.order.isbuy() else -1

    def execute(self, execution: Execution, traded: Traded, holding: Holding, comminfo: Any) -> None:
        """Book an execution on the order, as Backtrader's own broker does; Alpaca takes no commission."""
        closed, opened, price = number(traded.closed), number(traded.opened), float(execution.price)
        before = float(traded.average_before)
        self.order.execute(
            float(day_numbers(np.array([execution.time_ns]))[0]), number(self.sign * execution.qty), price,
            closed, comminfo.getvaluesize(-closed, before), 0.0, opened, comminfo.getvaluesize(opened, price), 0.0,
            comminfo.margin, comminfo.profitandloss(-closed, before, price), holding.position.size,
            holding.position.price)
        remaining = self.left + (self.part.remaining if self.part else ZERO)
        self.order.executed.remsize = number(self.sign * remaining)


@dataclass(eq=False)
class Batch:
    """What one request asks for: a lead order and the exits that go with it ("bracket"), or exclude it ("oco").

    Attributes:
        opens_ns: when the window opens for which it waits, UTC ns; 0 = it waits for none.
        request: as it is sent, None before it is prepared. takes: the buying power it needs, account currency.
    """

    lead: Ticket
    exits: list[Ticket] = field(default_factory=list)
    kind: str = "simple"
    opens_ns: int = 0
    request: OrderRequest | None = None
    takes: Decimal = ZERO

    @property
    def members(self) -> list[Ticket]:
        """Every ticket of the batch."""
        return [self.lead, *self.exits]


class Outbox:
    """Orders that Backtrader has handed over and that are not sent yet."""

    def __init__(self) -> None:
        self._ready: list[Batch] = []
        self._growing: dict[int, Batch] = {}  # reference of a bracket's entry
        self._held: list[Batch] = []

    def take(self, ticket: Ticket) -> str:
        """Put an order with its group; why it cannot be, "" if it can."""
        order = ticket.order
        if order.parent is not None:
            return self._take_exit(ticket)
        if order.p.oco is not None:
            return self._take_partner(ticket)
        batch = Batch(ticket)
        if order.transmit:
            self._ready.append(batch)
        else:
            self._growing[order.ref] = batch
        return ""

    def _take_exit(self, ticket: Ticket) -> str:
        batch = self._growing.get(ticket.order.parent.ref)
        if batch is None:
            return "its parent has been sent or has ended already: at Alpaca an entry and its exits are one order"
        batch.exits.append(ticket)
        batch.kind = "bracket"
        if ticket.order.transmit:
            self._ready.append(self._growing.pop(ticket.order.parent.ref))
        return ""

    def _take_partner(self, ticket: Ticket) -> str:
        oco = ticket.order.p.oco
        batch = next((batch for batch in self._ready if any(member.order.ref == oco.ref for member in batch.members)),
                     None)
        if batch is None:
            return "the order it cancels has been sent or has ended already: at Alpaca both are one order"
        if batch.kind == "bracket" or batch.exits:
            return "alpaca's groups cancel one order for one other, no more"
        if {batch.lead.order.exectype == Order.Limit, ticket.order.exectype == Order.Limit} != {True, False}:
            return "orders that cancel each other are one limit and one stop at Alpaca"
        batch.exits, batch.kind = [ticket], "oco"
        if ticket.order.exectype == Order.Limit:  # the venue leads with the limit
            batch.lead, batch.exits = ticket, [batch.lead]
        return ""

    def withdraw(self, ticket: Ticket) -> list[Ticket]:
        """Take back an order that is not sent, with those that cannot go without it; [] where it is not here."""
        for batch in [*self._ready, *self._held, *self._growing.values()]:
            if ticket in batch.members:
                if batch.kind == "bracket" and ticket is not batch.lead:
                    batch.exits.remove(ticket)
                    batch.kind = "bracket" if batch.exits else "simple"
                    return [ticket]
                self._ready = [other for other in self._ready if other is not batch]
                self._held = [other for other in self._held if other is not batch]
                self._growing = {ref: other for ref, other in self._growing.items() if other is not batch}
                return batch.members
        return []

    def take_rest(self, ticket: Ticket) -> None:
        """Put back an order of which a part is still to be sent."""
        self._ready.append(Batch(ticket))

    def hold(self, batch: Batch) -> None:
        """Keep a batch back until `release`."""
        self._held.append(batch)

    def release(self) -> None:
        """What was kept back can be tried again, but for what waits for a window."""
        self._ready += [batch for batch in self._held if not batch.opens_ns]
        self._held = [batch for batch in self._held if batch.opens_ns]

    def ready(self, now_ns: int) -> list[Batch]:
        """What can be sent at a moment, in the order it came; it is not here any more."""
        opened = [batch for batch in self._held if 0 < batch.opens_ns <= now_ns]
        self._held = [batch for batch in self._held if batch not in opened]
        batches, self._ready = [*opened, *self._ready], []
        return batches
