"""Trade updates: the events of orders, as the page "Websocket Streaming" lists them, and the faults they suffer."""

import copy
import random
from collections.abc import Callable
from typing import Any

from brokers.local_alpaca.agenda import Agenda
from brokers.local_alpaca.faults import EventFault, Faults
from brokers.local_alpaca.ledger import Ledger
from brokers.local_alpaca.moments import SECOND, text
from brokers.local_alpaca.orders import Execution, Order
from brokers.local_alpaca.shapes import money, order_json

Update = dict[str, Any]


class TradeUpdates:
    """Writes events into the ledger and hands them to `listeners`, one update ({"event", "order", …}) at a time."""

    def __init__(self, ledger: Ledger, faults: Faults, agenda: Agenda, shuffle: random.Random,
                 new_id: Callable[[], str]) -> None:
        self.ledger, self.faults, self.agenda, self.random, self.new_id = ledger, faults, agenda, shuffle, new_id
        self.listeners: list[Callable[[Update], None]] = []
        self._swapped: list[Update] = []

    def publish(self, order: Order, event: str, at: int, position: Any, execution: Execution | None = None) -> None:
        """Tell what happened to an order; a fill brings its execution."""
        update: Update = {"event": event, "event_id": self.new_id(), "timestamp": text(at), "order": order_json(order),
                          "execution_id": execution.id if execution else self.new_id()}
        if execution:
            update |= {"price": money(execution.price), "qty": money(execution.qty), "position_qty": money(position)}
        self.ledger.events.append(copy.deepcopy(update))
        self._send_with_faults(update, order.symbol, at)

    def _send_with_faults(self, update: Update, symbol: str, at: int) -> None:
        fault = self.faults.strike(EventFault, update["event"], symbol)
        do = fault.do if fault else ""
        if fault and do in ("delay", "shuffle"):
            seconds = fault.seconds if do == "delay" else self.random.uniform(0, fault.seconds)
            self.agenda.at(at + round(seconds * SECOND), lambda: self._send(update))
            return
        if do == "swap":
            self._swapped.append(update)
            return
        if fault and do == "rename":
            update = {**update, "event": fault.value or "restated_by_nobody"}
        if fault and do == "status":
            update = {**update, "order": {**update["order"], "status": fault.value or "under_the_weather"}}
        if do == "alien":
            strange = {"id": self.new_id(), "client_order_id": self.new_id()}
            update = {**update, "order": {**update["order"], **strange}}
        for _ in range({"lose": 0, "duplicate": 2}.get(do, 1)):
            self._send(update)

    def _send(self, update: Update) -> None:
        waiting, self._swapped = self._swapped, []
        for each in (update, *waiting):
            for listener in list(self.listeners):
                listener(each)
