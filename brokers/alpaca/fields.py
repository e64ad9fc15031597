"""Fields: where an order request contradicts itself, whatever account and market are. Imports increments and request.

Pages "Create an Order", "Orders at Alpaca" and "Fractional Trading".
"""

from collections.abc import Iterator

from brokers.alpaca.increments import round_price
from brokers.alpaca.request import OrderRequest

TYPES = {"market": (), "limit": ("limit_price",), "stop": ("stop_price",),
         "stop_limit": ("stop_price", "limit_price"), "trailing_stop": ()}
FORCES = ("day", "gtc", "opg", "cls", "ioc", "fok")
LEGS = {"simple": "neither", "oto": "one", "bracket": "both", "oco": "both"}
PRICES = ("limit_price", "stop_price", "take_profit", "stop_loss", "stop_loss_limit")
AMOUNTS = ("qty", "notional", "trail_percent", "trail_price")
LONGEST_ID = 128


def contradictions(request: OrderRequest) -> list[str]:
    """What is wrong with the request by itself, in plain sentences."""
    unknown = list(_unknown(request))
    if unknown:
        return unknown
    return [*_amounts(request), *_prices(request), *_legs(request), *_force(request), *_fraction(request)]


def _unknown(request: OrderRequest) -> Iterator[str]:
    for name, known in (("side", ("buy", "sell")), ("type", TYPES), ("tif", FORCES), ("order_class", LEGS)):
        if getattr(request, name) not in known:
            yield f"{name} {getattr(request, name)!r} is none of {', '.join(known)}"
    if not request.symbol:
        yield "an order needs a symbol"


def _amounts(request: OrderRequest) -> Iterator[str]:
    for name in (*AMOUNTS, *PRICES):
        number = getattr(request, name)
        if number is not None and number <= 0:
            yield f"{name} {number:f} is not above 0"
        elif name in PRICES and number is not None and number != round_price(number):
            yield f"{name} {number:f} is finer than {'a cent' if number >= 1 else 'a hundredth of a cent'}"
    if (request.qty is None) == (request.notional is None):
        yield "an order has either qty or notional"
    if len(request.client_order_id) > LONGEST_ID:
        yield f"client_order_id has {len(request.client_order_id)} characters: at most {LONGEST_ID} are allowed"


def _prices(request: OrderRequest) -> Iterator[str]:
    kind, needed = request.type.replace("_", " "), TYPES[request.type]
    if request.order_class == "oco" and (request.limit_price, request.stop_price) != (None, None):
        yield "the prices of an oco order are its take_profit and stop_loss"
    for name in ("limit_price", "stop_price") if request.order_class != "oco" else ():
        stated = getattr(request, name) is not None
        if stated != (name in needed):
            yield f"a {kind} order {'has no' if stated else 'needs'} {name}"
    trails = (request.trail_price is not None) + (request.trail_percent is not None)
    if trails != (request.type == "trailing_stop"):
        yield "a trailing stop needs one of trail_price and trail_percent, and no other order has them"


def _legs(request: OrderRequest) -> Iterator[str]:
    group, legs = request.order_class, (request.take_profit is not None) + (request.stop_loss is not None)
    if ("neither", "one", "both")[legs] != LEGS[group]:
        yield f"{group} orders have {LEGS[group]} of take_profit and stop_loss"
    if request.stop_loss_limit is not None and request.stop_loss is None:
        yield "stop_loss_limit needs stop_loss"
    if group == "oco" and request.type != "limit":
        yield "an oco order is of type limit"
    if group == "bracket" and request.type not in ("market", "limit"):
        yield "a bracket is entered with a market or limit order"


def _force(request: OrderRequest) -> Iterator[str]:
    if request.tif not in ("day", "gtc"):
        if request.type not in ("market", "limit"):
            yield f"a {request.type.replace('_', ' ')} order is day or gtc"
        elif request.order_class != "simple":
            yield f"{request.order_class} orders are day or gtc"
    if request.extended_hours and (request.type, request.tif, request.order_class) != ("limit", "day", "simple"):
        yield "in extended hours only simple day limit orders trade"


def _fraction(request: OrderRequest) -> Iterator[str]:
    if not request.is_fractional:
        return
    if request.qty is not None and request.qty != round(request.qty, 9):
        yield f"qty {request.qty:f} has more than nine decimals"
    if request.notional is not None and request.notional != round(request.notional, 2):
        yield f"notional {request.notional:f} is finer than a cent"
    if request.tif != "day":
        yield f"fractions of shares trade as day orders only, not {request.tif}"
    if request.order_class != "simple" or request.type == "trailing_stop":
        yield "fractions of shares trade as simple orders, without a trailing stop"
