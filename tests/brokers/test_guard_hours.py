import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.guard.hours import Hours
from brokers.local_alpaca.moments import moment
from core.calendars import get_calendar

XNYS = Hours(get_calendar("XNYS"))
MINUTE = 60 * 10**9


@pytest.mark.parametrize(("at", "minutes"), [
    ("2024-03-01T09:29:59-05:00", None), ("2024-03-01T09:30:00-05:00", (0, 390)), ("2024-03-01T09:30:59-05:00", (0, 390)),
    ("2024-03-01T15:59:00-05:00", (389, 1)), ("2024-03-01T15:59:59-05:00", (389, 1)), ("2024-03-01T16:00:00-05:00", None),
    ("2024-03-02T12:00:00-05:00", None), ("2024-11-29T12:59:00-05:00", (209, 1)), ("2024-11-29T13:00:00-05:00", None),
    ("2024-03-11T09:30:00-04:00", (0, 390)), ("2024-03-08T09:30:00-05:00", (0, 390)), ("2024-11-04T09:29:00-05:00", None),
], ids=str)
def test_minutes_of_a_session_on_usual_and_half_days_and_over_the_change_of_clocks(at, minutes):
    assert XNYS.minutes(moment(at)) == minutes


@pytest.mark.parametrize(("at", "day"), [
    ("2024-03-01T16:00:00-05:00", "2024-03-01"), ("2024-03-01T16:00:01-05:00", "2024-03-04"), ("2024-03-04T00:00:00-05:00", "2024-03-04"),
    ("2024-11-29T13:00:00-05:00", "2024-11-29"), ("2024-11-29T13:00:01-05:00", "2024-12-02"),
])
def test_a_bar_that_ends_with_the_session_belongs_to_it(at, day):
    assert XNYS.day(moment(at)) == day


@pytest.mark.parametrize(("first", "last", "seconds"), [
    ("2024-03-01T10:00:00-05:00", "2024-03-01T10:02:05-05:00", 125), ("2024-03-01T10:02:05-05:00", "2024-03-01T10:00:00-05:00", 0),
    ("2024-03-01T15:59:00-05:00", "2024-03-04T09:31:00-05:00", 120), ("2024-03-01T16:00:00-05:00", "2024-03-04T09:30:00-05:00", 0),
    ("2024-03-08T15:59:50-05:00", "2024-03-11T09:30:10-04:00", 20), ("2024-11-29T12:59:30-05:00", "2024-12-02T09:30:30-05:00", 60),
    ("2024-02-29T16:00:00-05:00", "2024-03-04T09:30:01-05:00", 6.5 * 3600 + 1),
])
def test_seconds_of_sessions_only(first, last, seconds):
    assert XNYS.seconds_between(moment(first), moment(last)) == seconds


@given(st.integers(0, 20 * 1440), st.integers(0, 20 * 1440), st.sampled_from(["XNYS", "XLON", "24/7"]))
def test_as_counted_minute_by_minute(first, length, name):
    calendar, start = get_calendar(name), moment("2024-11-20T00:00-05:00")
    sessions = calendar.between("2024-11-18", "2025-01-05")
    spans = list(zip(calendar.open_of(sessions).tolist(), calendar.close_of(sessions).tolist(), strict=True))
    begin, hours = start + first * MINUTE, Hours(calendar)
    moments = begin + MINUTE * np.arange(length)
    slow = sum(((opens <= moments) & (moments < closes)).sum() for opens, closes in spans) * 60
    assert hours.seconds_between(begin, begin + length * MINUTE) == slow
    inside = [((begin - opens) // MINUTE, (closes - begin) // MINUTE) for opens, closes in spans if opens <= begin < closes]
    assert hours.minutes(begin) == (inside[0] if inside else None)
