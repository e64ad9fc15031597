"""Intraday: strategies whose trades follow from the time of day, on minute bars. Imports core and strategies.base.

What they decide for the closing auction is decided on the first bar that ends 15 to 11 minutes before the scheduled close
(15:45 to 15:49 New York, 12:45 to 12:49 on a half day): auctions take orders until ten minutes before it. A symbol without a
bar then is decided on with what it did before; without any bar in that time nothing is bought, and what must go is sold later.
A position that a session without a bar at its end has left over is sold in the next one.
Sizing: equal weight; a spec's `quantity` gives every position the same shares.
"""

import re
from collections.abc import Iterable

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec
from core.panels import carried_forward
from core.space import Choice, Range, Space
from strategies.base import TargetStrategy

FROM, UNTIL = 15, 11  # minutes before the close: the first and the last bar on which its auction is decided on
NO_LATER = 30  # minutes before the close: from then on TimeOfDay does not wait for its time any more
LENGTHS = (390, 210)  # minutes of a session, and of a half day
OPENS = 9 * 60 + 30  # New York
UNITS = {"m": 1, "h": 60}
ROUNDING = 1e-9  # a rise of just the threshold is not more than it
SESSION = 390  # own bars, at most, that a decision looks back on


class BuyCloseSellOpen(TargetStrategy):
    """Overnight: buy in every closing auction, sell in the opening auction of the next session.

    Buy: what has traded in the session, in its closing auction; decided by 11 minutes before the close.
    Sell: all of it in the next opening auction; decided on the session's last bar. Without a bar at the close it is decided
    on the next session's first bar, and sold there at once.
    Source: Cooper, Cliff and Gulen, "Return Differences between Trading and Non-trading Hours" (2008).

    Params:
        weekends: buy also where the next session is not on the next day.
    """

    params = dict(weekends=True)
    space = Space({"weekends": Choice(True, False)})
    fill, exit_fill = "session_close", "session_open"

    @classmethod
    def check_bars(cls, interval: str, p) -> None:
        check_interval(cls, interval, (UNTIL, FROM))

    @classmethod
    def warmup(cls, p) -> int:
        return SESSION

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        check_hours(cls, bars)
        left = bars.minutes_left
        nights = p.weekends | (days_to_next_session(bars) == 1)
        buys = first_in_session(bars, _column((left <= FROM) & (left >= UNTIL) & nights) & traded_today(bars))
        sells = _column((left == 0) | session_starts(bars)) & bars.tradable
        return np.select([buys, sells], [1.0, 0.0], np.nan)


class ShortTermMomentum(TargetStrategy):
    """Follow the first half hour: long after a rise of more than a threshold, short otherwise, flat by the close.

    Buy: on the first bar `minutes` after the open, what has risen by more than `threshold` since the session's first open.
    Sell short: everything else that has traded by then.
    Close: in the closing auction; decided by 11 minutes before the close.
    Source: Gao, Han, Li and Zhou, "Market intraday momentum", Journal of Financial Economics 129 (2018), the first half hour.

    Params:
        minutes: from the scheduled open to the decision.
        threshold: return above which it is bought.
    """

    params = dict(minutes=30, threshold=0.01)
    space = Space({"minutes": Range(15, 120, 15), "threshold": Range(0.0, 0.02, 0.005)})
    exit_fill = "session_close"

    @classmethod
    def check(cls, p) -> None:
        if not 1 <= p.minutes < min(LENGTHS) - FROM:
            raise BadSpec(f"minutes={p.minutes}: it is a number from 1 to {min(LENGTHS) - FROM - 1}, so that a half day has room for the trade")

    @classmethod
    def check_bars(cls, interval: str, p) -> None:
        check_interval(cls, interval, (UNTIL, FROM), [p.minutes])

    @classmethod
    def warmup(cls, p) -> int:
        return SESSION

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        check_hours(cls, bars)
        left, signals = bars.minutes_left, np.full(bars.shape, np.nan)
        signals[first_in_session(bars, left <= FROM) | session_starts(bars)] = 0.0
        for row in np.flatnonzero(first_in_session(bars, (bars.minute >= p.minutes) & (left > FROM))):
            change = change_since_open(bars, row, p.minutes)
            signals[row] = np.where(np.isnan(change), signals[row], np.where(change > p.threshold + ROUNDING, 1.0, -1.0))
        return np.where(bars.tradable, signals, np.nan)


class TimeOfDay(TargetStrategy):
    """In at one time, out at another: a trade in every session, whatever the prices do.

    Buy: on the bar that ends at `at`, or the next one; on a half day that is nearly over by then, half an hour before its close.
    Sell: on the bar that ends at `until`, or the next one, and at the latest 15 minutes before the close.
    Source: the time-of-day pattern of Heston, Korajczyk and Sadka, "Intraday Patterns in the Cross-section of Stock Returns",
    Journal of Finance 65 (2010).

    Params:
        at, until: New York time, such as 10:30.
    """

    params = dict(at="10:30", until="15:30")
    space = Space({"at": Choice("10:00", "10:30", "11:00", "12:00"), "until": Choice("14:00", "15:00", "15:30")})

    @classmethod
    def check(cls, p) -> None:
        if not 0 < minutes_after_open("at", p.at) < minutes_after_open("until", p.until) <= max(LENGTHS):
            raise BadSpec(f"at={p.at} and until={p.until}: they are times of the session (09:31 to 16:00 New York), the earlier one first")

    @classmethod
    def check_bars(cls, interval: str, p) -> None:
        check_interval(cls, interval, (1, FROM), [minutes_after_open("at", p.at), minutes_after_open("until", p.until)])

    @classmethod
    def warmup(cls, p) -> int:
        return SESSION

    @classmethod
    def signals(cls, bars: Bars, p) -> np.ndarray:
        check_hours(cls, bars)
        minute, left = bars.minute, bars.minutes_left
        at, until = minutes_after_open("at", p.at), minutes_after_open("until", p.until)
        may_buy = ((minute >= at) | (left <= NO_LATER)) & (minute < until) & (left > FROM)
        buys = first_in_session(bars, _column(may_buy) & traded_today(bars))
        sells = _column(first_in_session(bars, (minute >= until) | (left <= FROM)) | session_starts(bars)) & bars.tradable
        return np.select([buys, sells], [1.0, 0.0], np.nan)


# -- rows of a session ------------------------------------------------------------------------------------


def first_in_session(bars: Bars, due: np.ndarray) -> np.ndarray:
    """Where `due`, (T,) or (T, N) bool, is true for the first time in its session; of the same shape."""
    counted = np.cumsum(due, axis=0, dtype=np.int32)
    before = np.concatenate([np.zeros_like(counted[:1]), counted])[_start_rows(bars)]
    return due & (counted - before == 1)


def session_starts(bars: Bars) -> np.ndarray:
    """(T,) bool: the first row of each session."""
    return _start_rows(bars) == np.arange(len(bars))


def days_to_next_session(bars: Bars) -> np.ndarray:
    """(T,) int64: calendar days from each row's session to the next one that is scheduled."""
    sessions = get_calendar(bars.calendar).sessions
    following = np.minimum(np.searchsorted(sessions, bars.session, "right"), len(sessions) - 1)
    return (sessions[following] - bars.session).astype(np.int64)


def traded_today(bars: Bars) -> np.ndarray:
    """(T, N) bool: symbols that may be traded and have had a bar in the session by then."""
    latest = np.maximum.accumulate(np.where(bars.traded, np.arange(len(bars), dtype=np.int32)[:, None], np.int32(-1)), axis=0)
    return (latest >= _column(_start_rows(bars))) & bars.tradable


def change_since_open(bars: Bars, row: int, minutes: int) -> np.ndarray:
    """(N,) return from the first open of a row's session to the last close within its first `minutes`; NaN where unknown.

    A panel that begins within a session does not know its first open.
    """
    start = int(_start_rows(bars)[row])
    if start == 0 and bars.minute[0] > _minutes(bars.interval):
        return np.full(len(bars.symbols), np.nan)
    end = start + int(np.searchsorted(bars.minute[start : row + 1], minutes, "right"))
    if end == start:
        return np.full(len(bars.symbols), np.nan)
    opened = carried_forward(bars.open[start:end][::-1])[-1]
    return carried_forward(bars.close[start:end])[-1] / opened - 1.0


def _start_rows(bars: Bars) -> np.ndarray:
    return np.searchsorted(bars.session, bars.session)


def _column(rows: np.ndarray) -> np.ndarray:
    return rows[:, None]


# -- what they need ---------------------------------------------------------------------------------------


def check_hours(cls: type, bars: Bars) -> None:
    """Raise `BadSpec` if the bars are those of an exchange with other hours than New York's."""
    if bars.calendar != "XNYS":
        raise BadSpec(f"{cls.__name__} decides by the hours of New York, and the calendar is {bars.calendar}: use XNYS")


def check_interval(strategy: type, interval: str, window: tuple[int, int], times: Iterable[int] = ()) -> None:
    """Whether bars end when a strategy decides.

    Args:
        window: least and most minutes before the close. times: minutes after the open.

    Raises:
        BadSpec: they do not, or are no minute bars.
    """
    step = _minutes(interval)
    if not step:
        raise BadSpec(f"{strategy.__name__} decides within the day and the bars are {interval}: give it minute bars, --interval 1m or 5m")
    ends = [[length - end for end in range(step, length + 1, step)] for length in LENGTHS]
    if not all(any(window[0] <= left <= window[1] for left in lefts) for lefts in ends) or any(time % step for time in times):
        raise BadSpec(f"bars of {interval} are too coarse: {strategy.__name__} decides {window[1]} to {window[0]} minutes before the close"
                      f"{''.join(f', {time} minutes after the open' for time in times)}; use --interval 1m or 5m")


def _minutes(interval: str) -> int:
    """Minutes of a bar; 0 where it is a session or longer."""
    return int(interval[:-1]) * UNITS.get(interval[-1], 0)


def minutes_after_open(name: str, time: str) -> int:
    """Minutes from New York's open to a time of day, "10:30".

    Raises:
        BadSpec: it is none.
    """
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(time))
    if not found:
        raise BadSpec(f"{name}={time} is no time of day: write it as 10:30")
    return int(found[1]) * 60 + int(found[2]) - OPENS
