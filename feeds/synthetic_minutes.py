"""Synthetic bars shorter than a session, drawn inside given daily bars so that they add up to them.

First open, highest high, lowest low, last close and total volume of a session's bars are those of its daily bar.
Imports core only.
"""

import numpy as np

from core.calendars import MINUTE_NS, Calendar
from core.errors import BadSpec
from core.series import FIELDS, SymbolBars
from feeds.intervals import interval_ns

SILENT = 0.01  # part of the minutes without a trade
ROUGHNESS = 0.35  # size of the minute-to-minute walk as a part of the day's range


def intraday_bars(daily: SymbolBars, interval: str, key: tuple[int, int], calendar: Calendar) -> SymbolBars:
    """The sessions of `daily` in bars of `interval`; actions stand on the first bar of their session.

    The random stream of a session depends on `key` and its date only. Half days have fewer minutes.

    Raises:
        BadSpec: the interval is no whole number of minutes of the session.
    """
    step = interval_ns(interval) // MINUTE_NS
    opens, closes = calendar.open_of(daily.session), calendar.close_of(daily.session)
    minutes = (closes - opens) // MINUTE_NS
    if step > minutes.max():
        raise BadSpec(f"interval {interval} is longer than a session of {calendar.name}: use --interval 1d")
    parts = [_session_bars(daily, row, int(minutes[row]), int(step), key) for row in range(len(daily))]
    lengths = np.array([len(part["minute"]) for part in parts])
    first = np.r_[0, np.cumsum(lengths)[:-1]]
    owner = np.repeat(np.arange(len(daily)), lengths)
    index = opens[owner] + np.concatenate([part["minute"] for part in parts]) * MINUTE_NS
    columns = {name: np.concatenate([part[name] for part in parts]) for name in FIELDS}
    dividend, split = np.zeros(len(index)), np.ones(len(index))
    pay_date = np.full(len(index), np.datetime64("NaT"), dtype="datetime64[D]")
    dividend[first], split[first], pay_date[first] = daily.dividend, daily.split, daily.pay_date
    return SymbolBars.make(daily.symbol, index, daily.session[owner], **columns, dividend=dividend, split=split,
                           pay_date=pay_date, validated=False)


def _session_bars(daily: SymbolBars, row: int, minutes: int, step: int, key: tuple[int, int]) -> dict[str, np.ndarray]:
    day = int(daily.session[row].astype(np.int64))
    stream = np.random.default_rng([*key, day])
    opened, high, low, close, volume = (float(getattr(daily, name)[row]) for name in FIELDS)
    path = _path(stream, minutes, opened, high, low, close)
    bars = {"open": path[:-1].copy(), "close": path[1:].copy()}
    bars["high"], bars["low"] = np.maximum(bars["open"], bars["close"]), np.minimum(bars["open"], bars["close"])
    top, bottom = int(np.argmax(bars["high"])), int(np.argmin(bars["low"]))
    bars["high"][top], bars["low"][bottom] = high, low
    traded = stream.random(minutes) >= SILENT
    traded[[0, -1, top, bottom]] = True
    bars["volume"] = _volumes(stream, traded, volume)
    bars["minute"] = np.arange(1, minutes + 1)
    return _grouped({name: values[traded] for name, values in bars.items()}, step, minutes)


def _path(stream: np.random.Generator, minutes: int, opened: float, high: float, low: float,
          close: float) -> np.ndarray:
    """(minutes + 1,) prices in cents from the open to the close, kept between low and high."""
    walk = np.r_[0.0, np.cumsum(stream.standard_normal(minutes))]
    share = np.arange(minutes + 1) / minutes
    bridge = (walk - share * walk[-1]) / np.sqrt(minutes)
    path = opened + share * (close - opened) + ROUGHNESS * 2 * (high - low) * bridge
    path = np.clip(np.round(path, 2), low, high)
    path[0], path[-1] = opened, close
    return path


def _volumes(stream: np.random.Generator, traded: np.ndarray, total: float) -> np.ndarray:
    """Whole shares a minute, a U over the session, adding up to the day's volume."""
    place = np.linspace(-1, 1, len(traded))
    weight = traded * (0.4 + 1.6 * place**2) * np.exp(0.5 * stream.standard_normal(len(traded)))
    shares = np.floor(total * weight / weight.sum())
    shares[-1] += total - shares.sum()
    return shares


def _grouped(bars: dict[str, np.ndarray], step: int, minutes: int) -> dict[str, np.ndarray]:
    """Minutes joined into bars of `step` minutes, stamped at the end of each; the last may be shorter."""
    if step == 1:
        return bars
    group = (bars["minute"] - 1) // step
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    last = np.r_[first[1:], len(group)] - 1
    return {
        "minute": np.minimum((group[first] + 1) * step, minutes),
        "open": bars["open"][first], "close": bars["close"][last],
        "high": np.maximum.reduceat(bars["high"], first), "low": np.minimum.reduceat(bars["low"], first),
        "volume": np.add.reduceat(bars["volume"], first),
    }
