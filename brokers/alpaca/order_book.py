"""Order book: every order known, by the venue's id and by ours, and the shares they hold.

Pure; imports the modules beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from brokers.alpaca.answers import ZERO, Order
from brokers.alpaca.order_tracked import TrackedOrder


class OrderBook:
    """Every order known, by the venue's id and by ours."""

    def __init__(self) -> None:
        self._orders: list[TrackedOrder] = []
        self._by_id: dict[str, TrackedOrder] = {}
        self._by_client_id: dict[str, TrackedOrder] = {}

    def add(self, tracked: TrackedOrder, order: Order | None = None) -> None:
        """Keep an order; `order` is what the venue calls it, if it has answered."""
        if tracked not in self._orders:
            self._orders.append(tracked)
        if tracked.client_order_id:
            self._by_client_id[tracked.client_order_id] = tracked
        if order is not None:
            tracked.id = order.id
            self._by_id[order.id] = tracked

    def forget(self, tracked: TrackedOrder) -> None:
        """Drop an order that the venue never took."""
        self._orders.remove(tracked)
        del self._by_client_id[tracked.client_order_id]

    def find(self, order: Order) -> TrackedOrder | None:
        """The order meant, by either id."""
        found = self._by_id.get(order.id) or self._by_client_id.get(order.client_order_id)
        if found is not None:
            self._by_id.setdefault(order.id, found)
        return found

    def by_id(self, order_id: str) -> TrackedOrder | None:
        """By the venue's id."""
        return self._by_id.get(order_id)

    def open(self, symbol: str | None = None) -> list[TrackedOrder]:
        """Orders whose end has not been told, oldest first; the ended ones are not looked at again."""
        self._orders = [tracked for tracked in self._orders if tracked.alive]
        return [tracked for tracked in self._orders if symbol in (None, tracked.symbol)]

    def promised(self, symbol: str, held: Decimal, without: Collection[TrackedOrder] = ()) -> Decimal:
        """Shares of a position (signed) that open orders, but for some, will close; exits whose entry still works promise nothing."""
        claims: dict[str, Decimal] = {}
        dormant = set()
        for tracked in (each for each in self.open(symbol) if each not in without):
            if tracked.sign * held >= 0:
                dormant.add(tracked.claim)
            else:
                claims[tracked.claim] = max(claims.get(tracked.claim, ZERO), tracked.remaining)
        return sum((shares for claim, shares in claims.items() if claim not in dormant), ZERO)
