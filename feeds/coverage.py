"""Which sessions a source has been asked for, kept apart from which sessions traded. Imports core only."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.calendars import Calendar

PUBLISHED_AFTER = np.timedelta64(3, "D")


@dataclass(frozen=True)
class Coverage:
    """Sessions asked for, as ranges of exchange dates (ISO texts, both ends included), in order and apart."""

    ranges: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, text: str) -> "Coverage":
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        return cls(tuple((str(np.datetime64(first, "D")), str(np.datetime64(last, "D")))
                         for first, last in json.loads(text)))

    @classmethod
    def after(cls, changes: Iterable[tuple[np.datetime64, np.datetime64, bool]], calendar: Calendar) -> "Coverage":
        """What is left of (first session, last session, whether they were asked for or are to be asked for again), in their order."""
        mask = np.zeros(len(calendar.sessions), dtype=bool)
        for first, last, asked in changes:
            mask[_within(first, last, calendar)] = asked
        return cls._of(mask, calendar)

    def to_json(self) -> str:
        """A JSON list of pairs."""
        return json.dumps(self.ranges)

    def sessions(self, calendar: Calendar) -> np.ndarray:
        """(S,) datetime64[D] of the sessions asked for."""
        return calendar.sessions[self._mask(calendar)]

    def missing(self, sessions: np.ndarray, calendar: Calendar) -> np.ndarray:
        """Those of `sessions` that were not asked for."""
        places = calendar.position(sessions)
        return sessions[(places >= 0) & ~self._mask(calendar)[places]]

    def adding(self, sessions: np.ndarray, calendar: Calendar) -> "Coverage":
        """With `sessions` asked for as well; dates that are no session are left out."""
        return self._changed(sessions, calendar, True)

    def removing(self, sessions: np.ndarray, calendar: Calendar) -> "Coverage":
        """As if `sessions` had never been asked for."""
        return self._changed(sessions, calendar, False)

    def _mask(self, calendar: Calendar) -> np.ndarray:
        mask = np.zeros(len(calendar.sessions), dtype=bool)
        for first, last in self.ranges:
            mask[_within(np.datetime64(first, "D"), np.datetime64(last, "D"), calendar)] = True
        return mask

    def _changed(self, sessions: np.ndarray, calendar: Calendar, asked: bool) -> "Coverage":
        mask = self._mask(calendar)
        places = calendar.position(sessions)
        mask[places[places >= 0]] = asked
        return self._of(mask, calendar)

    @classmethod
    def _of(cls, mask: np.ndarray, calendar: Calendar) -> "Coverage":
        return cls(tuple((str(first), str(last)) for first, last in runs(calendar.sessions[mask], calendar)))


def _within(first: np.datetime64, last: np.datetime64, calendar: Calendar) -> slice:
    return slice(np.searchsorted(calendar.sessions, first, "left"), np.searchsorted(calendar.sessions, last, "right"))


def runs(sessions: np.ndarray, calendar: Calendar) -> list[tuple[np.datetime64, np.datetime64]]:
    """Sessions in order, joined into (first, last) wherever one follows the other on the calendar."""
    if not len(sessions):
        return []
    breaks = np.flatnonzero(np.diff(calendar.position(sessions)) > 1)
    first, last = np.r_[0, breaks + 1], np.r_[breaks, len(sessions) - 1]
    return [(sessions[begin], sessions[end]) for begin, end in zip(first, last, strict=True)]


def complete_sessions(calendar: Calendar, start: str | None, end: str | None, now: int) -> np.ndarray:
    """The sessions from `start` to `end` that had closed by `now` (UTC ns); None = as far as the calendar goes."""
    wanted = calendar.between(start or calendar.sessions[0], end or calendar.sessions[-1])
    return wanted[calendar.close_of(wanted) <= now]


def published(sessions: np.ndarray, last_bar: np.datetime64 | None, now: int) -> np.ndarray:
    """Those of the sessions asked for that a source has certainly published.

    A session without a bar counts when a later bar has arrived, or when it is more than three days old: a vendor may
    be late with the newest one, and an answer that came too early must not hide it for ever.
    """
    today = np.datetime64(now, "ns").astype("datetime64[D]")
    sure = sessions < today - PUBLISHED_AFTER
    return sessions[sure if last_bar is None else sure | (sessions <= last_bar)]
