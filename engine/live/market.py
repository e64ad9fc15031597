"""`Market`: whether the market is open and when it opens, by the venue of a store, else by the exchange's calendar.

Imports brokers.alpaca and core.
"""

from typing import Any

import numpy as np

from brokers.alpaca import windows
from core.calendars import MINUTE_NS, get_calendar
from core.clock import Clock
from core.errors import BadSpec, CerebrolabError
from core.spec import RunSpec

DAY_NS = 86_400 * 10**9
FAR_NS = 5 * DAY_NS  # longer than any weekend with its holidays


class Market:
    """The hours of one exchange.

    Args:
        clock: the store's, or the system's. Where it says itself whether the market is open, which shows closures nobody announced,
            it is believed, until it cannot be asked. calendar: its name.
    """

    def __init__(self, clock: Clock, calendar: str) -> None:
        self._clock, self._calendar, self._tells = clock, get_calendar(calendar), True

    @property
    def is_open(self) -> bool:
        """Whether regular trading goes on now."""
        told = self._told("is_open")
        return bool(self._session()[0] <= self._clock.now_ns()) if told is None else bool(told)

    @property
    def opens_ns(self) -> int:
        """When regular trading goes on again where it does not now, UTC ns."""
        told = self._told("next_open_ns")
        return self._session()[0] if told is None else int(told)

    def auction_ns(self, tif: str) -> int | None:
        """When the auction is, UTC ns, whose orders ("opg", "cls") cannot be taken back any more; None where they can be."""
        session = self._session()
        return session[tif == "cls"] if windows.is_bound(tif, self._clock.now_ns(), session) else None

    def check(self, spec: RunSpec) -> str:
        """Whether a live run can ever decide; what a human should know of the time until then, "" where that is nothing.

        Raises:
            BadSpec: no session is ahead, or none on which it would decide.
        """
        now, last = self._clock.now_ns(), self._calendar.sessions[-1]
        today = np.datetime64(now // DAY_NS, "D")
        if now >= self._calendar.closes[-1]:
            raise BadSpec(f"the calendar {spec.calendar} ends on {last}: no session is ahead; name another calendar")
        if spec.start is not None and np.datetime64(spec.start) > self._calendar.step(today, 1):
            raise BadSpec(f"start {spec.start} is ahead, today is {today}: a live run begins now; name an earlier start, and signal_start "
                          "for its first decision")
        opens = self._session()[0]
        wait = opens - now
        return f"the next session opens at {shown_moment(opens)}, in {wait / DAY_NS:.0f} days: the run waits for it" if wait > FAR_NS else ""

    def _session(self) -> tuple[int, int]:
        """Scheduled open and close of the session that has not closed yet."""
        at = int(np.searchsorted(self._calendar.closes, self._clock.now_ns(), "right"))
        at = min(at, len(self._calendar.closes) - 1)
        return int(self._calendar.opens[at]), int(self._calendar.closes[at])

    def _told(self, name: str) -> Any:
        try:
            return getattr(self._clock, name, None) if self._tells else None
        except CerebrolabError:
            self._tells = False  # to ask again would take the time that is needed for orders
            return None


def shown_moment(moment: int) -> str:
    """UTC ns as "2024-02-21 14:30 UTC"."""
    return f"{str(np.datetime64(moment // MINUTE_NS, 'm')).replace('T', ' ')} UTC"
