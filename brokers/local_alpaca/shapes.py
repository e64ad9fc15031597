"""Alpaca's JSON shapes: money and quantities as text, times as RFC 3339, absent values as null.

Fields follow the reference pages "Get All Orders", "Get Account", "All Open Positions" and "Assets".
"""

import uuid
from decimal import Decimal
from typing import Any

from brokers.local_alpaca.moments import text
from brokers.local_alpaca.orders import Execution, Order

Json = dict[str, Any]
STAMPS = ("filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at")


def money(value: Decimal | None) -> str | None:
    """A number as plain text without trailing zeros."""
    if value is None:
        return None
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") or "0" if "." in plain else plain


def asset_id(symbol: str) -> str:
    """The same id for the same symbol, always."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{symbol}.us_equity"))


def order_json(order: Order, nested: bool = False) -> Json:
    """One order; `nested` shows the legs of a group."""
    average = order.filled_avg_price
    return {
        "id": order.id, "client_order_id": order.client_order_id, "created_at": text(order.created_at),
        "updated_at": text(order.updated_at), "submitted_at": text(order.created_at),
        **{name: text(order.stamps[name]) if name in order.stamps else None for name in STAMPS},
        "expires_at": None if order.expires_at is None else text(order.expires_at),
        "replaced_by": order.replaced_by, "replaces": order.replaces,
        "asset_id": asset_id(order.symbol), "symbol": order.symbol, "asset_class": "us_equity",
        "notional": money(order.notional), "qty": money(order.qty), "filled_qty": money(order.filled_qty),
        "filled_avg_price": None if average is None else money(round(average, 6)),
        "order_class": order.order_class if order.order_class != "simple" else "", "order_type": order.type,
        "type": order.type, "side": order.side, "position_intent": order.position_intent or None,
        "time_in_force": order.time_in_force, "limit_price": money(order.limit_price),
        "stop_price": money(order.stop_at), "status": order.status, "extended_hours": order.extended_hours,
        "legs": [order_json(leg) for leg in order.legs] if nested and order.legs else None,
        "trail_percent": money(order.trail_percent), "trail_price": money(order.trail_price),
        "hwm": money(order.mark), "subtag": None, "source": None,
    }


def asset_json(symbol: str, *, active: bool, shortable: bool, fractionable: bool) -> Json:
    """One asset (page "Get an Asset by ID or Symbol")."""
    return {"id": asset_id(symbol), "class": "us_equity", "exchange": "NASDAQ", "symbol": symbol,
            "name": f"{symbol} Common Stock", "status": "active" if active else "inactive", "tradable": active,
            "marginable": True, "maintenance_margin_requirement": 30, "margin_requirement_long": "30",
            "margin_requirement_short": "30", "shortable": shortable, "easy_to_borrow": shortable,
            "fractionable": fractionable, "attributes": []}


def fill_json(execution: Execution, account_id: str) -> Json:
    """A FILL activity (page "Account Activities")."""
    kind = "fill" if execution.leaves_qty == 0 else "partial_fill"
    return {"id": activity_id(execution.time, execution.id), "account_id": account_id, "activity_type": "FILL",
            "transaction_time": text(execution.time), "type": kind, "price": money(execution.price),
            "qty": money(execution.qty), "side": execution.side, "symbol": execution.symbol,
            "leaves_qty": money(execution.leaves_qty), "order_id": execution.order_id,
            "cum_qty": money(execution.cum_qty), "order_status": execution.order_status}


def activity_id(at: int, identity: str) -> str:
    """Sortable by time: YYYYMMDDhhmmssmmm::uuid."""
    plain = text(at // 10**6 * 10**6)
    digits = "".join(sign for sign in plain if sign.isdigit())
    return f"{digits.ljust(17, '0')[:17]}::{identity}"
