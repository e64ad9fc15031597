import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import get_calendar
from core.errors import BadSpec, UnknownName

XNYS = get_calendar("XNYS")


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def ns(text):
    return np.datetime64(text, "ns").astype(np.int64)


def test_holidays_and_weekends_are_no_sessions():
    assert XNYS.between("2024-12-23", "2024-12-27").astype(str).tolist() == [
        "2024-12-23", "2024-12-24", "2024-12-26", "2024-12-27"]
    found = XNYS.position(days("2024-12-24", "2024-12-25", "2024-12-28"))
    assert (found >= 0).tolist() == [True, False, False]


@pytest.mark.parametrize(("session", "opened", "closed"), [
    ("2024-01-16", "2024-01-16T14:30", "2024-01-16T21:00"),  # winter time
    ("2024-07-16", "2024-07-16T13:30", "2024-07-16T20:00"),  # summer time
    ("2024-11-29", "2024-11-29T14:30", "2024-11-29T18:00"),  # half day after Thanksgiving
])
def test_opening_and_closing_moments_are_utc(session, opened, closed):
    assert XNYS.open_of(days(session)).tolist() == [ns(opened)]
    assert XNYS.close_of(days(session)).tolist() == [ns(closed)]


def test_a_date_off_the_calendar_gets_the_usual_close():
    assert XNYS.close_of(days("2024-07-20")).tolist() == [ns("2024-07-20T20:00")]


def test_a_moment_belongs_to_the_first_session_not_yet_closed():
    moments = [ns("2024-07-16T13:31"), ns("2024-07-16T20:00"), ns("2024-07-16T20:01"), ns("2024-07-19T20:01")]
    assert XNYS.session_of(np.array(moments)).astype(str).tolist() == [
        "2024-07-16", "2024-07-16", "2024-07-17", "2024-07-22"]


@pytest.mark.parametrize(("session", "count", "expected"), [
    ("2024-07-19", 1, "2024-07-22"), ("2024-07-22", -1, "2024-07-19"), ("2024-07-22", 0, "2024-07-22"),
    ("2024-07-19", 5, "2024-07-26"), ("2024-07-26", -5, "2024-07-19"),
])
def test_steps_count_sessions(session, count, expected):
    assert str(XNYS.step(session, count)) == expected


def test_weekly_is_the_weekday_or_the_next_session_of_the_same_week():
    week = XNYS.between("2024-12-23", "2025-01-03")  # both Wednesdays are holidays
    assert week[XNYS.weekly(week)].astype(str).tolist() == ["2024-12-26", "2025-01-02"]
    easter = XNYS.between("2024-03-25", "2024-03-29")  # Good Friday: no session from Friday on
    assert not XNYS.weekly(easter, weekday=4).any()


def test_monthly_is_the_first_or_last_scheduled_session():
    span = XNYS.between("2024-02-26", "2024-04-02")
    assert span[XNYS.monthly(span)].astype(str).tolist() == ["2024-02-29", "2024-03-28"]
    assert span[XNYS.monthly(span, "first")].astype(str).tolist() == ["2024-03-01", "2024-04-01"]
    with pytest.raises(BadSpec, match="not 'middle'"):
        XNYS.monthly(span, "middle")


@given(st.integers(0, 12_000), st.integers(1, 300))
def test_a_schedule_never_looks_at_the_rows_that_follow(first, length):
    """The last row of a cut is decided as it is in the whole: by the calendar, not by the next row."""
    whole, cut = XNYS.sessions, XNYS.sessions[first:first + length]
    for schedule in (XNYS.monthly, XNYS.weekly):
        assert np.array_equal(schedule(whole)[first:first + length], schedule(cut))


def test_a_calendar_without_closing_bell():
    always = get_calendar("24/7")
    assert len(always.between("2024-12-23", "2024-12-29")) == 7


def test_an_unknown_calendar_gets_a_suggestion():
    with pytest.raises(UnknownName, match="unknown calendar 'XNYSX': did you mean 'XNYS'"):
        get_calendar("XNYSX")
