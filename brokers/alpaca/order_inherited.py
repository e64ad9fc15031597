"""Inherited: what an account has already, and what others do on it, in Backtrader's terms. Imports the modules beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import ZERO, Order
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_desk import OrderDesk
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_progress import OrderProgress
from brokers.alpaca.order_restored import adopted_order, held_order
from brokers.alpaca.order_tickets import Ticket
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.order_trouble import Trouble
from brokers.hooks import Moved


class Inherited:
    """Follows what was not sent from here; what a reconciler finds is told to it.

    Args:
        broker: see `OrderFlow`. cancel: asks for the end of an order.
    """

    def __init__(self, broker: Any, desk: OrderDesk, book: OrderBook, holdings: Holdings, progress: OrderProgress, trouble: Trouble,
                 cancel: Callable[[BtOrder], Any]) -> None:
        self._broker, self._desk, self._book, self._holdings = broker, desk, book, holdings
        self._progress, self._cancel = progress, cancel
        self.trouble, self.tell = trouble, progress.tell
        self._claimed: dict[str, str] = {}

    def restore(self) -> None:
        """Tell Backtrader's books what is held at the start."""
        if self._broker.shared is not None:
            self._desk.objections.sharing, self._desk.objections.run_of = self._broker.shared, self._run_of
            self._broker.shared.on_taken = self._stop_trading
            self._broker.shared.begin(self._holdings.cash, {symbol: held.qty for symbol, held in self._holdings}, self._broker.missed())
        for symbol, held in self._holdings:
            self.trouble.report(f"{held.qty:f} shares of {symbol} were held at the start", symbol=symbol)
            for feed, part in self._broker.holders(symbol, held):
                self._progress.notify(held_order(feed, part, self._broker.getcommissioninfo(feed)))

    def _run_of(self, tracked: TrackedOrder) -> str:
        ticket = self._progress.working.get(tracked)
        return str(self._broker.shared.of(ticket.order)) if ticket is not None else ""

    def _stop_trading(self, symbol: str, reason: str) -> None:
        self._desk.stopped[symbol] = reason
        self.trouble.report(reason, symbol=symbol)

    def unprotect(self, symbol: str) -> None:
        """Cancel the strategies' protective orders of a symbol; they place them again, as the position is then."""
        for ticket in list(self._progress.tickets.values()):
            if ticket.symbol == symbol and ticket.order.info.get("protective"):
                self._cancel(ticket.order)

    def adopt(self, order: Order, before: Decimal, claim: str, lead: str = "") -> TrackedOrder:
        """Follow an order from elsewhere, or from an earlier run; strategies hear of it where a feed shows its symbol."""
        paid = before * (order.filled_avg_price or ZERO)
        tracked = TrackedOrder(order.symbol, order.side, order.client_order_id, order.qty, before, paid)
        tracked.claim = claim
        self._book.add(tracked, order)
        named = self._claimed.setdefault(claim, lead or order.client_order_id)  # the first of a group is the one we have named
        feed = self._broker.feed_of(order.symbol, named)
        if feed is not None:
            made = adopted_order(feed, order, before, self._broker.getcommissioninfo(feed), named)
            self._progress.begin(Ticket(made, tracked), tracked)
        self.trouble.report(f"order {order.id} to {order.side} {order.symbol} is not of this run and is followed",
                            order=order.id)
        return tracked

    def taken_over(self, orders: Sequence[Order]) -> None:
        """Let whoever keeps the books of the runs look at the orders as they were read."""
        if self._broker.taken_over is not None:
            self._broker.taken_over(orders)

    def moved(self, moved: Moved) -> None:
        """Tell whoever asked for it of shares or cash that no execution explains."""
        if self._broker.moved:
            self._broker.moved(moved)
