"""AlpacaRules: what Alpaca would refuse, refused in the simulation; the live broker's own desk judges the orders.

Imports brokers.alpaca (of which nothing here needs alpaca-py) and the modules beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import ZERO
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_desk import Unnamed
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_objections import Awaits, AwaitsSales, AwaitsWindow
from brokers.alpaca.order_terms import exact_number, moment_of, symbol_of
from brokers.alpaca.order_tickets import Batch, Outbox, Ticket
from brokers.simulated_desk import BarClock, BarDesk, Exchange
from brokers.simulated_endings import Endings
from brokers.simulated_sent import Sent, as_sent
from core.errors import CerebrolabError

MULTIPLIER = Decimal(2)


class AlpacaRules:
    """Judges the orders of a simulated broker by Alpaca's rules (`brokers.alpaca.rules`).

    The account is a margin account with multiplier 2 that may sell short: its buying power is twice the equity, less
    long and short positions, less what open orders take. The simulated broker lends nothing, so its own cash check comes
    on top. What Alpaca ends later, such as a day order at the close, is in `endings`.

    Args:
        broker: the simulated broker. assets: see `Exchange`.

    Attributes:
        closing_only: reference of a reversal that may close its position but not open the other -> why.
        endings: when the orders end by themselves.
    """

    def __init__(self, broker: Any, assets: Mapping[str, Mapping[str, Any]]) -> None:
        self._broker = broker
        self._exchange: Any = Exchange(assets)  # in place of the gateway
        self._clock: Any = BarClock()  # in place of the broker's clock
        self._outbox = Outbox()
        self._tickets: dict[int, Ticket] = {}
        self._sent: list[Sent] = []
        self._now = -1  # moment of the orders that wait to be judged, -1 = there are none
        self.closing_only: dict[int, str] = {}
        self.endings = Endings(self._clock)

    def take(self, order: BtOrder) -> str:
        """Put an order with its group until `judge`; why it cannot be, "" if it can."""
        if self._now < 0:
            self._look()
        self._now = max(self._now, _moment(order))
        ticket = self._tickets[order.ref] = Ticket(order)
        return self._outbox.take(ticket)

    def withdraw(self, order: BtOrder) -> list[BtOrder]:
        """Take back an order that is not judged yet; the orders that cannot go without it."""
        ticket = self._tickets.pop(order.ref, None)
        return [each.order for each in self._outbox.withdraw(ticket)] if ticket is not None else []

    def judge(self) -> Iterator[tuple[list[BtOrder], str]]:
        """Groups of orders that are refused, and why; the others are open from now on.

        Buys that lack nothing but what sales on their way bring come last, and are judged as if those were done. What waits for
        the window of an auction is judged once more when that has opened.
        """
        batches = sorted(self._outbox.ready(self._latest()), key=lambda batch: batch.opens_ns)
        if self._now >= 0:
            self._open_desk()  # some of the open orders may have been cancelled since
        elif batches:
            self._look()
        waiting = []
        for batch in batches:
            try:
                yield from self._refused(batch, batch.opens_ns or self._now)
            except AwaitsSales:
                waiting.append(batch)
            except AwaitsWindow:
                self._outbox.hold(batch)
                continue
            for ticket in batch.members:
                self._tickets.pop(ticket.order.ref, None)
        if waiting:
            self._complete_sales()
        for batch in waiting:
            yield from self._refused(batch, batch.opens_ns or self._now)
        self._now = -1

    def _latest(self) -> int:
        """Completion of the latest bar, UTC ns."""
        return moment_of(max((data.datetime[0] for data in self._broker.cerebro.datas if len(data)), default=0.0))

    def _refused(self, batch: Batch, now_ns: int) -> Iterator[tuple[list[BtOrder], str]]:
        reason = self._judge(batch, now_ns)
        if reason:
            yield [ticket.order for ticket in batch.members], reason

    def protect(self, order: BtOrder) -> Iterator[tuple[list[BtOrder], str]]:
        """Judge a protective order at once, with those it is to cancel: what is refused, and why."""
        outbox, partners = Outbox(), self._partners(order)
        for partner in partners:
            outbox.take(Ticket(partner))
        refusal = outbox.take(Ticket(order))
        if refusal:
            yield [order], refusal
            return
        self._sent = [sent for sent in self._sent if not any(ticket.order in partners for ticket in sent.batch.members)]
        self._look()
        yield from self._refused(outbox.ready(_moment(order))[0], _moment(order))

    def _partners(self, order: BtOrder) -> list[BtOrder]:
        """The open orders of the group that a protective order joins, oldest first."""
        first = order.p.oco
        orders = [ticket.order for sent in self._sent for ticket in sent.alive] if first is not None else []
        found = [each for each in orders if each.ref == first.ref or (each.p.oco is not None and each.p.oco.ref == first.ref)]
        return sorted(found, key=lambda each: each.ref)

    # -- the account ----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Positions, and what there is of buying power, at the prices of now."""
        self._sent = [sent for sent in self._sent if sent.alive]
        self._holdings = Holdings()
        equity, gross = exact_number(self._broker.cash), ZERO
        for data, position in self._broker.positions.items():
            if not position.size:
                continue
            close, holding = exact_number(data.close[0]), self._holdings[symbol_of(data)]
            holding.set(holding.qty + exact_number(position.size), exact_number(position.price), close)
            equity += exact_number(position.size) * close
            gross += abs(exact_number(position.size)) * close
        self._power = MULTIPLIER * equity - gross
        self._costs = [(sent, sent.cost(self._holdings[sent.request.symbol].qty)) for sent in self._sent]
        self._open_desk()

    def _open_desk(self) -> None:
        """A desk for the next orders, that knows the open ones and what they leave of the buying power."""
        self._book = OrderBook()
        for sent in self._sent:
            sent.enter(self._book)
        promised = sum((cost for sent, cost in self._costs if sent.batch.lead.order.alive()), ZERO)
        self._desk = BarDesk(self._exchange, self._clock, self._exchange, self._book, self._holdings, "simulated", Unnamed())
        means = self._desk.means
        means.may_trade = means.may_short = True
        means.buying_power = max(self._power - promised, ZERO)

    # -- judging --------------------------------------------------------------------------------------

    def _judge(self, batch: Batch, now_ns: int) -> str:
        """Why a batch is refused; "" where it is open from now on, with the sizes and prices Alpaca takes."""
        self._clock.set(now_ns)
        reason = self._send(batch)
        if reason:
            return reason
        request = self._exchange.request
        assert request is not None
        as_sent(batch, request)
        if batch.lead.left:
            refusal = self._judge_rest(batch.lead)
            if refusal:
                self.closing_only[batch.lead.order.ref] = refusal
        sent = Sent(batch, request)
        self._sent.append(sent)
        sent.enter(self._book)
        self.endings.watch((ticket.order for ticket in batch.members), request)
        return ""

    def _send(self, batch: Batch) -> str:
        """Hand a batch to the desk; why it is refused.

        Raises:
            Awaits: it would not be, if sales on their way were done; or its time comes later.
        """
        try:
            self._desk.prepare(batch)
            self._desk.post(batch)
        except Awaits:
            raise
        except CerebrolabError as error:
            return str(error)
        assert batch.lead.part is not None
        self._book.forget(batch.lead.part)
        return ""

    def _complete_sales(self) -> None:
        """Take the market orders on their way that close positions for done."""
        for tracked in self._book.open():
            holding = self._holdings[tracked.symbol]
            if tracked.latest is not None and tracked.latest.type == "market" and tracked.sign * holding.qty < 0:
                closed = min(tracked.remaining, abs(holding.qty))
                self._desk.means.buying_power += closed * holding.mark
                holding.set(holding.qty + tracked.sign * closed, holding.average, holding.mark)
                self._book.forget(tracked)

    def _judge_rest(self, lead: Ticket) -> str:
        """Why a reversal may not open the other position once the first is closed; "" where it may."""
        holding, means = self._holdings[lead.symbol], self._desk.means
        qty, average, power = holding.qty, holding.average, means.buying_power
        holding.set(ZERO, ZERO, holding.mark)
        means.buying_power += abs(qty) * holding.mark
        try:
            return self._send(Batch(Ticket(lead.order, left=lead.left)))
        except Awaits:
            return ""
        finally:
            holding.set(qty, average, holding.mark)
            means.buying_power = power


def _moment(order: BtOrder) -> int:
    """Completion of the bar on which an order was made, UTC ns; the feed's own may be an older one."""
    owner = order.owner
    clock = owner.datetime[0] if owner is not None and len(owner) else 0.0
    return moment_of(max(clock, order.created.dt))
