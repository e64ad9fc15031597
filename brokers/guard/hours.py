"""Hours: where a moment lies in an exchange's sessions. Imports core.calendars."""

import numpy as np

from core.calendars import MINUTE_NS, Calendar

SECOND_NS = 10**9


class Hours:
    """The sessions of one exchange; moments are UTC nanoseconds."""

    def __init__(self, calendar: Calendar) -> None:
        self._opens, self._closes, self._sessions = calendar.opens, calendar.closes, calendar.sessions
        self._day, self._since, self._until = "", 0, 0  # the session of the moments after the one close, up to the other

    def day(self, moment: int) -> str:
        """The session a bar that is complete at a moment belongs to (ISO date): the first that has not closed before."""
        if not self._since < moment <= self._until:
            at = self._clipped(int(np.searchsorted(self._closes, moment, "left")))
            self._day, self._since, self._until = str(self._sessions[at]), int(self._closes[at - 1]) if at else 0, int(self._closes[at])
        return self._day

    def minutes(self, moment: int) -> tuple[int, int] | None:
        """Whole minutes since the open, and the others of the session; None while it is closed (at its close it is)."""
        at = self._clipped(int(np.searchsorted(self._closes, moment, "right")))
        opened, closes = int(self._opens[at]), int(self._closes[at])
        if not opened <= moment < closes:
            return None
        since = (moment - opened) // MINUTE_NS
        return since, (closes - opened) // MINUTE_NS - since

    def seconds_between(self, first: int, last: int) -> float:
        """How much of the time between two moments lies within sessions, in seconds."""
        if last <= first:
            return 0.0
        begin = self._clipped(int(np.searchsorted(self._closes, first, "right")))
        end = int(np.searchsorted(self._opens, last, "left"))
        opens, closes = self._opens[begin:end], self._closes[begin:end]
        return float((np.minimum(closes, last) - np.maximum(opens, first)).sum()) / SECOND_NS

    def _clipped(self, at: int) -> int:
        return min(at, len(self._closes) - 1)
