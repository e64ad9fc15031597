"""The trading API: what each path answers. Plain functions of a venue and a request; no sockets.

Shapes and parameters follow the reference pages of docs.alpaca.markets named beside each function.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from brokers.local_alpaca import activities, shapes
from brokers.local_alpaca.account_answers import account_json, clock_json, configuration_json, position_json
from brokers.local_alpaca.hours import MarketHours
from brokers.local_alpaca.ledger import Request
from brokers.local_alpaca.moments import new_york
from brokers.local_alpaca.order_fields import number
from brokers.local_alpaca.orders import NANO_SHARE, Order
from brokers.local_alpaca.query import read_count, read_flag, read_span
from brokers.local_alpaca.refusals import Refusal, forbidden, malformed, missing

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

Answer = tuple[int, Any]
Route = tuple[str, re.Pattern[str], Callable[..., Answer]]


def get_orders(venue: Venue, request: Request) -> Answer:
    """Page "All Orders": status, limit (50, at most 500), after, until, direction, nested, side, symbols.

    Held legs are not among the open orders unless `nested` shows them under their group.
    """
    query = request.query
    status, nested = query.get("status", "open"), read_flag(query, "nested")
    if status not in ("open", "closed", "all"):
        raise malformed(f"invalid status: {status}")
    limit, (after, until) = read_count(query, "limit", 50, 500), read_span(query)
    symbols = query["symbols"].split(",") if query.get("symbols") else None
    found = [order for order in venue.book
             if _in_status(order, status, nested) and after < order.created_at < until
             and (symbols is None or order.symbol in symbols) and query.get("side", order.side) == order.side
             and not (nested and order.parent is not None)]
    found.sort(key=lambda order: order.created_at, reverse=query.get("direction", "desc") == "desc")
    return 200, [shapes.order_json(order, nested) for order in found[:limit]]


def _in_status(order: Order, status: str, nested: bool) -> bool:
    if status == "all":
        return True
    any_open = order.is_open and (nested or order.status != "held") or (
        nested and any(leg.is_open for leg in order.legs))
    return any_open if status == "open" else not order.is_open


def post_order(venue: Venue, request: Request) -> Answer:
    """Page "Create an Order"."""
    order = venue.desk.submit(request.body)
    request.order_id = order.id
    return 200, shapes.order_json(order, nested=True)


def get_order(venue: Venue, request: Request, order_id: str) -> Answer:
    """Page "Order by Order ID"."""
    return 200, shapes.order_json(venue.desk.find(order_id), read_flag(request.query, "nested"))


def get_by_client_id(venue: Venue, request: Request) -> Answer:
    """Page "Order by Client Order ID"."""
    order = venue.book.by_client(request.query.get("client_order_id", ""))
    if order is None:
        raise missing("order not found for " + request.query.get("client_order_id", ""))
    return 200, shapes.order_json(order)


def patch_order(venue: Venue, request: Request, order_id: str) -> Answer:
    """Page "Replace Order by ID"."""
    order = venue.desk.replace(order_id, request.body)
    request.order_id = order.id
    return 200, shapes.order_json(order)


def delete_order(venue: Venue, request: Request, order_id: str) -> Answer:
    """Page "Delete Order by ID": 204 says that the request was taken, not that the order is gone."""
    venue.desk.cancel(order_id)
    return 204, None


def delete_orders(venue: Venue, request: Request) -> Answer:
    """Page "All Orders" (DELETE): 207 with a status for every order asked to be cancelled."""
    return 207, [{"id": order.id, "status": status} for order, status in venue.desk.cancel_all().items()]


def get_positions(venue: Venue, request: Request) -> Answer:
    """Page "All Open Positions"."""
    return 200, [position_json(venue, symbol) for symbol in sorted(venue.account.positions)]


def _held_symbol(venue: Venue, name: str) -> str:
    for symbol in venue.account.positions:
        if name in (symbol, shapes.asset_id(symbol)):
            return symbol
    raise missing("position does not exist")


def get_position(venue: Venue, request: Request, name: str) -> Answer:
    """Page "Get an Open Position"."""
    return 200, position_json(venue, _held_symbol(venue, name))


def delete_position(venue: Venue, request: Request, name: str) -> Answer:
    """Page "Close a Position": a market order for all of it, `qty` shares or `percentage` of it."""
    symbol = _held_symbol(venue, name)
    held = venue.account.position(symbol)
    qty = number(request.query.get("qty"), "qty") or abs(held)
    percentage = number(request.query.get("percentage"), "percentage")
    if percentage is not None:
        qty = (abs(held) * percentage / 100).quantize(NANO_SHARE)
    if qty > abs(held):
        raise forbidden(f"insufficient qty available for order (requested: {qty:f}, available: {abs(held):f})")
    order = venue.desk.submit({"symbol": symbol, "qty": qty, "side": "sell" if held > 0 else "buy",
                               "type": "market", "time_in_force": "day"})
    request.order_id = order.id
    return 200, shapes.order_json(order)


def delete_positions(venue: Venue, request: Request) -> Answer:
    """Page "Close All Positions": 207; with `cancel_orders` all open orders are cancelled first."""
    if read_flag(request.query, "cancel_orders"):
        venue.desk.cancel_all()
        venue.settle()
    closed = []
    for symbol in sorted(venue.account.positions):
        try:
            status, body = delete_position(venue, request, symbol)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        closed.append({"symbol": symbol, "status": status, "body": body})
    return 207, closed


def get_assets(venue: Venue, request: Request) -> Answer:
    """Page "Get Assets"."""
    wanted = request.query.get("status")
    assets = [_asset(venue, symbol) for symbol in venue.market.bars.symbols]
    return 200, [asset for asset in assets if wanted in (None, asset["status"])]


def get_asset(venue: Venue, request: Request, name: str) -> Answer:
    """Page "Get an Asset by ID or Symbol"."""
    for symbol in venue.market.bars.symbols:
        if name in (symbol, shapes.asset_id(symbol)):
            return 200, _asset(venue, symbol)
    raise missing(f"asset not found for {name}")


def _asset(venue: Venue, symbol: str) -> shapes.Json:
    rules = venue.account.rules
    return shapes.asset_json(symbol, active=symbol not in rules.inactive, shortable=symbol not in rules.not_shortable,
                             fractionable=symbol not in rules.not_fractionable)


def get_clock(venue: Venue, request: Request) -> Answer:
    """Page "Get Market Clock info"."""
    return 200, clock_json(venue)


def get_calendar(venue: Venue, request: Request) -> Answer:
    """Page "Get Market Calendar info": New York dates and hours as scheduled; closures nobody announced are missing."""
    start = request.query.get("start", "1970-01-01")[:10]
    end = request.query.get("end", "2029-12-31")[:10]
    return 200, _days(venue.hours.calendar.name, start, end)


@cache
def _days(calendar: str, start: str, end: str) -> list[shapes.Json]:
    hours = MarketHours(calendar)
    return [_day(hours, session.astype(dt.date)) for session in hours.calendar.between(start, end)]


def _day(hours: MarketHours, day: dt.date) -> shapes.Json:
    opens, closes = (new_york(at).strftime("%H:%M") for at in hours.scheduled(day) or ())
    return {"date": day.isoformat(), "open": opens, "close": closes, "session_open": "0400", "session_close": "2000",
            "settlement_date": hours.calendar.step(day, 1).astype(dt.date).isoformat()}


def get_account(venue: Venue, request: Request) -> Answer:
    """Page "Get Account"."""
    return 200, account_json(venue)


def get_configuration(venue: Venue, request: Request) -> Answer:
    """Page "Account Configurations"."""
    return 200, configuration_json(venue)


def patch_configuration(venue: Venue, request: Request) -> Answer:
    """Page "Account Configurations" (PATCH): `suspend_trade` is the field that acts here."""
    if "suspend_trade" in request.body:
        venue.account.suspended_by_user = bool(request.body["suspend_trade"])
    return 200, configuration_json(venue)


ROUTES: list[Route] = [(method, re.compile(f"/v2{path}"), answer) for method, path, answer in (
    ("GET", r"/account", get_account), ("GET", r"/account/configurations", get_configuration),
    ("PATCH", r"/account/configurations", patch_configuration),
    ("GET", r"/account/activities(?:/(\w+))?", activities.get_activities),
    ("GET", r"/clock", get_clock), ("GET", r"/calendar", get_calendar), ("GET", r"/assets", get_assets),
    ("GET", r"/assets/([^/]+)", get_asset), ("GET", r"/orders", get_orders), ("POST", r"/orders", post_order),
    ("DELETE", r"/orders", delete_orders), ("GET", r"/orders:by_client_order_id", get_by_client_id),
    ("GET", r"/orders/([^/]+)", get_order), ("PATCH", r"/orders/([^/]+)", patch_order),
    ("DELETE", r"/orders/([^/]+)", delete_order), ("GET", r"/positions", get_positions),
    ("DELETE", r"/positions", delete_positions), ("GET", r"/positions/([^/]+)", get_position),
    ("DELETE", r"/positions/([^/]+)", delete_position),
)]
