"""Order watch: what the stream tells is taken in, and what it does not tell is looked for in time.

Runs in Cerebro's thread; other threads only append to `queue`. Imports the modules beside it.
"""

from __future__ import annotations

from collections import deque

from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.order_flow import OrderFlow
from brokers.alpaca.order_reconciliation import Reconciler
from brokers.alpaca.order_tracked import execution_of
from brokers.alpaca.rest import Rest
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeUpdate


class OrderWatch:
    """Keeps an order flow in step with the venue.

    Args:
        poll_s, reconcile_s: see AlpacaBroker.

    Attributes:
        queue: trade updates and states of the stream, to be applied.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, flow: OrderFlow, poll_s: float, reconcile_s: float) -> None:
        self._clock, self._flow, self._poll_s, self._reconcile_s = clock, flow, poll_s, reconcile_s
        self._reconciler = Reconciler(rest, clock, flow.book, flow.holdings, flow.desk, flow.inherited, lambda: bool(flow.lost))
        flow.desk.objections.refresh = self._read_again
        self.queue: deque[TradeUpdate | State] = deque()
        self._streaming = False
        self._polled = self._reconciled = clock.monotonic()

    def begin(self) -> None:
        """Take over the account as it stands; until that has worked, no order is sent."""
        self._reconciled = self._polled = self._clock.monotonic()
        with self._flow.trouble.reported():
            self._reconciler.begin()
            self._flow.restore()

    def reconcile(self) -> None:
        """Compare everything now."""
        if not self._flow.begun:
            self.begin()
            return
        self._reconciled = self._polled = self._clock.monotonic()
        with self._flow.trouble.reported():
            self._reconciler.run()

    def _read_again(self) -> None:
        self._flow.leave()
        self._reconciler.run()

    def look(self) -> None:
        """Do what is due: look for lost orders and missing events, poll, expire."""
        now = self._clock.monotonic()
        if now - self._polled >= self._poll_s:
            self._poll(now)
        self._look_at_due(now)
        self._flow.expire()

    def look_around(self) -> None:
        """Compare everything, if it is time: three requests, for which no decision is to wait."""
        wait_s = self._reconcile_s if self._flow.begun else self._poll_s
        if self._clock.monotonic() - self._reconciled >= wait_s:
            self.reconcile()

    def _poll(self, now: float) -> None:
        self._polled = now
        with self._flow.trouble.reported():
            if self._flow.lost:
                self._flow.look_for_lost()
        with self._flow.trouble.reported():
            if not self._streaming and self._flow.book.open():
                self._reconciler.poll()

    def _look_at_due(self, now: float) -> None:
        for tracked in [tracked for tracked, due in self._flow.progress.due.items() if due <= now]:
            del self._flow.progress.due[tracked]
            with self._flow.trouble.reported():
                self._reconciler.look_at(tracked)
            self._flow.ask_again(tracked)

    # -- the stream -----------------------------------------------------------------------------------

    def apply(self) -> None:
        """Take in what other threads have been told."""
        while self.queue:
            told = self.queue.popleft()
            if isinstance(told, State):
                self._note_state(told)
            else:
                self._note_update(told)

    def _note_update(self, update: TradeUpdate) -> None:
        flow = self._flow
        tracked = flow.book.find(update.order)
        if tracked is None:
            if flow.lost or update.order.id in flow.desk.known or not flow.begun:
                return  # it is read when the lost answer is found, or it is in what was read at the start
            with flow.trouble.reported():
                self._reconciler.meet(update.order.id)
            tracked = flow.book.find(update.order)
        if tracked is None:
            return
        flow.tell(tracked, tracked.update(update.event, update.order, execution_of(update)))

    def _note_state(self, state: State) -> None:
        if state.name in ("connected", "nonsense"):
            self._streaming |= state.name == "connected"
            with self._flow.trouble.reported():
                self._clock.sync()
            self.reconcile()
            return
        if self._streaming or state.name in ("refused", "error"):
            self._flow.trouble.report(f"trade updates: {state.name}{f' ({state.reason})' if state.reason else ''}")
        self._streaming &= state.name == "error"
