"""A live run that goes on where an earlier one has ended: what is too old to trade on, and orders that stand already."""

from typing import Any

from backtrader import Order

from strategies.desk import Desk
from strategies.exits import PROTECTIVE, Protection


def is_past(data: Any) -> bool:
    """Whether a live feed still shows what is too old to trade on."""
    return bool(getattr(data, "backfilling", data._laststatus != data.LIVE))


def adopt(told: Order, broker: Any, desk: Desk, protection: Protection) -> None:
    """Let an open order of an earlier run stand in the way of new ones as if it had been sent now.

    Args:
        told: a copy, as strategies are told of it, with the client order id in its `info`.
    """
    intent = told.info["intent"] = intent_of(told.info["client_order_id"])
    told.info["protective"] = intent in PROTECTIVE
    for order in broker.get_orders_open():
        if order.ref == told.ref and intent:
            (protection if intent in PROTECTIVE else desk).adopt(order)


def intent_of(client_order_id: str) -> str:
    """What an order "cl-SYMBOL-DATE-INTENT-HASH" is for; "" where the name is none of ours."""
    parts = client_order_id.split("-")
    return parts[3] if len(parts) == 5 and parts[0] == "cl" else ""
