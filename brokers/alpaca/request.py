"""OrderRequest: an order as we ask for it, and the body of the POST that asks. Imports answers and core.errors.

What it may contain is judged by `rules.check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.alpaca.answers import exact
from core.errors import UsageError

NUMBERS = ("qty", "notional", "limit_price", "stop_price", "trail_percent", "trail_price", "take_profit", "stop_loss",
           "stop_loss_limit")


@dataclass(frozen=True)
class OrderRequest:
    """An order to be sent; numbers may be given as text, int or float and are kept as Decimal.

    Attributes:
        side: "buy" or "sell". qty, notional: shares, or USD; one of them.
        type: "market", "limit", "stop", "stop_limit" or "trailing_stop".
        tif: "day", "gtc", "opg", "cls", "ioc" or "fok".
        trail_percent: in percent (5 = 5%). trail_price: USD.
        order_class: "simple", "bracket", "oco" or "oto".
        take_profit: limit price of the exit at a profit.
        stop_loss, stop_loss_limit: stop price of the exit at a loss, and its limit price if it is a stop limit.

    Raises:
        UsageError: a number that is none.
    """

    symbol: str
    side: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    type: str = "market"
    tif: str = "day"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_percent: Decimal | None = None
    trail_price: Decimal | None = None
    extended_hours: bool = False
    client_order_id: str = ""
    order_class: str = "simple"
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None

    def __post_init__(self) -> None:
        for name in NUMBERS:
            try:
                object.__setattr__(self, name, exact(getattr(self, name)))
            except ValueError:
                raise UsageError(f"{name} of an order for {self.symbol} is {getattr(self, name)!r}: "
                                 "it must be a number") from None

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def is_fractional(self) -> bool:
        """Whether it asks for anything but whole shares."""
        return self.qty is None or self.qty != self.qty.to_integral_value()

    def to_alpaca(self) -> dict[str, Any]:
        """Body of POST /v2/orders (page "Create an Order"); numbers as plain text."""
        body: dict[str, Any] = {"symbol": self.symbol, "side": self.side, "type": self.type,
                                "time_in_force": self.tif}
        for name in ("qty", "notional", "limit_price", "stop_price", "trail_percent", "trail_price"):
            body[name] = plain(getattr(self, name))
        body["client_order_id"] = self.client_order_id or None
        body["extended_hours"] = True if self.extended_hours else None
        if self.order_class != "simple":
            body["order_class"] = self.order_class
        body["take_profit"] = _stated(limit_price=self.take_profit)
        body["stop_loss"] = _stated(stop_price=self.stop_loss, limit_price=self.stop_loss_limit)
        return {name: value for name, value in body.items() if value is not None}


def plain(number: Decimal | None) -> str | None:
    """A number as text without an exponent."""
    return None if number is None else f"{number:f}"


def _stated(**prices: Decimal | None) -> dict[str, str | None] | None:
    return {name: plain(price) for name, price in prices.items() if price is not None} or None
