"""Reading an order request: fields, types and combinations that need no account or market to judge.

Rests on the pages "Create an Order" and "Orders at Alpaca" (order types, time in force, extended hours, fractional).
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from brokers.local_alpaca.orders import Order
from brokers.local_alpaca.refusals import malformed, unprocessable

PRICES = {"market": (), "limit": ("limit_price",), "stop": ("stop_price",), "stop_limit": ("stop_price", "limit_price"),
          "trailing_stop": ()}
TIMES_IN_FORCE = ("day", "gtc", "opg", "cls", "ioc", "fok")
CLASSES = ("simple", "bracket", "oco", "oto")


def number(value: Any, name: str) -> Decimal | None:
    """A field as an exact number; JSON numbers and numeric texts are accepted."""
    if value in (None, ""):
        return None
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        raise malformed(f"invalid {name}: {value}") from None
    if not read.is_finite():
        raise malformed(f"invalid {name}: {value}")
    if read <= 0:
        raise unprocessable(f"{name} must be > 0")
    return read


def read_order(body: dict[str, Any], order_id: str, client_order_id: str, now: int) -> Order:
    """The order a request asks for, with its legs; nothing about account or market is checked.

    Raises:
        Refusal: 400 for what cannot be read, 422 for what contradicts itself.
    """
    kind = _one_of(body, "type", PRICES)
    order = Order(
        id=order_id, client_order_id=client_order_id, symbol=str(body.get("symbol") or ""),
        side=_one_of(body, "side", ("buy", "sell")), type=kind,
        time_in_force=_one_of(body, "time_in_force", TIMES_IN_FORCE), created_at=now, updated_at=now,
        qty=number(body.get("qty"), "qty"), notional=number(body.get("notional"), "notional"),
        limit_price=number(body.get("limit_price"), "limit_price"),
        stop_price=number(body.get("stop_price"), "stop_price"),
        trail_price=number(body.get("trail_price"), "trail_price"),
        trail_percent=number(body.get("trail_percent"), "trail_percent"),
        order_class=_one_of({**body, "order_class": body.get("order_class") or "simple"}, "order_class", CLASSES),
        extended_hours=bool(body.get("extended_hours", False)),
    )
    if order.order_class == "oco":
        order.limit_price = number((body.get("take_profit") or {}).get("limit_price"), "take_profit.limit_price")
    check_fields(order)
    return order


def check_fields(order: Order) -> None:
    """Rules that an order must obey whatever the account and the market are."""
    if not order.symbol:
        raise malformed("symbol is required")
    if (order.qty is None) == (order.notional is None):
        raise unprocessable("qty or notional is required" if order.qty is None else
                            "only one of qty or notional is accepted")
    _check_prices(order)
    _check_time_in_force(order)
    _check_fraction(order)
    if len(order.client_order_id) > 128:
        raise unprocessable("client_order_id must be no more than 128 characters")


def _one_of(body: dict[str, Any], name: str, known: Any) -> str:
    value = body.get(name)
    if value not in known:
        raise malformed(f"{name} is required" if value in (None, "") else f"invalid {name}: {value}")
    return str(value)


def _check_prices(order: Order) -> None:
    kind = order.type.replace("_", " ")
    for name in ("limit_price", "stop_price"):
        price = getattr(order, name)
        if name in PRICES[order.type] and price is None:
            raise unprocessable(f"{kind} orders require {name}")
        if name not in PRICES[order.type] and price is not None:
            raise unprocessable(f"{kind} orders must not have {name}")
        if price is not None:
            check_increment(price, name)
    trails = (order.trail_price is not None) + (order.trail_percent is not None)
    if order.type == "trailing_stop" and trails != 1:
        raise unprocessable("trailing stop orders require one of trail_price or trail_percent")
    if order.type != "trailing_stop" and trails:
        raise unprocessable(f"{kind} orders must not have trail_price or trail_percent")


def check_increment(price: Decimal, name: str) -> None:
    """At most two decimals from 1 USD on, four below ("Orders at Alpaca", Sub-penny increments; SEC rule 612)."""
    if price != round(price, 2 if price >= 1 else 4):
        raise unprocessable(f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing criteria")


def _check_time_in_force(order: Order) -> None:
    force, kind = order.time_in_force, order.type
    if force in ("opg", "cls", "ioc", "fok") and kind not in ("market", "limit"):
        raise unprocessable(f"{kind.replace('_', ' ')} orders must have time_in_force day or gtc")
    if order.extended_hours and (kind != "limit" or force != "day"):
        raise unprocessable("extended hours order must be DAY limit orders")
    if order.order_class != "simple":
        if force not in ("day", "gtc"):
            raise unprocessable(f"{order.order_class} orders must be DAY or GTC")
        if order.extended_hours:
            raise unprocessable(f"{order.order_class} orders must not have extended_hours")


def _check_fraction(order: Order) -> None:
    """Fractions and notional amounts: day, simple, no trailing stop (page "Fractional Trading")."""
    whole = order.qty is not None and order.qty == order.qty.to_integral_value()
    if whole:
        return
    if order.qty is not None and order.qty != round(order.qty, 9):
        raise unprocessable("qty can have at most 9 decimals")
    if order.notional is not None and order.notional != round(order.notional, 2):
        raise unprocessable("notional must be limited to 2 decimal places")
    if order.time_in_force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    if order.order_class != "simple":
        raise unprocessable("fractional orders must be simple orders")
    if order.type == "trailing_stop":
        raise unprocessable("fractional trailing stop orders are not supported")
    if order.notional is not None and order.type == "trailing_stop":
        raise unprocessable("notional orders must be market, limit, stop or stop limit orders")
