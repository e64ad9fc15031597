"""`Outage`: market data that stays away within a session is something a human must see to. Imports journal and core."""

from collections.abc import Callable

import numpy as np

from core.calendars import Calendar
from core.clock import Clock
from core.errors import CerebrolabError

AFTER_NS = 120 * 10**9  # a connection that broke off holds the account's place for about 90 s


class Outage:
    """Tells of market data that is away, once for each time.

    Args:
        told: of an alert (True), or that it is over. note: writes an alert down.
    """

    def __init__(self, clock: Clock, calendar: Calendar, told: Callable[[str, bool], None], note: Callable[[str], None]) -> None:
        self._clock, self._calendar, self._told, self._note = clock, calendar, told, note
        self._since: int | None = None
        self._is_told = False

    def connected(self, is_connected: bool) -> None:
        """The state of the connection, perhaps said more than once."""
        if not is_connected:
            self._since = self._since if self._since is not None else self._clock.now_ns()
            return
        if self._is_told and self._since is not None:
            self._told(f"market data is back after {self._minutes(self._since)}", False)
        self._since, self._is_told = None, False

    def look(self) -> None:
        """Tell, where it is time to."""
        if self._since is None or self._is_told:
            return
        now = self._clock.now_ns()
        session = self._calendar.session_of(np.array([now]))
        opened = int(self._calendar.open_of(session)[0])
        if now - max(self._since, opened) < AFTER_NS:
            return
        self._is_told = True
        text = f"no market data for {self._minutes(max(self._since, opened))}: nothing is decided meanwhile; look at the network, and whether Alpaca has trouble"
        self._told(text, True)
        try:
            self._note(text)
        except CerebrolabError as error:
            self._told(f"the alert is not in the journal: {error}", False)

    def _minutes(self, since: int) -> str:
        return f"{(self._clock.now_ns() - since) / 60e9:.0f} minutes"
