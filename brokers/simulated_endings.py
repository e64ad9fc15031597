"""Endings: which orders Alpaca ends by itself, and when. Imports core and brokers.alpaca (nothing that needs alpaca-py).

Page "Orders at Alpaca", Time in Force: `ioc` and `fok` are tried once, `day` is for one session, and `gtc` is cancelled 90 days on.
Orders for an auction end with it, whatever the rules (`brokers.matching`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from backtrader import Order, TimeFrame

from brokers.alpaca.moments import SECOND_NS, at_new_york, new_york
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.windows import EXTENDED_ENDS, in_extended_hours

AT_ONCE = ("ioc", "fok")  # over with the first trade they could have been filled by
AGED_DAYS = 90
SOON_DAYS = 14  # no exchange is closed for longer


@dataclass(frozen=True)
class Ending:
    """When an order is ended, UTC ns, and how: `tif` is its time in force at Alpaca."""

    tif: str
    at_ns: int

    @property
    def canceled(self) -> bool:
        """Whether Alpaca calls it "canceled", else "expired"."""
        return self.tif != "day"

    @property
    def reason(self) -> str:
        """Alpaca's word for it, and why."""
        word = "canceled" if self.canceled else "expired"
        what = {"day": "a day order is good for one session", "gtc": f"an order is good for {AGED_DAYS} days"}
        return f"alpaca: {word}: " + what.get(self.tif, f"what an {self.tif} order cannot do at once it does not do")


class Endings:
    """Says of open orders which have come to their end.

    Args:
        clock: a `brokers.simulated_desk.BarClock`: knows New York's sessions.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._endings: dict[int, Ending] = {}  # by reference of the order

    def watch(self, orders: Iterable[Order], request: OrderRequest) -> None:
        """Orders have been sent as `request`, at the clock's moment."""
        if request.tif in ("opg", "cls"):
            return
        ending = Ending(request.tif, self._end_of(request, self._clock.now_ns()))
        for order in orders:
            self._endings[order.ref] = ending

    def at_once(self, order: Order) -> bool:
        """Whether the first trade it could be filled by is its last."""
        return self._tif(order) in AT_ONCE

    def whole_only(self, order: Order) -> bool:
        """Whether it is filled completely or not at all."""
        return self._tif(order) == "fok"

    def take(self, order: Order) -> Ending:
        """Forget an order that ends now."""
        return self._endings.pop(order.ref)

    def before(self, orders: Iterable[Order], now_ns: int, previous_ns: int) -> list[Order]:
        """Those that ended before their feed's bar that is complete now had begun."""
        return [order for order in orders if self._at(order) <= self._start(order, now_ns, previous_ns)]

    def by(self, orders: Iterable[Order], now_ns: int) -> list[Order]:
        """Those that have ended by now."""
        return [order for order in orders if self._at(order) <= now_ns]

    def _tif(self, order: Order) -> str:
        ending = self._endings.get(order.ref)
        return ending.tif if ending else ""

    def _at(self, order: Order) -> float:
        ending = self._endings.get(order.ref)
        return ending.at_ns if ending else float("inf")

    def _start(self, order: Order, now_ns: int, previous_ns: int) -> int:
        feed = order.data
        if feed._timeframe == TimeFrame.Days:
            times = self._clock.session_times(new_york(now_ns).date())
            return times[0] if times else previous_ns
        if feed._timeframe != TimeFrame.Minutes:
            return previous_ns
        return now_ns - feed._compression * 60 * SECOND_NS

    def _end_of(self, request: OrderRequest, sent_ns: int) -> int:
        date = new_york(sent_ns).date()
        if request.tif == "gtc":
            return self._session_from(date + dt.timedelta(days=AGED_DAYS), 0)[1]
        if request.extended_hours and in_extended_hours(sent_ns, self._clock.session_times(date)):
            return at_new_york(date, EXTENDED_ENDS)
        closes = self._session_from(date, sent_ns)[1]
        return at_new_york(new_york(closes).date(), EXTENDED_ENDS) if request.extended_hours else closes

    def _session_from(self, date: dt.date, after_ns: int) -> tuple[int, int]:
        """Open and close of the first session from `date` on that closes after a moment; the end of time where there is none."""
        for days in range(SOON_DAYS):
            times = self._clock.session_times(date + dt.timedelta(days=days))
            if times is not None and times[1] > after_ns:
                return times
        return 2**62, 2**62
