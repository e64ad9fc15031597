"""Coverage behaves like a set of sessions; intervals are read strictly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import get_calendar
from core.errors import BadSpec
from feeds.coverage import Coverage, complete_sessions, published, runs
from feeds.intervals import completion, interval_ns, is_intraday

XNYS = get_calendar("XNYS")
DAYS = XNYS.between("2021-12-01", "2022-02-28")
PARTS = st.lists(st.tuples(st.booleans(), st.integers(0, len(DAYS) - 1), st.integers(0, 30)), max_size=8)


@given(PARTS)
def test_coverage_is_a_set_of_sessions(parts):
    coverage, expected, changes = Coverage(), set(), []
    for adding, first, length in parts:
        part = DAYS[first:first + length]
        changes += [(first, last, adding) for first, last in runs(part, XNYS)]
        coverage = (coverage.adding if adding else coverage.removing)(part, XNYS)
        expected = expected | set(part) if adding else expected - set(part)
    assert set(coverage.sessions(XNYS)) == expected
    assert set(coverage.missing(DAYS, XNYS)) == set(DAYS) - expected
    assert Coverage.from_json(coverage.to_json()) == coverage
    assert len(coverage.ranges) == len(runs(coverage.sessions(XNYS), XNYS))
    assert Coverage.after(changes, XNYS) == coverage


def test_ranges_join_across_a_weekend_and_a_holiday():
    friday, tuesday = XNYS.between("2022-01-14", "2022-01-18")  # Monday was Martin Luther King day
    coverage = Coverage().adding(np.array([friday]), XNYS).adding(np.array([tuesday]), XNYS)
    assert coverage.ranges == (("2022-01-14", "2022-01-18"),)


def test_days_off_the_calendar_are_never_missing():
    saturday = np.array(["2022-01-15"], dtype="datetime64[D]")
    assert len(Coverage().missing(saturday, XNYS)) == 0
    assert Coverage().adding(saturday, XNYS).ranges == ()


def test_runs():
    assert runs(DAYS[:0], XNYS) == []
    assert runs(DAYS[[0, 1, 3, 4, 5, 9]], XNYS) == [(DAYS[0], DAYS[1]), (DAYS[3], DAYS[5]), (DAYS[9], DAYS[9])]


def test_complete_sessions_end_with_the_last_close():
    closed = int(XNYS.close_of(DAYS[5:6])[0])
    assert complete_sessions(XNYS, str(DAYS[0]), None, closed)[-1] == DAYS[5]
    assert complete_sessions(XNYS, str(DAYS[0]), None, closed - 1)[-1] == DAYS[4]
    assert np.array_equal(complete_sessions(XNYS, str(DAYS[2]), str(DAYS[3]), closed), DAYS[2:4])


def test_published_waits_three_days_for_a_session_without_a_bar():
    now = int(np.datetime64("2022-01-14T22:00", "ns").astype(np.int64))
    week = XNYS.between("2022-01-10", "2022-01-14")
    assert np.array_equal(published(week, None, now), week[:1])
    assert np.array_equal(published(week, week[2], now), week[:3])
    assert np.array_equal(published(week, week[4], now), week)


def test_intervals():
    assert interval_ns("5m") == 300 * 10**9 and interval_ns("1h") == 3_600 * 10**9
    assert is_intraday("90m") and not is_intraday("1d") and not is_intraday("1M")
    for text in ("", "5", "m5", "0m", "1y", "1.5h"):
        with pytest.raises(BadSpec, match="is not understood"):
            is_intraday(text)
    with pytest.raises(BadSpec, match="name minutes or hours"):
        interval_ns("1d")


def test_completion_of_bars_around_the_session():
    opened, closed = int(XNYS.open_of(DAYS[:1])[0]), int(XNYS.close_of(DAYS[:1])[0])
    half = interval_ns("30m")
    starts = np.array([opened - 2 * half, opened - half // 2, opened, closed - half // 2])
    index, session = completion(starts, "30m", XNYS)
    assert index.tolist() == [opened - half, opened + half // 2, opened + half, closed]
    assert (session == DAYS[0]).all()
