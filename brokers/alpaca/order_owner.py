"""`Owner`: what a `Reconciler` needs of whoever keeps the orders of an account. Imports the modules beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol

from brokers.alpaca.answers import Order
from brokers.alpaca.order_tracked import Change, TrackedOrder
from brokers.alpaca.order_trouble import Trouble
from brokers.hooks import Moved


class Owner(Protocol):
    """Who is told what was found; `trouble` takes what a human should know."""

    trouble: Trouble

    def tell(self, tracked: TrackedOrder, changes: Iterable[Change]) -> None:
        """The steps of an order."""

    def unprotect(self, symbol: str) -> None:
        """Take back the protective orders of a symbol: their shares and prices are those of before a split."""

    def adopt(self, order: Order, before: Decimal, claim: str, lead: str = "") -> TrackedOrder:
        """An order nobody here has sent; `before` shares of it are in the positions already. `lead`: the name of its group's first."""

    def taken_over(self, orders: Sequence[Order]) -> None:
        """The orders of the last days and the positions have been read, of one moment, and nothing is made of them yet."""

    def moved(self, moved: Moved) -> None:
        """Shares or cash that no execution explains."""
