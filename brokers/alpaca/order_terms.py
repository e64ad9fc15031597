"""Terms: what Backtrader's orders, alone or in groups, mean as requests to Alpaca. Imports the modules beside it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from backtrader import Order

from brokers.alpaca.increments import round_price
from brokers.alpaca.moments import new_york
from brokers.alpaca.request import OrderRequest
from core.day_numbers import moments_of
from core.errors import UsageError

TYPES = {Order.Market: "market", Order.Close: "market", Order.Limit: "limit", Order.Stop: "stop",
         Order.StopLimit: "stop_limit", Order.StopTrail: "trailing_stop"}
STOPS = (Order.Stop, Order.StopLimit)
Amounts = dict[str, Any]
DECIMALS = 9  # beyond them there is only the noise of binary fractions


def exact_number(value: float) -> Decimal:
    """A float as the decimal number it stands for.

    Raises:
        UsageError: it is not finite.
    """
    if not math.isfinite(value):
        raise UsageError(f"an order has a size or price of {value}: it must be a finite number")
    return Decimal(repr(round(float(value), DECIMALS)))


def moment_of(number: float) -> int:
    """UTC nanoseconds of one of Backtrader's day numbers."""
    return int(moments_of(np.array([number]))[0])


def symbol_of(data: Any) -> str:
    """The symbol a feed shows."""
    return str(data._name or data._dataname)


def request_of(order: Order, qty: Decimal, today: dt.date) -> OrderRequest:
    """The request for a single order.

    Args:
        qty: shares, rounded. today: New York's date; an order `valid` up to it is a day order.

    `order.info` may hold "tif" (any of Alpaca's), "auction" ("open": opg), "extended_hours", and "notional" (USD in
    place of shares).

    Raises:
        UsageError: Alpaca has no such kind of order.
    """
    if order.exectype not in TYPES:
        raise UsageError(f"alpaca has no {order.getordername()} orders: use another exectype")
    notional = order.info.get("notional")
    amount: Amounts = {"qty": qty} if notional is None else {"notional": exact_number(notional)}
    fraction = notional is not None or qty != qty.to_integral_value()
    return OrderRequest(
        symbol=symbol_of(order.data), side=_side(order), type=TYPES[order.exectype], **amount, **_prices(order),
        tif=time_in_force(order, today, fraction), extended_hours=bool(order.info.get("extended_hours")))


def bracket_of(entry: Order, exits: list[Order], qty: Decimal, today: dt.date) -> OrderRequest:
    """The request for an entry with its exits: a bracket with two, an OTO with one.

    Raises:
        UsageError: the exits are not one limit and one stop, or one of them, on the other side, of the same size.
    """
    request, legs = request_of(entry, qty, today), _legs(exits)
    if any(leg.isbuy() == entry.isbuy() or abs(leg.size) != abs(entry.size) for leg in exits):
        raise UsageError("the exits of an order close all of it: the same size, on the other side")
    force = entry.info.get("tif") or _longest([entry, *exits], today)
    return replace(request, order_class="bracket" if len(exits) == 2 else "oto", tif=force, **legs)


def oco_of(exits: list[Order], qty: Decimal, today: dt.date) -> OrderRequest:
    """The request for two exits of which one cancels the other.

    Raises:
        UsageError: they are not one limit and one stop on the same side and of the same size.
    """
    legs, first = _legs(exits), exits[0]
    if len(legs) < 2 or any(leg.isbuy() != first.isbuy() or abs(leg.size) != abs(first.size) for leg in exits):
        raise UsageError("orders that cancel each other are one limit and one stop of the same side and size")
    force = first.info.get("tif") or _longest(exits, today)
    return OrderRequest(symbol=symbol_of(first.data), side=_side(first), qty=qty, type="limit", order_class="oco",
                        tif=force, **legs)


def time_in_force(order: Order, today: dt.date, fraction: bool = False) -> str:
    """Alpaca's word for how long an order is good: as told by `info`, else by its kind, else by `valid`."""
    if order.info.get("tif"):
        return str(order.info["tif"])
    if order.exectype == Order.Close:
        return "cls"
    if order.info.get("auction") == "open":
        return "opg"
    if fraction or order.exectype == Order.Market:
        return "day"
    return "day" if is_for_today(order, today) else "gtc"


def is_for_today(order: Order, today: dt.date) -> bool:
    """Whether an order is good for today only, by its `valid`."""
    asked = order.p.valid
    if asked is None:
        return False
    if asked == Order.DAY or (not isinstance(asked, dt.date | dt.timedelta) and not asked):
        return True
    return new_york(moment_of(order.valid)).date() <= today


def _longest(orders: list[Order], today: dt.date) -> str:
    return "day" if all(is_for_today(order, today) for order in orders) else "gtc"


def _side(order: Order) -> str:
    return "buy" if order.isbuy() else "sell"


def _prices(order: Order) -> Amounts:
    kind, created = order.exectype, order.created
    if kind == Order.Limit:
        return {"limit_price": _limit(order, created.price)}
    if kind == Order.Stop:
        return {"stop_price": round_price(exact_number(created.price))}
    if kind == Order.StopLimit:
        return {"stop_price": round_price(exact_number(created.price)),
                "limit_price": _limit(order, created.pricelimit)}
    if kind == Order.StopTrail and order.trailamount:
        return {"trail_price": round_price(exact_number(order.trailamount))}
    if kind == Order.StopTrail and order.trailpercent:
        return {"trail_percent": exact_number(order.trailpercent * 100)}
    return {}


def _limit(order: Order, price: float) -> Decimal:
    """On its increment, and never worse than asked for."""
    return round_price(exact_number(price), "down" if order.isbuy() else "up")


def _legs(exits: list[Order]) -> Amounts:
    """The exits' prices as fields of a group.

    Raises:
        UsageError: two of a kind, or a kind that is no exit.
    """
    found: Amounts = {}
    for leg in exits:
        prices = _prices(leg)
        if leg.exectype == Order.Limit and "take_profit" not in found:
            found["take_profit"] = prices["limit_price"]
        elif leg.exectype in STOPS and "stop_loss" not in found:
            found |= {"stop_loss": prices["stop_price"]}
            if leg.exectype == Order.StopLimit:
                found["stop_loss_limit"] = prices["limit_price"]
        else:
            kinds = " and ".join(each.getordername() for each in exits)
            raise UsageError(f"alpaca's groups have at most one limit and one stop as exits, not {kinds}")
    return found
