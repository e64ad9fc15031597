"""Plans: how much of one order its next slice is, and when it is due. Imports core and the modules beside it.

Sizes are shares without a sign; moments are Backtrader's day numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from brokers.execution.schedule import Window, by_volume, even, largest_remainder, usual_volume
from core.errors import UsageError
from core.execution import SESSIONS, Execution

MICRO = Decimal("1e-6")  # the unit of an order for a fraction of a share
DECIMALS = 9  # beyond them there is only the noise of binary fractions


class Plan(Protocol):
    """What is asked of every plan.

    Attributes:
        note: what whoever ordered should know of it, "" for nothing.
    """

    note: str

    def is_due(self, now: float) -> bool:
        """Whether another slice is to be sent, in place of what is left of the one before."""

    def take(self, now: float, left: float) -> float:
        """The size of the slice that is due, of an order with `left` shares to go."""

    @property
    def is_spent(self) -> bool:
        """Whether the latest slice was the last."""

    def is_over(self, now: float) -> bool:
        """Whether nothing may be sent any more: the session has closed, or the time has passed."""

    def split(self, ratio: float) -> None:
        """Shares have been split, `ratio` new ones for one."""


class Scheduled:
    """TWAP and VWAP: a part of the order for every slot.

    Args:
        size: shares of the whole order. weights: of the slots. note: see `Plan`.
    """

    def __init__(self, window: Window, size: float, weights: Sequence[float], note: str = "") -> None:
        self._window, self._whole, self.note = window, _is_whole(size), note
        total = Decimal(repr(round(size, DECIMALS)))
        unit = Decimal(1) if self._whole else MICRO
        left, self._left_after = total, []  # shares to go after each slot
        for part in largest_remainder(int(total / unit), weights):
            left -= part * unit
            self._left_after.append(float(left))
        self._left_after[-1] = 0.0
        self._taken = -1

    def _slot(self, now: float) -> int:
        return min(self._window.slot(now), len(self._left_after) - 1)

    def is_due(self, now: float) -> bool:
        """Whether the schedule asks for more than the slices so far."""
        before = self._left_after[self._taken] if self._taken >= 0 else math.inf
        return not self.is_spent and self._left_after[self._slot(now)] < before

    def take(self, now: float, left: float) -> float:
        """All that the schedule asks for by now and has not been traded."""
        self._taken = self._slot(now)
        return max(round(left - self._left_after[self._taken], DECIMALS), 0.0)

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left after the latest slice."""
        return self._taken >= 0 and self._left_after[self._taken] == 0

    def is_over(self, now: float) -> bool:
        """Whether the session has closed."""
        return self._window.is_over(now)

    def split(self, ratio: float) -> None:
        """As the order itself is split."""
        after = [round(left * ratio, DECIMALS) for left in self._left_after]
        self._left_after = [float(math.floor(left)) for left in after] if self._whole else after


class Participation:
    """At most a part of the volume of each bar that is complete.

    Args:
        window: None on bars of a day or longer, on which there is no end.
        data: the feed. size: shares of the whole order.
    """

    note = ""

    def __init__(self, execution: Execution, window: Window | None, data: Any, size: float) -> None:
        assert execution.rate is not None
        self._rate, self._complete, self._minutes = execution.rate, execution.complete, execution.minutes
        self._window, self._data, self._whole = window, data, _is_whole(size)
        self._seen, self._spent = 0, False

    def is_due(self, now: float) -> bool:
        """Whether another bar is complete, or it is time to send the rest."""
        return not self._spent and (len(self._data) > self._seen or self._is_time(now))

    def _is_time(self, now: float) -> bool:
        """Whether the slot that begins is the one after the allowed minutes, or the last."""
        if self._window is None or self._minutes is None or not self._complete:
            return False
        last = self._window.slots - 1
        return self._window.slot(now) >= min(math.ceil(self._minutes / self._window.bar), last)

    def take(self, now: float, left: float) -> float:
        """The part of the latest bar's volume, or at the end all that is left."""
        self._seen = len(self._data)
        if self._is_time(now):
            self._spent = True
            return left
        volume = self._data.volume[0]
        most = 0.0 if math.isnan(volume) else round(self._rate * volume, DECIMALS)
        return min(left, math.floor(most) if self._whole else math.floor(most / float(MICRO)) * float(MICRO))

    @property
    def is_spent(self) -> bool:
        """Whether the rest has been sent."""
        return self._spent

    def is_over(self, now: float) -> bool:
        """Whether the session has closed, or the minutes have passed and the rest is not wanted."""
        if self._window is None:
            return False
        passed = self._minutes is not None and not self._complete and self._window.elapsed(now) >= self._minutes
        return self._window.is_over(now) or passed

    def split(self, ratio: float) -> None:
        """Volumes are of new shares from now on, as the order is."""


def plan_of(execution: Execution, data: Any, size: float, now: float, calendar: str) -> Plan:
    """The plan of an order decided at `now`.

    Raises:
        BadSpec: minutes on bars of a day or longer. UsageError: bars shorter than a minute.
    """
    bar = bar_minutes(data)
    execution.check_bars(is_daily=bar is None)
    window = Window.after(now, bar, calendar) if bar is not None else None
    if execution.algo == "participation" or window is None:
        return Participation(execution, window, data, size)
    assert execution.minutes is not None
    if execution.algo == "twap":
        return Scheduled(window, size, even(window, execution.minutes))
    profile = usual_volume(data, window, calendar, execution.sessions or SESSIONS)
    if profile is None:
        return Scheduled(window, size, even(window, execution.minutes), f"no earlier session of {data._name} is known: even slices")
    return Scheduled(window, size, by_volume(window, execution.minutes, profile))


def bar_minutes(data: Any) -> int | None:
    """Length of a feed's bars; None for a day or longer.

    Raises:
        UsageError: they are shorter than a minute.
    """
    from backtrader import TimeFrame

    if data._timeframe >= TimeFrame.Days:
        return None
    if data._timeframe != TimeFrame.Minutes:
        raise UsageError(f"{data._name} has {TimeFrame.getname(data._timeframe, data._compression)} bars: orders are sliced on bars of a "
                         "minute or longer")
    return int(data._compression)


def _is_whole(size: float) -> bool:
    return float(size).is_integer()
