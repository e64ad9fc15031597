"""Minute bars of whole sessions, half days with their hours, from which minutes may be missing."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from core.bars import Bars
from core.series import SymbolBars

NEW_YORK = ZoneInfo("America/New_York")
HALF_DAYS = ("2024-07-03", "2024-11-29", "2024-12-24")
THREE_DAYS = ("2024-11-27", "2024-11-29", "2024-12-02")  # a holiday, a half day and a weekend among them


def moments(day):
    """New York's minutes of a day, the ends of its bars."""
    open_, close = (dt.datetime.fromisoformat(f"{day} {time}").replace(tzinfo=NEW_YORK) for time in ("09:30", closing(day)))
    return [open_ + dt.timedelta(minutes=at) for at in range(1, int((close - open_).total_seconds()) // 60 + 1)]


def closing(day):
    """The close of a day, New York time."""
    return "13:00" if str(day) in HALF_DAYS else "16:00"


def minute_bars(days=THREE_DAYS, symbols=("AAA", "BBB"), seed=1, missing=0.0, silent=(), step=30, reference=()):
    """Random walks in cents of up to `step` a minute, that jump at each open.

    Args:
        missing: part of each symbol's minutes without a bar. silent: (symbol or "", day, first, last) New York times, both
            included, without a bar of that symbol, or of any.
    """
    every = [at for day in days for at in moments(day)]
    index = np.array([int(at.timestamp()) * 10**9 for at in every])
    session = np.array([at.date().isoformat() for at in every], "datetime64[D]")
    series = []
    for number, symbol in enumerate(symbols):
        random = np.random.default_rng([seed, number])
        close = np.round(100 + 0.01 * random.integers(-step, step + 1, len(index)).cumsum(), 2)
        opened = np.r_[100.0, close[:-1]]
        starts = np.r_[True, session[1:] != session[:-1]]
        opened[starts] = np.round(opened[starts] + 0.37, 2)
        there = random.random(len(index)) >= missing
        for name, day, first, last in silent:
            hushed = [at.date().isoformat() == day and first <= f"{at:%H:%M}" <= last for at in every]
            there &= ~(np.array(hushed) & (name in ("", symbol)))
        prices = dict(open=opened, high=np.maximum(opened, close) + 0.01, low=np.minimum(opened, close) - 0.01, volume=np.full(len(index), 1e6))
        if there.any():
            series.append(SymbolBars.make(symbol, index[there], session[there], close[there], **{name: each[there] for name, each in prices.items()}))
    return Bars.of(series, interval="1m", reference=reference)


def new_york(time_ns):
    """A moment as New York's clocks show it, "2024-11-29 15:59"."""
    return f"{dt.datetime.fromtimestamp(int(time_ns) / 1e9, NEW_YORK):%Y-%m-%d %H:%M}"


def new_york_ns(text):
    """The moment that New York's clocks show, UTC ns."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 10**9
