"""Matching: at what price a trade, or the range of a bar, fills one order. No state of its own, no venue.

A limit is never filled at a worse price; inside a bar it is filled at the limit, at an open beyond it at the open.
A stop is filled at its price inside a bar and, when the market gaps through it, at the open; but a buy stop never
above a collar of 4% (2.5% from 50 USD on) over its stop. (Page "Orders at Alpaca".)
"""

from decimal import Decimal

from brokers.local_alpaca.orders import Order


def trade_fill(order: Order, price: Decimal) -> Decimal | None:
    """The price at which a single trade at `price` fills the order; arms stop-limits and moves trailing marks."""
    if order.type == "market":
        return price
    if order.type == "limit":
        return price if _within(order, price) else None
    if order.triggered or _touched(order, price):
        order.triggered = True
        return price if _within(order, price) else None
    _move_mark(order, price)
    return None


def range_fill(order: Order, low: Decimal, high: Decimal, close: Decimal) -> Decimal | None:
    """The price at which a bar's range, after its open, fills the order.

    The path inside a bar is unknown: a trailing stop is tested against the mark it had, then against the mark
    the bar's extreme gives it if the close lies beyond; a stop-limit armed inside a bar waits for the close
    when its limit is not met at the stop price.
    """
    best, worst = (low, high) if order.side == "buy" else (high, low)
    if order.type == "market":
        return None
    if order.type == "limit" or order.triggered:
        worst_allowed = _limit(order)
        return worst_allowed if worst_allowed is not None and _within(order, best) else None
    if _touched(order, worst):
        return _triggered_at_stop(order)
    _move_mark(order, best)
    if order.type == "trailing_stop" and _touched(order, close):
        return _triggered_at_stop(order)
    return None


def _limit(order: Order) -> Decimal | None:
    """The worst price an order accepts; a buy stop works as a stop-limit with a collar."""
    if order.type == "stop" and order.side == "buy" and order.stop_price is not None:
        collar = Decimal("1.025") if order.stop_price >= 50 else Decimal("1.04")
        return (order.stop_price * collar).quantize(Decimal("0.01"))
    return order.limit_price


def _within(order: Order, price: Decimal) -> bool:
    limit = _limit(order)
    return limit is None or order.sign * (price - limit) <= 0


def _touched(order: Order, price: Decimal) -> bool:
    stop = order.stop_at
    return stop is not None and order.sign * (price - stop) >= 0


def _triggered_at_stop(order: Order) -> Decimal | None:
    order.triggered = True
    stop = order.stop_at
    assert stop is not None
    return stop if _within(order, stop) else None


def _move_mark(order: Order, price: Decimal) -> None:
    if order.type == "trailing_stop":
        pick = min if order.side == "buy" else max
        order.mark = price if order.mark is None else pick(order.mark, price)
