"""Brackets, OCO and OTO: building the legs of a group and checking their prices (page "Orders at Alpaca").

The take-profit works as a limit; the stop-loss is `held` and is routed when its stop is touched.
"""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from brokers.local_alpaca.order_fields import check_increment, number
from brokers.local_alpaca.orders import Order
from brokers.local_alpaca.refusals import unprocessable

CENT = Decimal("0.01")


def add_legs(order: Order, body: dict[str, Any], market: Decimal, new_id: Callable[[], str],
             shuffle: random.Random) -> None:
    """Attach the legs the request asks for, in an order drawn from `shuffle`; `market` is the current price.

    Raises:
        Refusal: 422 for legs that are missing, too many, or on the wrong side of the price.
    """
    if order.order_class == "simple":
        if body.get("take_profit") or body.get("stop_loss"):
            raise unprocessable("simple orders must not have take_profit or stop_loss")
        return
    profit, loss = _prices(order, body)
    _check_side(order, profit, loss[0], market)
    exit_side = order.side if order.order_class == "oco" else ("sell" if order.side == "buy" else "buy")
    if profit is not None and order.order_class != "oco":
        order.legs.append(_leg(order, "take_profit", exit_side, new_id, limit_price=profit))
    if order.order_class == "oco":
        order.leg = "take_profit"
    if loss[0] is not None:
        order.legs.append(_leg(order, "stop_loss", exit_side, new_id, stop_price=loss[0], limit_price=loss[1]))
    shuffle.shuffle(order.legs)


def _prices(order: Order, body: dict[str, Any]) -> tuple[Decimal | None, tuple[Decimal | None, Decimal | None]]:
    take, stop = body.get("take_profit") or {}, body.get("stop_loss") or {}
    profit = number(take.get("limit_price"), "take_profit.limit_price")
    loss = (number(stop.get("stop_price"), "stop_loss.stop_price"),
            number(stop.get("limit_price"), "stop_loss.limit_price"))
    both = profit is not None and loss[0] is not None
    if order.order_class in ("bracket", "oco") and not both:
        raise unprocessable(f"{order.order_class} orders require take_profit.limit_price and stop_loss.stop_price")
    if order.order_class == "oto" and (both or (profit is None and loss[0] is None)):
        raise unprocessable("oto orders require either take_profit or stop_loss")
    if order.order_class == "oco" and order.type != "limit":
        raise unprocessable("oco orders must be limit orders")
    if order.order_class == "bracket" and order.type not in ("market", "limit"):
        raise unprocessable("bracket orders must be entered with market or limit orders")
    for name, price in (("take_profit.limit_price", profit), ("stop_loss.stop_price", loss[0]),
                        ("stop_loss.limit_price", loss[1])):
        if price is not None:
            check_increment(price, name)
    return profit, loss


def _check_side(order: Order, profit: Decimal | None, stop: Decimal | None, market: Decimal) -> None:
    """Exits must be a cent away from the base prices: market, entry limit, and an OCO's take-profit for its stop."""
    sign = -order.sign if order.order_class == "oco" else order.sign
    less, more = ("<=", ">=") if sign > 0 else (">=", "<=")
    bases = [market] + [price for price in (order.limit_price,) if price is not None]
    base = min(bases) if sign > 0 else max(bases)
    if stop is not None and sign * (base - stop) < CENT:
        raise unprocessable(f"stop_loss.stop_price must be {less} base_price {'-' if sign > 0 else '+'} 0.01",
                            base_price=f"{base:f}")
    entry = order.limit_price if order.limit_price is not None else market
    if order.order_class != "oco" and profit is not None and sign * (profit - entry) < CENT:
        raise unprocessable(f"take_profit.limit_price must be {more} base_price {'+' if sign > 0 else '-'} 0.01",
                            base_price=f"{entry:f}")


def _leg(order: Order, leg: str, side: str, new_id: Callable[[], str], **prices: Any) -> Order:
    kind = "limit" if leg == "take_profit" else "stop" if prices.get("limit_price") is None else "stop_limit"
    return Order(id=new_id(), client_order_id=new_id(), symbol=order.symbol, side=side, type=kind, qty=order.qty,
                 time_in_force=order.time_in_force, created_at=order.created_at, updated_at=order.created_at,
                 order_class=order.order_class, status="held", leg=leg, parent=order, **prices)
