"""Delivery: one order reaches the venue exactly once, whatever happens to the answers. Imports modules beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from brokers.alpaca.answers import Order
from brokers.alpaca.errors import BrokerUnavailable, OrderUncertain, Refused, Unauthorized
from brokers.alpaca.patience import Patience
from brokers.alpaca.transport import NoAnswer

log = logging.getLogger(__name__)
LOOKUPS = 3  # how often an order is asked for before it is sent again


class Delivery:
    """Sends an order until it is known to exist or to be refused.

    A lost answer is resolved by asking for the client order id; only an order that is not found is sent again, and
    under the same id, which the venue takes once for ever: at most one of the two can be accepted.

    Args:
        send: the POST or PATCH; raises NoAnswer, Refused or Unauthorized.
        look_up: the order by its client order id, or None; raises BrokerUnavailable and Unauthorized.
    """

    def __init__(self, client_order_id: str, send: Callable[[], Order], look_up: Callable[[], Order | None],
                 patience: Patience) -> None:
        self._id, self._send, self._look_up, self._patience = client_order_id, send, look_up, patience
        self._may_exist = False

    def run(self) -> Order:
        """The order as the venue has it.

        Raises:
            Refused: the venue does not want it. BrokerUnavailable: it was never taken.
            OrderUncertain, Unauthorized: no answer; the message says whether it may exist.
        """
        try:
            while (order := self._try()) is None:
                pass
            return order
        except Unauthorized as error:
            if self._may_exist:
                raise Unauthorized(f"{error}; order {self._id} may or may not exist") from None
            raise

    def _try(self) -> Order | None:
        """Send once; the order if it exists then, None if it has to be sent again."""
        try:
            return self._send()
        except Refused as refused:
            if not (self._may_exist or refused.is_duplicate):
                raise
            self._may_exist |= refused.is_duplicate
            order = self._find(refused.reason)
            if order is None and not refused.is_duplicate:
                raise
            trouble, pause = refused.reason, None
        except NoAnswer as lost:
            log.warning("alpaca: order %s: %s", self._id, lost)
            self._may_exist |= lost.maybe_done
            order = self._find(str(lost)) if lost.maybe_done else None
            trouble, pause = str(lost), lost.retry_after_s
        if order is None and not self._patience.wait(pause):
            raise self._failure(trouble)
        return order

    def _find(self, trouble: str) -> Order | None:
        try:
            for _ in range(LOOKUPS):
                found = self._look_up()
                if found is not None or not self._patience.wait():
                    return found
        except BrokerUnavailable:
            raise self._failure(trouble) from None
        return None

    def _failure(self, trouble: str) -> BrokerUnavailable:
        if self._may_exist:
            return OrderUncertain(self._id, trouble)
        return BrokerUnavailable(f"alpaca did not take order {self._id} ({trouble}): it does not exist; try later")
