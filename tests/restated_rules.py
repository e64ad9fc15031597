"""The rules of the shipped strategies, said again the slow way: one day after the other, plain floats and dates.

Reads prices, symbols and dates of `Bars` and the list of exchange sessions, and nothing else of the project.
"""

import datetime as dt
import itertools
import math
from functools import lru_cache

import numpy as np

from core.calendars import get_calendar

NAN = math.nan


class Day:
    """What is known at the close of one session: each symbol's own bars so far, and whether it has one today."""

    def __init__(self, bars, row, tapes):
        self.bars, self.row, self.date, self._tapes = bars, row, bars.session[row].item(), tapes

    def trades(self, symbol):
        return self._tapes[symbol][0][self.row]

    def own(self, symbol, name="close"):
        """The symbol's values on the days it traded, up to today."""
        return self._tapes[symbol][1][name][: self._tapes[symbol][2][self.row]]

    @property
    def present(self):
        """Tradable symbols with a bar today, in the order of the panel."""
        return [symbol for symbol, flag in zip(self.bars.symbols, self.bars.tradable, strict=True)
                if flag and self.trades(symbol)]


def days(bars):
    tapes = {}
    for at, symbol in enumerate(bars.symbols):
        there = [not math.isnan(close) for close in bars.raw_close[:, at].tolist()]
        own = {name: [value for value, flag in zip(getattr(bars, name)[:, at].tolist(), there, strict=True) if flag]
               for name in ("close", "high", "low")}
        tapes[symbol] = there, own, list(itertools.accumulate(there))
    return [Day(bars, row, tapes) for row in range(len(bars))]


# -- the calendar ---------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def open_days(name):
    return frozenset(get_calendar(name).sessions.tolist())


def is_weekly(day, weekday, sessions):
    """Whether `day` is the week's `weekday`, or the first session after it in the same week where that is closed."""
    if day not in sessions or day.weekday() < weekday:
        return False
    earlier = [day - dt.timedelta(days=back) for back in range(1, day.weekday() - weekday + 1)]
    return not any(each in sessions for each in earlier)


def is_second(day, weekday):
    """Whether the `weekday` of this week is the second one of its month."""
    meant = day - dt.timedelta(days=day.weekday() - weekday)
    return 8 <= meant.day <= 14


def is_month_end(day, sessions, before=0):
    """Whether `before` later sessions of the same month exist, or fewer and no earlier one."""
    if day not in sessions:
        return False
    around = (day + dt.timedelta(days=away) for away in range(-30, 31))
    month = [each for each in around if each in sessions and each.month == day.month and each.year == day.year]
    later = sum(each > day for each in month)
    return later == before or (later < before and month[0] == day)


# -- numbers --------------------------------------------------------------------------------------------


def average(values, period):
    return math.fsum(values[-period:]) / period if len(values) >= period else NAN


def deviation(values):
    """Standard deviation of the population."""
    centre = math.fsum(values) / len(values)
    return 0.0 if len(set(values)) == 1 else math.sqrt(math.fsum((x - centre) ** 2 for x in values) / len(values))


def change(values, period):
    """Return over `period` bars."""
    return values[-1] / values[-1 - period] - 1 if len(values) > period else NAN


def momentum_score(closes, period):
    """Annualised growth of an exponential regression, times the part of the variance it explains."""
    if len(closes) < period:
        return NAN
    logs = [math.log(close) for close in closes[-period:]]
    middle, level = (period - 1) / 2, math.fsum(logs) / period
    spread = math.fsum((x - middle) ** 2 for x in range(period))
    along = math.fsum((x - middle) * (y - level) for x, y in enumerate(logs))
    total = math.fsum((y - level) ** 2 for y in logs)
    explained = along * along / (spread * total) if total > 0 else 0.0
    return (math.exp(along / spread) ** 252 - 1) * explained


def average_true_ranges(day, symbol, period):
    """Wilder's average true range on each own bar up to `day`; a series of closes alone ranges from close to close."""
    closes, highs, lows = (day.own(symbol, name) for name in ("close", "high", "low"))
    ranges, smooth = [], [NAN]
    for at in range(1, len(closes)):
        high, low = (closes[at],) * 2 if math.isnan(highs[at]) else (highs[at], lows[at])
        ranges.append(max(high, closes[at - 1]) - min(low, closes[at - 1]))
        if len(ranges) <= period:
            smooth.append(average(ranges, period))
        else:
            smooth.append(smooth[-1] + (ranges[-1] - smooth[-1]) / period)
    return smooth


# -- the rules ------------------------------------------------------------------------------------------


def momentum(bars, p, start=None):
    """Momentum, week by week, with the positions it would hold and the risk unit each was last sized at."""
    sessions, decided, held = open_days(bars.calendar), np.full(bars.shape, NAN), {}
    ranges = {symbol: average_true_ranges(days(bars)[-1], symbol, p.atr) for symbol in bars.symbols}
    for day in days(bars):
        if not is_weekly(day.date, p.weekday, sessions) or (start and day.date < start):
            continue
        closes = {symbol: day.own(symbol) for symbol in day.present}
        scores = {symbol: momentum_score(closes[symbol], p.lookback) for symbol in day.present}
        ranked = best_first(scores)
        best = ranked[: max(1, math.floor(p.top * len(ranked) + 1e-9))]
        bull = index_above(day, p)
        for symbol in day.present:
            close, column = closes[symbol][-1], bars.symbols.index(symbol)
            unit = ranges[symbol][len(closes[symbol]) - 1] / close
            fit = symbol in best and scores[symbol] > 0 and close >= average(closes[symbol], p.average)
            if not fit or (symbol not in held and not bull):
                decided[day.row, column] = 0.0
                held.pop(symbol, None)
            elif symbol not in held or is_second(day.date, p.weekday) or not abs(unit / held[symbol] - 1) <= p.band:
                decided[day.row, column], held[symbol] = scores[symbol], unit
    return decided


def best_first(scores):
    """Symbols with a score, highest first, equal ones in the order of the panel."""
    return sorted((symbol for symbol, score in scores.items() if not math.isnan(score)),
                  key=lambda symbol: -scores[symbol])


def index_above(day, p):
    """Whether the market index closed above its average today."""
    if not p.index_average:
        return True
    references = [symbol for symbol, flag in zip(day.bars.symbols, day.bars.tradable, strict=True) if not flag]
    index = p.index or (references[0] if references else "")
    if index not in day.bars.symbols or not day.trades(index):
        return False
    closes = day.own(index)
    return closes[-1] > average(closes, p.index_average)


def mean_reversion(bars, p):
    """Mean reversion, week by week."""
    sessions, decided = open_days(bars.calendar), np.full(bars.shape, NAN)
    for day in days(bars):
        if not is_weekly(day.date, p.weekday, sessions):
            continue
        for symbol in day.present:
            closes = day.own(symbol)
            if len(closes) < p.period:
                continue
            centre, spread = average(closes, p.period), deviation(closes[-p.period :])
            if not spread:
                continue
            if closes[-1] <= centre - p.entry * spread:
                decided[day.row, bars.symbols.index(symbol)] = (centre - closes[-1]) / spread
            elif closes[-1] >= centre - p.exit * spread:
                decided[day.row, bars.symbols.index(symbol)] = 0.0
    return decided


def etf_rotation(bars, p):
    """ETF rotation, month by month."""
    sessions, decided = open_days(bars.calendar), np.full(bars.shape, NAN)
    for day in days(bars):
        if not is_month_end(day.date, sessions, p.day):
            continue
        returns = {symbol: change(day.own(symbol), p.lookback) for symbol in day.present}
        for place, symbol in enumerate(best_first(returns), 1):
            decided[day.row, bars.symbols.index(symbol)] = 1 / place if place <= p.top else 0.0
    return decided


def dual_momentum(bars, p):
    """Dual momentum, month by month: conviction is the part of the account."""
    sessions, decided = open_days(bars.calendar), np.full(bars.shape, NAN)
    for day in days(bars):
        if not is_month_end(day.date, sessions, p.day):
            continue
        classes = [symbol for symbol in day.present if symbol not in (p.safe, p.bills)]
        returns = {symbol: change(day.own(symbol), p.lookback) for symbol in classes}
        chosen = best_first(returns)[: p.top]
        if not chosen:
            continue
        hurdle = change(day.own(p.bills), p.lookback) if p.bills in bars.symbols and day.trades(p.bills) else NAN
        winners = [symbol for symbol in chosen if returns[symbol] > (0.0 if math.isnan(hurdle) else hurdle)]
        for symbol in day.present:
            share = (len(chosen) - len(winners) if symbol == p.safe else symbol in winners) / p.top
            decided[day.row, bars.symbols.index(symbol)] = share
    return decided
