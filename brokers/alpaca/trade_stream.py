"""TradeStream: what happens to the account's orders, as Alpaca tells it. Imports answers, stream and moments.

Page "Websocket Streaming". Nothing is filtered: updates come in the order of arrival, which need not be that of the
events; they may come twice or not at all, and unknown events and statuses keep their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from brokers.alpaca.answers import Order, Raw, exact
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.moments import to_ns
from brokers.alpaca.stream import SILENCE_S, OnState, Stream
from brokers.alpaca.stream_trouble import keys_refused, lost
from brokers.alpaca.stream_wire import Message
from core.clock import Clock

UPDATES = "trade_updates"


@dataclass(frozen=True)
class TradeUpdate:
    """One event of an order, and the order after it.

    Attributes:
        event: "new", "partial_fill", "fill", "canceled", …, or a name nobody has heard of.
        execution_id: of a fill, the same in every telling of it.
        qty, price: of the execution, not cumulative; None where the event is none.
        position_qty: shares held after it, negative for a short position.
        time_ns: when it happened, UTC ns, by Alpaca.
    """

    event: str
    order: Order
    execution_id: str | None
    qty: Decimal | None
    price: Decimal | None
    position_qty: Decimal | None
    time_ns: int
    raw: Raw = field(repr=False)

    @classmethod
    def read(cls, raw: Raw) -> TradeUpdate:
        """The data of a `trade_updates` message; an event without a time of its own has its order's.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        order = Order.read(raw["order"])
        at = to_ns(raw["timestamp"]) if raw.get("timestamp") else order.updated_ns
        if at is None:
            raise ValueError("it has no time")
        return cls(event=str(raw["event"]), order=order, execution_id=raw.get("execution_id") or None,
                   qty=exact(raw.get("qty")), price=exact(raw.get("price")),
                   position_qty=exact(raw.get("position_qty")), time_ns=at, raw=raw)


class TradeStream(Stream):
    """The account's one websocket for trade updates.

    At "connected" it is authenticated and listening is acknowledged; what happened before is told to nobody, so the
    consumer then reads orders, positions and activities by REST. The same after a report of "nonsense": an update
    could not be read. A stream that answers pings but tells nothing is found by `expect`, which the broker calls
    after a request that must produce an event.

    Args:
        on_update: told every update, in the stream's thread.
        clock, on_state, silence_s, seed: see `Stream`.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock, on_update: Callable[[TradeUpdate], None], on_state: OnState,
                 silence_s: float = SILENCE_S, seed: int | None = None) -> None:
        super().__init__("trade", endpoints.trade_stream, endpoints, clock, on_state, silence_s, seed)
        self._on_update = on_update

    def _hello(self) -> Iterable[Message]:
        return [{"action": "auth", "key": self._endpoints.key_id, "secret": self._endpoints.secret_key}]

    def _messages(self, frame: str | bytes) -> Iterable[Any]:
        return [json.loads(frame, parse_float=str)]

    def _take(self, message: Any) -> Iterable[Message]:
        stream, data = message.get("stream"), message.get("data") or {}
        if stream == UPDATES:
            self._event(self._on_update, TradeUpdate.read(data))
        elif stream == "authorization":
            if data.get("status") != "authorized":
                raise keys_refused(str(data.get("status")))
            return [{"action": "listen", "data": {"streams": [UPDATES]}}]
        elif stream == "listening":
            if UPDATES not in data.get("streams", ()):
                raise lost("alpaca does not let the account listen to trade updates")
            self._connected()
        elif "error" in (stream, message.get("action")):
            self._report("error", str(data.get("error_message") or data))
        return ()
