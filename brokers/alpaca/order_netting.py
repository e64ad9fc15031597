"""Netting: opposite market orders of runs that share an account are settled between them, and only the rest is sent.

Imports the modules beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import ZERO
from brokers.alpaca.order_desk import OrderDesk
from brokers.alpaca.order_holdings import Holding
from brokers.alpaca.order_terms import exact_number
from brokers.alpaca.order_tickets import Batch, Ticket
from brokers.alpaca.order_tracked import Execution
from brokers.hooks import Executed

SPECIAL = ("auction", "notional", "extended_hours", "tif", "protective")


class Netting:
    """Settles at the last close what runs want of each other; at the venue it would be a wash trade, and cost the spread twice.

    Args:
        broker: with `shared`, `executed`, `getcommissioninfo`. desk: names orders, and knows their last closes.
        now_ns: the venue's time. settled: told of every ticket of which a part, or all, was settled.
    """

    def __init__(self, broker: Any, desk: OrderDesk, now_ns: Callable[[], int], settled: Callable[[Ticket], None]) -> None:
        self._broker, self._desk, self._now_ns, self._settled = broker, desk, now_ns, settled

    def settle(self, batches: Sequence[Batch]) -> list[Batch]:
        """Settle what can be among orders that are about to be sent.

        Returns:
            Those of which something, the lead's `left`, is still to be sent.
        """
        touched: list[Ticket] = []
        plain = [batch.lead for batch in batches if batch.kind == "simple" and _is_plain(batch.lead) and not self._desk.objection(batch.lead.order)]
        for symbol in dict.fromkeys(ticket.symbol for ticket in plain):
            of_symbol = [ticket for ticket in plain if ticket.symbol == symbol]
            buys, sales = ([ticket for ticket in of_symbol if ticket.sign == sign] for sign in (1, -1))
            touched += self._cross(buys, sales)
        for ticket in dict.fromkeys(touched):
            self._settled(ticket)
        return [batch for batch in batches if batch.lead not in touched or batch.lead.left]

    def _cross(self, buys: list[Ticket], sales: list[Ticket]) -> list[Ticket]:
        touched = []
        for buy, sale in ((buy, sale) for buy in buys for sale in sales):
            qty, price = min(_open(buy), _open(sale)), self._desk.quote(buy.order)
            if qty and price is not None and buy.order.data is not sale.order.data:
                for ticket in (sale, buy):
                    self._execute(ticket, qty, price)
                    touched.append(ticket)
        return touched

    def _execute(self, ticket: Ticket, qty: Decimal, price: Decimal) -> None:
        """Book a settled part on the order and on its run."""
        name, signed, order = self._desk.next_id(ticket, "net"), ticket.sign * qty, ticket.order
        held = self._broker.shared.holding(order)
        after = Holding()
        after.set(held.qty, held.average, held.mark)
        traded = after.trade(signed, price)
        ticket.left = _open(ticket) - qty
        now = self._now_ns()
        ticket.execute(Execution("", qty, price, now), traded, after, self._broker.getcommissioninfo(order.data))
        self._broker.executed(Executed(order, ticket.symbol, float(signed), float(price), 0.0, now, name, "", qty))


def _is_plain(ticket: Ticket) -> bool:
    """Whether it is a market order that goes now, and that nothing has happened to."""
    order = ticket.order
    return order.exectype == BtOrder.Market and not order.executed.size and not any(order.info.get(name) for name in SPECIAL)


def _open(ticket: Ticket) -> Decimal:
    return abs(exact_number(ticket.order.executed.remsize)) if ticket.order.executed.remsize else ZERO
