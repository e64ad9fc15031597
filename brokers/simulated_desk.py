"""The live broker's order desk in the simulation: what stands around it there instead of Alpaca.

Imports core and brokers.alpaca (of which nothing here needs alpaca-py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import backtrader as bt
import numpy as np
from backtrader import Order as BtOrder

from brokers.alpaca import windows
from brokers.alpaca.answers import Asset, Order
from brokers.alpaca.moments import new_york
from brokers.alpaca.order_desk import FRESH_NS, OrderDesk
from brokers.alpaca.order_terms import exact_number, moment_of
from brokers.alpaca.order_tickets import Batch
from brokers.alpaca.request import OrderRequest
from core.calendars import get_calendar
from core.errors import UnknownName

ASSET = Asset("", "active", tradable=True, fractionable=True, shortable=True, easy_to_borrow=True, exchange="", asset_class="us_equity")


class Exchange:
    """Stands where the gateway to Alpaca does: knows the assets, takes every order.

    Args:
        assets: symbol -> fields of `answers.Asset` that differ from those of an active asset with no restriction.

    Attributes:
        request: the latest order taken.

    Raises:
        UnknownName: an asset has no such field.
    """

    def __init__(self, assets: Mapping[str, Mapping[str, Any]]) -> None:
        known = [each.name for each in fields(Asset)]
        for name in (name for stated in assets.values() for name in stated):
            if name not in known:
                raise UnknownName.of("field of an asset", name, known)
        self._assets = assets
        self.request: OrderRequest | None = None

    def of(self, symbol: str) -> Asset:
        """What may be done with a symbol."""
        return replace(ASSET, symbol=symbol, **self._assets.get(symbol, {}))

    def submit(self, request: OrderRequest) -> Order:
        """Take an order."""
        self.request = request
        return answer_to(request)


class BarClock:
    """The time of the bar on which orders are decided; New York's dates and sessions."""

    def __init__(self) -> None:
        self._now = 0
        self._sessions: dict[dt.date, tuple[int, int] | None] = {}

    def set(self, now_ns: int) -> None:
        """It is `now_ns`."""
        self._now = now_ns

    def wait_for(self, tif: str) -> None:
        """Let time pass until orders for an auction are taken."""
        if tif == "opg":
            self._now = windows.opg_opens(self._now)
        elif tif == "cls":
            self._now = windows.cls_opens(self._now, self.session_times(self.today()))

    def now_ns(self) -> int:
        """UTC nanoseconds."""
        return self._now

    def today(self) -> dt.date:
        """The date in New York."""
        return new_york(self._now).date()

    def session_times(self, date: dt.date) -> tuple[int, int] | None:
        """Scheduled open and close, UTC ns; None on a day without trading."""
        if date not in self._sessions:
            calendar = get_calendar("XNYS")
            at = int(calendar.position(np.array([date], dtype="datetime64[D]"))[0])
            self._sessions[date] = (int(calendar.opens[at]), int(calendar.closes[at])) if at >= 0 else None
        return self._sessions[date]


class BarDesk(OrderDesk):
    """The live desk on bars.

    Orders decided on bars of a day or longer are those of the daily run: they wait for the window of their auction, and
    fractions, which no auction takes, are day orders. On shorter bars an order is sent as its bar completes.
    """

    _clock: Any  # a BarClock

    def _request(self, batch: Batch, shares: Decimal) -> OrderRequest:
        request = super()._request(batch, shares)
        if is_daily(batch.lead.order):
            if request.is_fractional and request.tif in ("opg", "cls"):
                request = replace(request, tif="day")
            self._clock.wait_for(request.tif)
        return request

    def quote(self, order: BtOrder) -> Decimal | None:
        """The close on which the order was decided, unless it was too old then to say what a share costs."""
        old = not is_daily(order) and abs(self._clock.now_ns() - moment_of(order.created.dt)) > FRESH_NS
        return None if old else exact_number(order.created.pclose)


def answer_to(request: OrderRequest) -> Order:
    """What Alpaca answers to an order that it takes."""
    return Order.read({**request.to_alpaca(), "id": request.client_order_id, "status": "new"})


def is_daily(order: BtOrder) -> bool:
    """Whether an order was decided on bars of a day or longer."""
    return bool(order.data._timeframe >= bt.TimeFrame.Days)
