"""Schedules by hand: holidays, closed weeks, half days, minute bars, calendars without holidays."""

import datetime as dt

import numpy as np
import pytest
from made_bars import walk
from pandas import DatetimeIndex
from restated_rules import is_month_end, is_second, is_weekly

from core.bars import Bars
from core.calendars import Calendar, get_calendar
from core.errors import BadSpec
from strategies.schedules import check_weekday, month_end, nth_weekday, weekly


def daily(start, end, calendar="XNYS"):
    sessions = get_calendar(calendar).between(start, end)
    return Bars.from_frames({"A": walk(len(sessions)).set_axis(DatetimeIndex(sessions))}, calendar=calendar)


def dates(panel, rows):
    return panel.session[rows].astype(str).tolist()


def made_up(*closed, start="2024-01-01", end="2024-12-31"):
    """An exchange open on every weekday but some."""
    days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    days = days[np.is_busday(days) & ~np.isin(days, np.array(closed, dtype="datetime64[D]"))]
    moments = days.astype("datetime64[ns]").astype(np.int64)
    return Calendar("MADE", days, moments, moments + 1)


def test_every_wednesday_or_the_next_session():
    panel = daily("2013-12-09", "2014-01-10")
    assert dates(panel, weekly(panel, 2)) == ["2013-12-11", "2013-12-18", "2013-12-26", "2014-01-02", "2014-01-08"]


def test_a_week_without_a_later_session_has_none():
    panel = daily("2001-09-04", "2001-09-28")  # closed from Tuesday the 11th to Friday the 14th
    assert dates(panel, weekly(panel, 2)) == ["2001-09-05", "2001-09-19", "2001-09-26"]
    assert dates(panel, nth_weekday(panel, 2, 2)) == []
    assert dates(panel, weekly(panel, 0)) == ["2001-09-04", "2001-09-10", "2001-09-17", "2001-09-24"]


def test_a_friday_on_a_holiday_has_no_next_session_in_its_week():
    panel = daily("2013-03-18", "2013-04-05")
    assert dates(panel, weekly(panel, 4)) == ["2013-03-22", "2013-04-05"]  # Good Friday 2013-03-29


def test_the_second_wednesday():
    panel = daily("2007-01-03", "2007-06-29")
    assert dates(panel, nth_weekday(panel, 2, 2)) == ["2007-01-10", "2007-02-14", "2007-03-14", "2007-04-11",
                                                      "2007-05-09", "2007-06-13"]


@pytest.mark.parametrize(("closed", "nth", "stands"), [
    (("2024-05-08",), 2, "2024-05-09"), (("2024-05-08", "2024-05-09"), 2, "2024-05-10"),
    (("2024-05-08", "2024-05-09", "2024-05-10"), 2, None),
    (("2024-08-14",), 2, "2024-08-15"),  # Wednesday the 14th: Thursday the 15th still stands for the second
    (("2024-05-01",), 1, "2024-05-02"),
])
def test_a_second_wednesday_on_a_holiday(closed, nth, stands):
    calendar, month = made_up(*closed), closed[0][:7]
    found = calendar.sessions[calendar.nth_weekday(calendar.sessions, nth, 2)].astype(str)
    assert [day for day in found if day[:7] == month] == ([stands] if stands else [])


def test_a_wednesday_at_the_end_of_a_month_belongs_to_it_when_a_holiday_moves_it_on():
    calendar = made_up("2024-07-31")
    fifth = calendar.sessions[calendar.nth_weekday(calendar.sessions, 5, 2)].astype(str).tolist()
    assert "2024-08-01" in fifth
    first = calendar.sessions[calendar.nth_weekday(calendar.sessions, 1, 2)].astype(str).tolist()
    assert [day for day in first if day[:7] == "2024-08"] == ["2024-08-07"]


@pytest.mark.parametrize("weekday", range(5))
def test_thirty_years_of_schedules_agree_with_the_words(weekday):
    panel = daily("1990-01-02", "2022-12-30")
    sessions = set(panel.session.tolist())
    due = [is_weekly(day, weekday, sessions) for day in panel.session.tolist()]
    assert weekly(panel, weekday).tolist() == due
    second = [flag and is_second(day, weekday) for day, flag in zip(panel.session.tolist(), due, strict=True)]
    assert nth_weekday(panel, 2, weekday).tolist() == second


@pytest.mark.parametrize("before", [0, 1, 9, 18, 20, 30])
def test_month_ends_of_thirty_years(before):
    panel = daily("1990-01-02", "2022-12-30")
    sessions = set(panel.session.tolist()) | {dt.date(2023, 1, 3)}
    assert month_end(panel, before).tolist() == [is_month_end(day, sessions, before) for day in panel.session.tolist()]
    assert month_end(panel, before).sum() == 33 * 12


def test_sessions_before_a_month_end():
    panel = daily("2013-02-01", "2013-04-30")  # Good Friday is 2013-03-29; 19 sessions in February, 20 in March, 22 in April
    assert dates(panel, month_end(panel, 1)) == ["2013-02-27", "2013-03-27", "2013-04-29"]
    assert dates(panel, month_end(panel, 19)) == ["2013-02-01", "2013-03-01", "2013-04-03"]
    assert dates(panel, month_end(panel, 20)) == ["2013-02-01", "2013-03-01", "2013-04-02"]


def test_the_last_bar_is_no_month_end_because_nothing_follows():
    panel = daily("2013-03-01", "2013-03-27")  # the month ends on Thursday the 28th
    assert dates(panel, month_end(panel)) == []


def test_a_market_that_never_closes_uses_calendar_days():
    panel = daily("2024-02-01", "2024-03-05", calendar="24/7")
    assert dates(panel, month_end(panel)) == ["2024-02-29"]
    assert dates(panel, weekly(panel, 2))[:2] == ["2024-02-07", "2024-02-14"]


def test_on_hourly_bars_the_last_bar_of_the_session_stands_for_it():
    calendar = get_calendar("XNYS")
    sessions = calendar.between("2013-11-25", "2013-12-04")  # Thanksgiving, and a session that closes at 13:00
    moments = [moment for opened, closed in zip(calendar.open_of(sessions), calendar.close_of(sessions), strict=True)
               for moment in np.arange(opened + 30 * 60 * 10**9, closed + 1, 30 * 60 * 10**9)]
    frame = walk(len(moments)).set_axis(DatetimeIndex(np.array(moments).view("datetime64[ns]")))
    panel = Bars.from_frames({"A": frame}, interval="30m")
    assert panel.session[month_end(panel)].astype(str).tolist() == ["2013-11-29"]
    assert panel.index[month_end(panel)].tolist() == calendar.close_of(np.array(["2013-11-29"], "datetime64[D]")).tolist()
    assert panel.session[weekly(panel, 3)].astype(str).tolist() == ["2013-11-29"]  # Thursday was the holiday


@pytest.mark.parametrize("weekday", [-1, 5, 6, 2.5])
def test_a_day_without_trading_is_refused(weekday):
    with pytest.raises(BadSpec, match=f"weekday={weekday} is no trading day: 0 is Monday, 4 is Friday"):
        check_weekday(weekday)
