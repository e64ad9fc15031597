"""Orders that the simulated broker has taken by Alpaca's rules: as they are open there, and as they were sent.

Imports brokers.alpaca and the modules beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from backtrader import Order as BtOrder

from brokers.alpaca import rules
from brokers.alpaca.answers import ZERO
from brokers.alpaca.increments import round_qty
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_holdings import number
from brokers.alpaca.order_terms import STOPS, TYPES, exact_number
from brokers.alpaca.order_tickets import Batch, Ticket
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.request import OrderRequest
from brokers.simulated_desk import answer_to


@dataclass(frozen=True)
class Sent:
    """A batch that was taken, and the request it was."""

    batch: Batch
    request: OrderRequest

    @property
    def alive(self) -> list[Ticket]:
        """Its orders that have not ended."""
        return [ticket for ticket in self.batch.members if ticket.order.alive()]

    def enter(self, book: OrderBook) -> None:
        """Put what is left of it into a book of open orders."""
        for ticket in self.alive:
            order, name = ticket.order, str(ticket.order.ref)
            side, left = "buy" if order.isbuy() else "sell", abs(exact_number(order.executed.remsize))
            tracked = TrackedOrder(ticket.symbol, side, name, left)
            tracked.claim = str(self.batch.lead.order.ref)
            tracked.latest = answer_to(replace(self.request, client_order_id=name, side=side, type=TYPES[order.exectype]))
            book.add(tracked, tracked.latest)

    def cost(self, held: Decimal) -> Decimal:
        """What it takes of the buying power: nothing where it closes, and nothing for the exits of a group."""
        order = self.batch.lead.order
        if not order.alive() or held * self.request.sign < 0:
            return ZERO
        left = replace(self.request, qty=abs(exact_number(order.executed.remsize)), notional=None)
        return rules.order_value(left, exact_number(order.data.close[0]))


def as_sent(batch: Batch, request: OrderRequest) -> None:
    """Give the orders of a batch the sizes and prices of the request: on Alpaca's increments, money as shares."""
    lead = batch.lead
    if request.qty is None:
        assert request.notional is not None
        shares = round_qty(request.notional / exact_number(lead.order.created.pclose), True)
    else:
        shares = request.qty + lead.left
    for ticket in batch.members:
        order = ticket.order
        if exact_number(abs(order.created.size)) != shares:
            order.executed.remsize = order.created.size = order.size = number(ticket.sign * shares)
        leg = request.order_class == "oco" or ticket is not lead
        price, limit = _levels(order, request, leg)
        if price is not None:
            order.created.price = float(price)
        if limit is not None:
            order.created.pricelimit = float(limit)
    if request.trail_price is not None and exact_number(lead.order.trailamount) != request.trail_price:
        _trail(lead.order, float(request.trail_price))


def _levels(order: BtOrder, request: OrderRequest, leg: bool) -> tuple[Decimal | None, Decimal | None]:
    """An order's price and, of a stop limit, its limit."""
    if order.exectype == BtOrder.Limit:
        return (request.take_profit if leg else request.limit_price), None
    if order.exectype in STOPS:
        return (request.stop_loss, request.stop_loss_limit) if leg else (request.stop_price, request.limit_price)
    return None, None


def _trail(order: BtOrder, amount: float) -> None:
    """Trail by another amount, from the price at which the order was created."""
    begin = order.p.price or order.created.pclose
    order.trailamount = order.created.trailamount = amount
    order.created.price = float("inf") if order.isbuy() else float("-inf")
    order.trailadjust(begin)
