"""Weeks made of daily bars: Alpaca's own raw weeks would mix prices of before and after a split. Imports core and feeds.

A week is Monday to Sunday; its bar stands at the close of the last session that the calendar has in it.
"""

import numpy as np

from core.calendars import Calendar
from core.series import FIELDS, PRICES, SymbolBars
from feeds.alpaca_bars import merged
from feeds.unadjust import later_splits

MONDAY = 3  # 1970-01-01 was a Thursday


def monday_of(date: str) -> str:
    """The Monday of a date's week, both ISO."""
    return str(((np.datetime64(date, "D").astype(np.int64) + MONDAY) // 7 * 7 - MONDAY).astype("datetime64[D]"))


def weekly(bars: SymbolBars, exchange: Calendar) -> SymbolBars:
    """Weekly bars of daily ones, which must hold whole weeks.

    In a week with a split, prices, volumes and dividends of the days before it are told in shares after it.

    Raises:
        BadBars: a rule of `core.series.validate` is broken.
    """
    week = (bars.session.astype(np.int64) + MONDAY) // 7
    firsts = np.flatnonzero(np.diff(week, prepend=week[0] - 1))
    shares = _later_shares(bars.split, np.r_[firsts, len(week)])
    columns = {name: getattr(bars, name) / shares for name in PRICES} | {"volume": bars.volume * shares}
    nexts = ((week[firsts] + 1) * 7 - MONDAY).astype("datetime64[D]")
    session = exchange.sessions[np.searchsorted(exchange.sessions, nexts) - 1]
    joined = merged({name: columns[name] for name in FIELDS}, firsts)
    return SymbolBars.make(bars.symbol, exchange.close_of(session), session, **joined,  # type: ignore[arg-type]
                           dividend=np.add.reduceat(bars.dividend / shares, firsts),
                           split=np.multiply.reduceat(bars.split, firsts),
                           pay_date=np.fmax.reduceat(bars.pay_date, firsts))


def _later_shares(split: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """What one share of each day has become by the end of its week."""
    shares = np.ones(len(split))
    for at in np.unique(np.searchsorted(edges, np.flatnonzero(split != 1), "right") - 1):
        days = slice(edges[at], edges[at + 1])
        shares[days] = later_splits(split[days])
    return shares
