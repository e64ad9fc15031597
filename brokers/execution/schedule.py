"""Schedules of execution algorithms: when slices are due within a session, and how large each is. Pure; imports core.

A slot is a bar's length; the slice of slot k is sent when the bar before it is complete, so that it trades in that bar.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.calendars import get_calendar
from core.day_numbers import day_numbers, moments_of

MINUTES = 1440  # of a day, the unit of Backtrader's clock


@dataclass(frozen=True)
class Window:
    """The slots from a decision to the close of its session: the one that is open, or the next one.

    Attributes:
        start, close: day numbers; the first slot begins at the decision, or at the open after it.
        bar: minutes of a bar. first: place of the first slot among the bars of its session, from 0.
        session_bars: bars of the whole session.
    """

    start: float
    close: float
    bar: int
    first: int
    session_bars: int

    @classmethod
    def after(cls, now: float, bar: int, calendar: str) -> "Window":
        """The window of a decision at `now` (a day number) on bars of `bar` minutes."""
        exchange = get_calendar(calendar)
        moment = moments_of(np.array([now])) + 1
        session = exchange.session_of(moment)
        opens, closes = day_numbers(np.concatenate([exchange.open_of(session), exchange.close_of(session)])).tolist()
        start = max(now, opens)
        return cls(start, closes, bar, _minutes(start - opens) // bar, math.ceil(_minutes(closes - opens) / bar))

    @property
    def slots(self) -> int:
        """Slots before the close."""
        return max(math.ceil(_minutes(self.close - self.start) / self.bar), 1)

    def slot(self, now: float) -> int:
        """The slot that begins at `now`, from 0."""
        return max(_minutes(now - self.start) // self.bar, 0)

    def elapsed(self, now: float) -> int:
        """Minutes since the start, below 0 before it."""
        return _minutes(now - self.start)

    def is_over(self, now: float) -> bool:
        """Whether the session has closed."""
        return _minutes(now - self.close) >= 0


def _minutes(days: float) -> int:
    return round(days * MINUTES)


def largest_remainder(total: int, weights: Sequence[float]) -> list[int]:
    """Whole parts of `total` in proportion to `weights`, which are not negative; they sum to it exactly.

    Each gets the whole part of its share; what is left goes to the largest remainders (Hamilton's method), and among equal
    ones evenly spread. Weights that are all 0 count as equal.
    """
    weight = np.asarray(weights, dtype=np.float64)
    if not weight.sum() > 0:
        weight = np.ones(len(weight))
    share = total * (weight / weight.sum())
    parts = np.floor(np.round(share, 9)).astype(np.int64)
    remainders = np.round(share - parts, 9)
    left = total - int(parts.sum())
    for remainder in np.unique(remainders)[::-1]:
        tied = np.flatnonzero(remainders == remainder)
        count = min(left, len(tied))
        parts[tied[(2 * np.arange(count) + 1) * len(tied) // (2 * max(count, 1))]] += 1
        left -= count
    return [int(part) for part in parts]


def even(window: Window, minutes: int) -> list[float]:
    """A weight for each slot that begins within `minutes`, all alike: TWAP."""
    return [1.0] * min(math.ceil(minutes / window.bar), window.slots)


def by_volume(window: Window, minutes: int, profile: np.ndarray) -> list[float]:
    """A weight for each slot that begins within `minutes`: its bar's part of the usual volume (VWAP); all alike where that is 0."""
    chosen = profile[window.first:window.first + len(even(window, minutes))]
    return chosen.tolist() if chosen.sum() > 0 else even(window, minutes)


def usual_volume(data: Any, window: Window, calendar: str, sessions: int) -> np.ndarray | None:
    """What part of a session's volume each of its bars usually has, as known now: the mean over the latest `sessions`.

    Only sessions that have closed before the window's, with as many bars by the calendar, and with a volume, count; the first
    one known counts from its first bar on only.

    Returns:
        (session_bars,) parts that sum to 1; None where there is no such session.
    """
    room = (sessions + 12) * MINUTES // window.bar  # some sessions may be of another length
    length = min(len(data), room)
    moments = moments_of(np.array(data.datetime.get(size=length)))
    volumes = np.nan_to_num(np.array(data.volume.get(size=length)))
    exchange = get_calendar(calendar)
    days = exchange.session_of(moments)
    dates, which = np.unique(days, return_inverse=True)
    opens, closes = exchange.open_of(dates), exchange.close_of(dates)
    bar_ns = window.bar * 60 * 10**9
    place = np.ceil((moments - opens[which]) / bar_ns).astype(np.int64) - 1
    inside = (place >= 0) & (place < window.session_bars)
    table = np.zeros((len(dates), window.session_bars))
    np.add.at(table, (which[inside], place[inside]), volumes[inside])
    alike = np.ceil((closes - opens) / bar_ns).astype(np.int64) == window.session_bars
    known = closes < moments_of(np.array([window.close]))[0]
    known[0] &= place[0] == 0  # else it is known in part only
    chosen = table[alike & known & (table.sum(axis=1) > 0)][-sessions:]
    if not len(chosen):
        return None
    return (chosen / chosen.sum(axis=1, keepdims=True)).mean(axis=0)
