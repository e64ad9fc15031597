"""Windows: when Alpaca takes which orders, on New York's clocks. Pure functions of UTC nanoseconds; imports moments.

Page "Orders at Alpaca", Time in Force and Extended Hours. `session` is (open, close) of the day that `now_ns` is in,
UTC ns, None on a day without trading; Alpaca's calendar gives it, half days with their hours.
"""

from __future__ import annotations

import datetime as dt

from brokers.alpaca.moments import SECOND_NS, at_new_york, new_york

EVENING = dt.time(19)  # from here on, auction orders are for the next session
OPG_ENDS = dt.time(9, 28)
CLS_ENDS = dt.time(15, 50)
CLS_BEFORE_CLOSE_NS = 600 * SECOND_NS
OPG_BEFORE_OPEN_NS = 120 * SECOND_NS
OPENING_NS = 120 * SECOND_NS  # that an opening auction may take
EXTENDED_STARTS, EXTENDED_ENDS = dt.time(4), dt.time(20)

Times = tuple[int, int] | None


def accepts_opg(now_ns: int) -> bool:
    """Whether an order for the opening auction is taken: from 19:00 to 09:28."""
    return not OPG_ENDS <= new_york(now_ns).time() < EVENING


def accepts_cls(now_ns: int, session: Times = None) -> bool:
    """Whether an order for the closing auction is taken: from 19:00 to 15:50, on a half day ten minutes before it."""
    local = new_york(now_ns)
    ends = at_new_york(local.date(), CLS_ENDS)
    if session is not None and new_york(session[1]).date() == local.date():
        ends = session[1] - CLS_BEFORE_CLOSE_NS
    return now_ns < ends or local.time() >= EVENING


def opg_opens(now_ns: int) -> int:
    """When orders for the opening auction are taken next: now, or 19:00 today."""
    return now_ns if accepts_opg(now_ns) else at_new_york(new_york(now_ns).date(), EVENING)


def awaits_opg(now_ns: int, session: Times = None) -> bool:
    """Whether an order for the opening auction has to wait until 19:00: today's has been, or there is none."""
    return not accepts_opg(now_ns) and (session is None or now_ns >= session[0])


def cls_opens(now_ns: int, session: Times = None) -> int:
    """When orders for the closing auction are taken next: now, or 19:00 today."""
    return now_ns if accepts_cls(now_ns, session) else at_new_york(new_york(now_ns).date(), EVENING)


def is_bound(tif: str, now_ns: int, session: Times) -> bool:
    """Whether an order for an auction cannot be taken back any more: from when the auction takes no orders until it has been.

    The exchanges' rule (NYSE 7.35B(f)(2), Nasdaq 4702(b)(8) and (11)). Alpaca refuses the request, or the order stays `pending_cancel`.
    """
    if session is None:
        return False
    begins, ends = {"opg": (session[0] - OPG_BEFORE_OPEN_NS, session[0] + OPENING_NS),
                    "cls": (session[1] - CLS_BEFORE_CLOSE_NS, session[1])}.get(tif, (0, 0))
    return begins <= now_ns < ends


def in_session(now_ns: int, session: Times) -> bool:
    """Whether regular trading is scheduled: from the open up to, but without, the close."""
    return session is not None and session[0] <= now_ns < session[1]


def in_extended_hours(now_ns: int, session: Times) -> bool:
    """Whether pre-market (from 04:00) or after-hours trading (until 20:00) goes on."""
    if session is None or in_session(now_ns, session):
        return False
    date = new_york(session[0]).date()
    return at_new_york(date, EXTENDED_STARTS) <= now_ns < at_new_york(date, EXTENDED_ENDS)
