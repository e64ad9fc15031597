"""The intraday strategies against slow re-statements of their words, day by day, on bars with holes and half days."""

import datetime as dt
import math
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars as daily
from made_bars import walk
from minute_sessions import NEW_YORK, THREE_DAYS, closing, minute_bars, new_york

from core.bars import Bars
from core.errors import BadSpec
from strategies import BuyCloseSellOpen, ShortTermMomentum, TimeOfDay


def params(strategy, **changes):
    return SimpleNamespace(**{**dict(strategy.params._getitems()), **changes})


class Day:
    """One day of a panel, by New York's clocks."""

    def __init__(self, panel, date, rows):
        self.panel, self.rows = panel, rows
        self.times = [dt.datetime.fromtimestamp(int(panel.index[row]) / 1e9, NEW_YORK) for row in rows]
        self.open = self._at(date, "09:30")
        self.close = self._at(date, closing(date))

    @staticmethod
    def _at(date, time):
        return dt.datetime.fromisoformat(f"{date} {time}").replace(tzinfo=NEW_YORK)

    def within(self, first, last):
        """Rows that end from one moment to another, both included."""
        return [row for row, time in zip(self.rows, self.times, strict=True) if first <= time <= last]

    def has_traded(self, column, row):
        return any(not math.isnan(self.panel.raw_close[at, column]) for at in self.rows if at <= row)


def minutes(count):
    return dt.timedelta(minutes=count)


def days_of(panel):
    dates = panel.session.astype(str)
    return [Day(panel, date, np.flatnonzero(dates == date).tolist()) for date in dict.fromkeys(dates.tolist())]


def restated(rule):
    """Decisions of a rule that is told a day and a column, and notes {row: decision}."""
    def signals(panel, p):
        decided = np.full(panel.shape, math.nan)
        for day in days_of(panel):
            for column in np.flatnonzero(panel.tradable).tolist():
                for row, decision in rule(day, column, p).items():
                    decided[row, column] = decision
        return decided
    return signals


def first(rows):
    return rows[:1]


@restated
def buy_close_sell_open(day, column, p):
    decided = {row: 0.0 for row in [*first(day.rows), *day.within(day.close, day.close)]}
    friday_or_holiday = str(day.close.date()) in ("2024-11-27", "2024-11-29", "2024-07-03", "2024-12-24")
    if p.weekends or not friday_or_holiday:
        window = [row for row in day.within(day.close - minutes(15), day.close - minutes(11)) if day.has_traded(column, row)]
        decided |= {row: 1.0 for row in first(window)}
    return decided


@restated
def short_term_momentum(day, column, p):
    ends = day.within(day.close - minutes(15), day.close)
    decided = {row: 0.0 for row in [*first(day.rows), *first(ends)]}
    deciding = first([row for row in day.within(day.open + minutes(p.minutes), day.close) if row not in ends])
    panel = day.panel
    knows_open = day.rows[0] > 0 or day.times[0] <= day.open + minutes(1)
    early = [row for row in day.within(day.open, day.open + minutes(p.minutes)) if not math.isnan(panel.raw_close[row, column])]
    if deciding and early and knows_open:
        closed, opened = (Decimal(str(each)) for each in (panel.raw_close[early[-1], column], panel.raw_open[early[0], column]))
        decided[deciding[0]] = 1.0 if closed / opened - 1 > Decimal(str(p.threshold)) else -1.0
    return decided


@restated
def time_of_day(day, column, p):
    at, until = (day._at(str(day.close.date()), time) for time in (p.at, p.until))
    at, until = min(at, day.close - minutes(30)), min(until, day.close - minutes(15))
    buys = [row for row, time in zip(day.rows, day.times, strict=True) if at <= time < until and day.has_traded(column, row)]
    decided = {row: 0.0 for row in [*first(day.rows), *first(day.within(until, day.close))]}
    return decided | {row: 1.0 for row in first(buys)}


RULES = [(BuyCloseSellOpen, buy_close_sell_open, [{}, {"weekends": False}]),
         (ShortTermMomentum, short_term_momentum, [{}, {"minutes": 5, "threshold": 0.0}, {"minutes": 100, "threshold": 0.002}]),
         (TimeOfDay, time_of_day, [{}, {"at": "09:31", "until": "09:40"}, {"at": "15:00", "until": "16:00"}])]
CASES = [pytest.param(kind, rule, changes, id=f"{kind.__name__}-{at}") for kind, rule, sets in RULES for at, changes in enumerate(sets)]
MARKETS = dict(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.02, 0.5, 0.9, 0.99]), start=st.sampled_from([0, 0, 17, 200, 380]),
               day=st.sampled_from(THREE_DAYS), hush=st.sampled_from([None, ("09:31", "10:02"), ("10:00", "12:59"), ("12:44", "15:50")]))


def market(seed, missing, start, day, hush):
    """Two symbols and a reference symbol, that may begin within a day, and fall silent together for a while."""
    silent = [("", day, *hush)] if hush else []
    panel = minute_bars(symbols=("AAA", "BBB", "^I"), seed=seed, missing=missing, silent=silent, reference=("^I",))
    return panel.upto(len(panel) - 1)._slice(slice(min(start, len(panel) - 2), len(panel)), keep_derived=False)


@settings(max_examples=15)
@given(**MARKETS)
@pytest.mark.parametrize(("kind", "rule", "changes"), CASES)
def test_decisions_are_those_the_words_ask_for(kind, rule, changes, seed, missing, start, day, hush):
    panel, p = market(seed, missing, start, day, hush), params(kind, **changes)
    np.testing.assert_array_equal(kind.signals(panel, p), rule(panel, p))


@settings(max_examples=15)
@given(row=st.integers(0, 10_000), **MARKETS)
@pytest.mark.parametrize("kind", [kind for kind, _, _ in RULES], ids=lambda kind: kind.__name__)
def test_cutting_off_the_future_changes_no_decision(kind, row, seed, missing, start, day, hush):
    panel, p = market(seed, missing, start, day, hush), params(kind)
    row %= len(panel)
    np.testing.assert_array_equal(kind.signals(panel.upto(row), p), kind.signals(panel, p)[: row + 1])


def told(kind, panel, column=0, **changes):
    """(New York time, decision) of one symbol, without being out on a session's first bar."""
    decided = kind.signals(panel, params(kind, **changes))[:, column]
    return [(new_york(panel.index[row]), decided[row]) for row in np.flatnonzero(~np.isnan(decided))
            if not (decided[row] == 0 and (row == 0 or panel.session[row] != panel.session[row - 1]))]


def test_buying_at_the_close_is_decided_early_enough_also_on_a_half_day():
    panel = minute_bars()
    assert told(BuyCloseSellOpen, panel) == [
        ("2024-11-27 15:45", 1.0), ("2024-11-27 16:00", 0.0), ("2024-11-29 12:45", 1.0), ("2024-11-29 13:00", 0.0),
        ("2024-12-02 15:45", 1.0), ("2024-12-02 16:00", 0.0)]
    assert told(BuyCloseSellOpen, panel, weekends=False) == [
        ("2024-11-27 16:00", 0.0), ("2024-11-29 13:00", 0.0), ("2024-12-02 15:45", 1.0), ("2024-12-02 16:00", 0.0)]


@pytest.mark.parametrize(("silent", "bought"), [(("15:45", "15:48"), "2024-11-27 15:49"), (("15:45", "15:49"), None)])
def test_without_a_bar_at_the_deciding_minute_the_next_one_decides_while_there_is_time(silent, bought):
    panel = minute_bars(silent=[("", "2024-11-27", *silent)])
    assert [time for time, decision in told(BuyCloseSellOpen, panel) if decision and time < "2024-11-28"] == ([bought] if bought else [])


def test_a_symbol_without_a_bar_at_the_deciding_minute_is_decided_on_with_the_others():
    panel = minute_bars(silent=[("AAA", "2024-11-27", "15:40", "15:50"), ("BBB", "2024-11-29", "09:31", "13:00")])
    assert ("2024-11-27 15:45", 1.0) in told(BuyCloseSellOpen, panel)
    assert not [each for each in told(BuyCloseSellOpen, panel, column=1) if each[0].startswith("2024-11-29") and each[1]]  # it has not traded


def hourglass(first_open, price_at_ten):
    """One symbol that opens at one price, and is at another from 10:00 on."""
    panel = minute_bars(days=("2024-12-02",), symbols=("AAA",), step=0)
    shown = np.where(panel.minute[:, None] >= 30, price_at_ten, first_open)
    series = panel.series("AAA")
    return Bars.of([type(series).make("AAA", series.index, series.session, shown[:, 0], open=np.r_[first_open, shown[:-1, 0]], high=shown[:, 0] + 200,
                                      low=shown[:, 0] * 0 + 1, volume=series.volume)], interval="1m")


@pytest.mark.parametrize(("price", "decision"), [(101.01, 1.0), (101.0, -1.0), (100.5, -1.0), (99.0, -1.0)])
def test_a_rise_of_more_than_one_per_cent_is_bought_and_anything_else_sold_short(price, decision):
    assert told(ShortTermMomentum, hourglass(100.0, price)) == [("2024-12-02 10:00", decision), ("2024-12-02 15:45", 0.0)]


def test_a_panel_that_begins_after_the_open_does_not_guess_it():
    panel = hourglass(100.0, 105.0)
    late = panel._slice(slice(5, len(panel)), keep_derived=False)
    assert told(ShortTermMomentum, late) == [("2024-12-02 15:45", 0.0)]


def test_there_is_a_trade_in_every_session_whatever_its_hours():
    assert told(TimeOfDay, minute_bars(), at="14:00", until="15:30") == [
        ("2024-11-27 14:00", 1.0), ("2024-11-27 15:30", 0.0), ("2024-11-29 12:30", 1.0), ("2024-11-29 12:45", 0.0),
        ("2024-12-02 14:00", 1.0), ("2024-12-02 15:30", 0.0)]


@pytest.mark.parametrize("kind", [BuyCloseSellOpen, ShortTermMomentum, TimeOfDay])
@pytest.mark.parametrize(("interval", "words"), [
    ("1d", "decides within the day and the bars are 1d: give it minute bars"), ("1w", "the bars are 1w"), ("30m", "bars of 30m are too coarse"),
    ("1h", "too coarse")])
def test_bars_that_end_at_none_of_its_minutes_are_refused(kind, interval, words):
    with pytest.raises(BadSpec, match=words):
        kind.check_bars(interval, params(kind))
    for good in ("1m", "5m", "15m"):
        kind.check_bars(good, params(kind))


def test_daily_bars_are_refused_where_decisions_are_made():
    with pytest.raises(BadSpec, match="ShortTermMomentum decides within the day"):
        ShortTermMomentum.decisions(daily(A=walk(20)), params(ShortTermMomentum))


@pytest.mark.parametrize(("kind", "changes", "words"), [
    (ShortTermMomentum, {"minutes": 0}, "minutes=0"), (ShortTermMomentum, {"minutes": 195}, "minutes=195"),
    (TimeOfDay, {"at": "15:30"}, "the earlier one first"), (TimeOfDay, {"at": "09:30"}, "times of the session"),
    (TimeOfDay, {"until": "16:01"}, "times of the session"), (TimeOfDay, {"at": "half past ten"}, "no time of day"),
    (TimeOfDay, {"at": "24:00"}, "no time of day")])
def test_times_that_cannot_be_are_refused(kind, changes, words):
    with pytest.raises(BadSpec, match=words):
        kind.check(params(kind, **changes))


def test_a_time_that_no_bar_ends_at_is_refused():
    with pytest.raises(BadSpec, match="62 minutes after the open"):
        TimeOfDay.check_bars("5m", params(TimeOfDay, at="10:32"))
