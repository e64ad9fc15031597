"""A live run that goes on where an earlier one has ended: what is too old to trade on, and orders that stand already."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from backtrader import Order

from core.calendars import get_calendar
from strategies.desk import Desk
from strategies.exits import PROTECTIVE, Protection
from strategies.past import Past, entered_ns

CLOSING = "end"  # the intent of orders that close what a run holds when it ends


def is_past(data: Any) -> bool:
    """Whether a live feed still shows what is too old to trade on."""
    return bool(getattr(data, "backfilling", data._laststatus != data.LIVE))


def is_before_open(feeds: Iterable[Any], calendar: str) -> bool:
    """Whether the market of some live feeds is closed, so that its next opening auction is ahead; False where no feed tells the time."""
    now = next((at for data in feeds if (at := getattr(data, "now_ns", None)) is not None), None)
    hours = get_calendar(calendar)
    return now is not None and now < int(hours.open_of(hours.session_of(np.array([now])))[0])


def adopt(told: Order, broker: Any, desk: Desk, protection: Protection) -> None:
    """Let an open order of an earlier run stand in the way of new ones as if it had been sent now.

    Args:
        told: a copy, as strategies are told of it, with the client order id in its `info`.
    """
    intent = told.info["intent"] = purpose_of(told)
    told.info["protective"] = intent in PROTECTIVE
    for order in broker.get_orders_open():
        if order.ref == told.ref and intent:
            (protection if intent in PROTECTIVE else desk).adopt(order)


def recall(strategy: Any, protection: Protection, index: np.ndarray, signals: np.ndarray) -> None:
    """Let exits go on from what an earlier process of the run has done, where the broker knows it.

    Args:
        index: (T,) moments of the rows before this one. signals: (T, N) decisions on them.
    """
    past: Past | None = getattr(strategy.broker, "past", None)
    columns = {data: at for at, data in enumerate(strategy.datas)}

    def lifted(data: Any, side: int, moment: int) -> bool:
        return bool((signals[int(np.searchsorted(index, moment)) :, columns[data]] * side <= 0).any())

    if past is not None:
        protection.recall(past, lifted)


def missed_exits(strategy: Any, signals: np.ndarray, within_day: bool) -> list[Any]:
    """Feeds with a position although the latest decision, of (T, N) up to now, was to be out of it, or on its other side.

    With daily bars only where the run is known to have bought it; within the day nothing else is in its symbols.
    """
    past: Past | None = getattr(strategy.broker, "past", None)
    missed = []
    for at, data in enumerate(strategy.datas):
        decided, size = signals[:, at][~np.isnan(signals[:, at])], strategy.getposition(data).size
        is_own = within_day or (past is not None and entered_ns(past(data._name), size) is not None)
        if size and len(decided) and decided[-1] * size <= 0 and is_own:
            missed.append(data)
    return missed


def purpose_of(order: Order) -> str:
    """What an order of ours is for: as it was told, else as its client order id says; "" where it is none of ours.

    In a group of protective orders the venue has named all but the first: they are told apart by their kind.
    """
    if order.info.get("intent"):
        return str(order.info["intent"])
    own = intent_of(str(order.info.get("client_order_id") or ""))
    if own or intent_of(str(order.info.get("lead") or "")) not in PROTECTIVE:
        return own
    return "profit" if order.exectype == Order.Limit else "trail" if order.exectype == Order.StopTrail else "stop"


def is_protective(order: Order) -> bool:
    """Whether an order of ours protects a position."""
    return purpose_of(order) in PROTECTIVE


def intent_of(client_order_id: str) -> str:
    """What an order "cl-SYMBOL-DATE-INTENT-HASH" is for; "" where the name is none of ours."""
    parts = client_order_id.split("-")
    return parts[3] if len(parts) == 5 and parts[0] == "cl" else ""
