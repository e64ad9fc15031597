"""Rest: the gateway to Alpaca's trading API. Every call is limited in rate and time, and retried where that is safe.

Imports core and the modules beside it. Threads may share a gateway.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

from brokers.alpaca.answers import Account, Activity, Asset, Order, Position
from brokers.alpaca.delivery import Delivery
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.errors import BrokerUnavailable, Refused
from brokers.alpaca.hours import MarketClock, Session
from brokers.alpaca.limiter import WINDOW_S, Priority, RateLimiter
from brokers.alpaca.moments import to_text
from brokers.alpaca.patience import Patience
from brokers.alpaca.request import OrderRequest, plain
from brokers.alpaca.transport import TIMEOUT_S, NoAnswer, trading_client
from core.clock import Clock, SystemClock
from core.errors import UnknownName, UsageError

log = logging.getLogger(__name__)
Record = TypeVar("Record")
ORDERS_PAGE, ACTIVITIES_PAGE = 500, 100
SHORTEST_S = 0.1  # an answer is waited for at least


class Rest:
    """The trading API of one account.

    Args:
        clock: what limits, backs off and waits; None = the system's.
        seed: of the jitter.
        timeout_s: seconds to connect and to wait for an answer, of each request.
        per_minute: requests per minute; Alpaca allows 200.
        deadline_s: how long one call may go on trying.

    Attributes:
        until: local monotonic seconds after which nothing is sent or waited for any more; None = there is no such moment.
        hurried: asked before something is read once more; where it says so, the first try was the last.

    Every call raises Unauthorized (keys), Refused (the request) and BrokerUnavailable (no answer by the deadline).

    Raises:
        UsageError: alpaca-py is not installed.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock | None = None, *, seed: int | None = None,
                 timeout_s: tuple[float, float] = TIMEOUT_S, per_minute: int = 200, deadline_s: float = 60.0) -> None:
        self.endpoints, self.local = endpoints, clock or SystemClock()
        self.limiter = RateLimiter(self.local, per_minute)
        self._random, self._deadline_s = random.Random(seed), deadline_s
        self.until: float | None = None
        self.hurried: Callable[[], bool] = lambda: False
        self._timeout_s = timeout_s
        self._client = trading_client(endpoints, self._timeouts)

    def close(self) -> None:
        """End the connections."""
        self._client._session.close()

    # -- account --------------------------------------------------------------------------------------

    def account(self) -> Account:
        """The account.

        Raises:
            BadSpec: it is a live one where paper was asked for, or the reverse.
        """
        found = self._one(Account.read, "/account")
        self.endpoints.check_account(found.number)
        return found

    def positions(self) -> list[Position]:
        """What is held, by symbol."""
        return self._many(Position.read, "/positions")

    def activities(self, kinds: Sequence[str] = (), after: int | None = None) -> list[Activity]:
        """Executions and other bookings after a moment (UTC ns), oldest first, all pages; `kinds` such as "FILL"."""
        query: dict[str, Any] = {"direction": "asc", "page_size": ACTIVITIES_PAGE}
        if kinds:
            query["activity_types"] = ",".join(kinds)
        if after is not None:
            query["after"] = to_text(after)
        found: list[Activity] = []
        while True:
            page = self._many(Activity.read, "/account/activities", query)
            found += page
            if len(page) < ACTIVITIES_PAGE:
                return found
            query["page_token"] = page[-1].id

    def asset(self, symbol: str, once: bool = False) -> Asset:
        """What may be done with a symbol; `once`: no answer at the first try is no answer.

        Raises:
            UnknownName: Alpaca has no such symbol.
        """
        try:
            return self._one(Asset.read, f"/assets/{quote(symbol, safe='')}", patience=self._patience(lambda: True) if once else None)
        except Refused as refused:
            if refused.status != 404:
                raise
            raise UnknownName(f"alpaca has no symbol {symbol!r}: check the spelling") from None

    # -- time -----------------------------------------------------------------------------------------

    def clock(self) -> MarketClock:
        """The venue's time, and when the market opens and closes."""
        return self._one(MarketClock.read, "/clock")

    def calendar(self, start: dt.date, end: dt.date) -> list[Session]:
        """Sessions from `start` to `end`, both included, half days with their hours."""
        return self._many(Session.read, "/calendar", {"start": start.isoformat(), "end": end.isoformat()})

    # -- orders ---------------------------------------------------------------------------------------

    def orders(self, status: str = "open", nested: bool = True, after: int | None = None,
               symbols: Sequence[str] = ()) -> list[Order]:
        """Orders by status ("open", "closed" or "all"), oldest first, all pages.

        Args:
            nested: legs stand under their group; without it, held legs are missing from the open orders.
            after: only those submitted after this moment, UTC ns.
        """
        query: dict[str, Any] = {"status": status, "nested": str(nested).lower(), "limit": ORDERS_PAGE,
                                 "direction": "asc"}
        if symbols:
            query["symbols"] = ",".join(symbols)
        found: dict[str, Order] = {}
        while True:
            if after is not None:
                query["after"] = to_text(after)
            page = self._many(Order.read, "/orders", query)
            new = {order.id: order for order in page if order.id not in found}
            found |= new
            if len(page) < ORDERS_PAGE or not new or page[-1].submitted_ns is None:
                return list(found.values())
            after = page[-1].submitted_ns - 1000  # two orders may share a microsecond

    def order(self, order_id: str) -> Order:
        """One order with its legs."""
        return self._one(Order.read, f"/orders/{order_id}", {"nested": "true"}, Priority.ORDER)

    def order_by_client_id(self, client_order_id: str) -> Order | None:
        """The order with this client order id; None where there is none (yet)."""
        return self._find(client_order_id)

    def submit(self, request: OrderRequest) -> Order:
        """Send an order, exactly once: a lost answer is resolved by asking for its client order id.

        Only where the order is not found is it sent again, under the same id, which Alpaca takes once for ever.

        Raises:
            UsageError: no client order id.
            Refused: Alpaca does not want it; no order exists.
            OrderUncertain: no answer by the deadline; it may or may not exist.
        """
        if not request.client_order_id:
            raise UsageError(f"an order for {request.symbol} has no client_order_id: without one, a lost answer "
                             "cannot be resolved")
        order = self._deliver("POST", "/orders", request.to_alpaca(), request.client_order_id)
        if (order.symbol, order.side) != (request.symbol, request.side):
            raise UsageError(f"client_order_id {request.client_order_id} is spent: it belongs to an order to "
                             f"{order.side} {order.symbol}; give this one another")
        return order

    def replace(self, order_id: str, client_order_id: str, *, qty: int | None = None, tif: str | None = None,
                limit_price: Decimal | None = None, stop_price: Decimal | None = None,
                trail: Decimal | None = None) -> Order:
        """Ask for an order to be replaced; the new one has `client_order_id`, and `qty` counts shares already filled.

        Whether the old one is gone comes by event, or by reading it.

        Raises:
            Refused, OrderUncertain: as for `submit`.
        """
        body = {"qty": None if qty is None else str(qty), "time_in_force": tif, "limit_price": plain(limit_price),
                "stop_price": plain(stop_price), "trail": plain(trail), "client_order_id": client_order_id}
        stated = {name: value for name, value in body.items() if value is not None}
        return self._deliver("PATCH", f"/orders/{order_id}", stated, client_order_id)

    def cancel(self, order_id: str) -> bool:
        """Ask for a cancellation; whether it was taken, or was under way already. False: the order has ended.

        The outcome, a cancellation or a fill, comes by event, or by reading the order.
        """
        try:
            self._ask("DELETE", f"/orders/{order_id}", None, lambda answer: None, Priority.CANCEL)
        except Refused as refused:
            if refused.status != 422:
                raise
            found = self.order(order_id)
            if found.open and found.status != "pending_cancel":
                raise
            return found.open
        return True

    # -- requests -------------------------------------------------------------------------------------

    def _one(self, read: Callable[[Any], Record], path: str, query: Any = None,
             priority: Priority = Priority.POLL, patience: Patience | None = None) -> Record:
        return self._ask("GET", path, query, read, priority, patience)

    def _many(self, read: Callable[[Any], Record], path: str, query: Any = None) -> list[Record]:
        return self._ask("GET", path, query, lambda answer: [read(each) for each in answer])

    def _ask(self, method: str, path: str, query: Any, read: Callable[[Any], Any],
             priority: Priority = Priority.POLL, patience: Patience | None = None) -> Any:
        """GET or DELETE, which may be repeated, until there is an answer."""
        patience = patience or self._patience(self.hurried if method == "GET" else None)
        while True:
            try:
                return self._send(method, path, query, read, priority)
            except NoAnswer as lost:
                log.info("alpaca: %s %s: %s", method, path, lost)
                if not patience.wait(lost.retry_after_s):
                    raise BrokerUnavailable(f"alpaca did not answer within {self._deadline_s:g} s ({method} {path}: "
                                            f"{lost}): check the network and status.alpaca.markets, then try again"
                                            ) from None

    def _deliver(self, method: str, path: str, body: dict[str, Any], client_order_id: str) -> Order:
        patience = self._patience()
        return Delivery(client_order_id, lambda: self._send(method, path, body, Order.read, Priority.ORDER),
                        lambda: self._find(client_order_id, patience), patience).run()

    def _find(self, client_order_id: str, patience: Patience | None = None) -> Order | None:
        query = {"client_order_id": client_order_id}
        try:
            return self._one(Order.read, "/orders:by_client_order_id", query, Priority.ORDER, patience)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def _send(self, method: str, path: str, data: Any, read: Callable[[Any], Any], priority: Priority) -> Any:
        """One request, when the rate allows it, and its answer as `read` reads it."""
        if not self.limiter.acquire(priority, self.until):
            raise NoAnswer("the time for it is over", maybe_done=False)
        try:
            answer = getattr(self._client, method.lower())(path, data)
        except NoAnswer as lost:
            if lost.retry_after_s is not None:
                self.limiter.hold(min(lost.retry_after_s, WINDOW_S))
            raise
        try:
            return read(answer)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise NoAnswer(f"an answer to {method} {path} that cannot be read") from None

    def _left(self) -> float:
        """Seconds until `until`."""
        return float("inf") if self.until is None else max(self.until - self.local.monotonic(), 0.0)

    def _timeouts(self) -> tuple[float, float]:
        left = max(self._left(), SHORTEST_S)
        return min(self._timeout_s[0], left), min(self._timeout_s[1], left)

    def _patience(self, hurried: Callable[[], bool] | None = None) -> Patience:
        return Patience(self.local, self._random, min(self._deadline_s, self._left()), hurried or (lambda: False))
