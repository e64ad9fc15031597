"""`Left`: what a live run leaves behind when it has ended. Imports Backtrader only."""

from dataclasses import dataclass, field

import backtrader as bt


@dataclass(frozen=True)
class Left:
    """What a run leaves behind.

    Attributes:
        positions: symbol -> signed shares. orders: its open orders, in words. unprotected: symbols that lack a protective order.
        reasons: why something is not as asked. as_asked: whether all is.
    """

    as_asked: bool
    positions: dict[str, float] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    unprotected: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        held = ", ".join(f"{size:g} {symbol}" for symbol, size in self.positions.items()) or "nothing"
        return f"it holds {held}, and {len(self.orders)} of its orders are open"

    @property
    def why(self) -> str:
        """Why it is not as asked, in brackets; "" where nothing says it."""
        reasons = [*(f"{symbol} lacks a protective order" for symbol in self.unprotected), *self.reasons]
        return f" ({'; '.join(reasons)})" if reasons else ""


def shown_order(order: bt.Order) -> str:
    """An order in words, such as "sell 5 AAA (Close)"."""
    return f"{'buy' if order.isbuy() else 'sell'} {abs(order.executed.remsize):g} {order.data._name} ({order.getordername()})"
