"""Backtrader's clock: floating day numbers (proleptic ordinals, UTC) to UTC nanoseconds and back."""

import datetime as dt
import re

import backtrader as bt
import numpy as np

EPOCH = 719_163  # day number of 1970-01-01
_DAY_NS = 86_400 * 10**9
_DAY_MS = 86_400 * 10**3


def day_numbers(moments: np.ndarray) -> np.ndarray:
    """UTC nanoseconds (int64) as day numbers, bit for bit as `bt.date2num` gives them."""
    days, rest = np.divmod(np.asarray(moments, dtype=np.int64), _DAY_NS)
    times, where = np.unique(rest // 1000, return_inverse=True)
    base = bt.num2date(EPOCH)
    parts = np.array([bt.date2num(base + np.timedelta64(int(time), "us").item()) - EPOCH for time in times])
    return (days + EPOCH) + (parts[where] if len(times) else 0.0)


def moments_of(numbers: np.ndarray) -> np.ndarray:
    """Day numbers as UTC nanoseconds (int64), to the millisecond: a day number is only good for about 10 microseconds."""
    days, rest = np.divmod(np.asarray(numbers, dtype=np.float64), 1.0)
    return ((days.astype(np.int64) - EPOCH) * _DAY_MS + np.rint(rest * _DAY_MS).astype(np.int64)) * 10**6


def dates_of(numbers: np.ndarray) -> np.ndarray:
    """The UTC dates of day numbers, as datetime64[D]."""
    return (np.floor(np.asarray(numbers, dtype=np.float64)).astype(np.int64) - EPOCH).astype("datetime64[D]")

def iso_date(text: str) -> np.datetime64:
    """An exchange date written 2015-01-31, perhaps with a time after it.

    Raises:
        ValueError: it is written otherwise.
    """
    if not re.match(r"\d{4}-\d{2}-\d{2}(?=$|[T ])", text):
        raise ValueError(text)
    return np.datetime64(dt.date.fromisoformat(text[:10]), "D")
