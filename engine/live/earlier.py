"""Orders of earlier decisions: taken back before a new one is made, or before they trade. Imports brokers.alpaca and journal."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import Refused
from brokers.alpaca.rest import Rest
from journal.blotter import DONE, PLANNED, Blotter

log = logging.getLogger(__name__)
CANCEL_S, POLL_S = 30.0, 1.0

SplitsOn = Callable[[Sequence[str], str], Mapping[str, float]]


class Earlier:
    """What earlier decisions have left on an account."""

    def __init__(self, rest: Rest, clock: BrokerClock, blotter: Blotter) -> None:
        self._rest, self._clock, self._blotter = rest, clock, blotter

    def take_back(self, account_id: str, symbols: Sequence[str]) -> dict[str, str]:
        """Take back what remains of earlier decisions on some symbols, and wait for the broker's answer.

        Returns:
            Symbol -> sentence, of the orders that do not end.

        Raises:
            BrokerUnavailable, Unauthorized: no answer.
        """
        stuck: dict[str, str] = {}
        for order in self._blotter.unfinished(account_id, symbols):
            sent = order.state != PLANNED or order.tif  # what was sent may arrive after nobody has found it
            found = self._rest.order_by_client_id(order.client_order_id) if sent else None
            deadline = self._clock.monotonic() + CANCEL_S
            while found is not None and found.open and found.status != "done_for_day":
                if self._clock.monotonic() > deadline:
                    stuck[order.symbol] = (f"the order to {order.side} {order.symbol} ({order.client_order_id}) of an earlier decision does not "
                                           f"end (status {found.status}): {order.symbol} is left as it is")
                    break
                self._cancel(found.id)
                self._clock.sleep(POLL_S)
                found = self._rest.order(found.id)
            if found is None:
                self._blotter.change(order.client_order_id, state=DONE, reason="a later decision took its place")
            elif order.symbol not in stuck:
                self._blotter.change(order.client_order_id, state=DONE, status=found.status, broker_id=found.id, filled=found.filled_qty,
                                     price=found.filled_avg_price, reason="" if found.status == "filled" else "a later decision took its place")
        return stuck

    def drop_split(self, decision_id: int, trades: tuple[int, int], splits_on: SplitsOn) -> None:
        """Give up planned orders in symbols that split before they trade: their number of shares is that of yesterday.

        Args:
            trades: open and close of the session they are for, UTC ns.
        """
        planned = [order for order in self._blotter.orders(decision_id) if order.state == PLANNED]
        if not planned or self._clock.now_ns() >= trades[1]:
            return
        date = str(np.datetime64(trades[0], "ns").astype("datetime64[D]"))
        splits = splits_on(sorted({order.symbol for order in planned}), date)
        for order in planned:
            if order.symbol in splits:
                self._blotter.change(order.client_order_id, state=DONE, reason=f"it splits {splits[order.symbol]:g}:1 on {date}, before it trades")

    def _cancel(self, order_id: str) -> None:
        try:
            self._rest.cancel(order_id)
        except Refused as refused:
            log.info("cancel of %s: %s", order_id, refused)
