"""Windows of a walk-forward by hand, and as the words say for any lengths."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import get_calendar
from core.errors import BadSpec
from optimize.windows import MISSING, Span, spans


def calendar_days(start, end):
    return get_calendar("XNYS").between(start, end)


def dates(sessions, span):
    return [str(sessions[row]) for row in (span.first, span.last - 1, span.begin, span.end - 1)]


def test_three_years_train_and_one_tests():
    sessions = calendar_days("2010-01-04", "2015-12-31")
    assert [dates(sessions, each) for each in spans(sessions, "3y", "1y")] == [
        ["2010-01-04", "2012-12-31", "2013-01-02", "2013-12-31"],
        ["2011-01-03", "2013-12-31", "2014-01-02", "2014-12-31"],
        ["2012-01-03", "2014-12-31", "2015-01-02", "2015-12-31"],
    ]


def test_an_anchored_training_begins_at_the_first_session():
    sessions = calendar_days("2010-01-04", "2015-12-31")
    assert [dates(sessions, each)[:2] for each in spans(sessions, "3y", "1y", anchored=True)] == [
        ["2010-01-04", "2012-12-31"], ["2010-01-04", "2013-12-31"], ["2010-01-04", "2014-12-31"]]


def test_what_is_left_at_the_beginning_is_warm_up():
    sessions = calendar_days("2009-03-02", "2013-06-28")
    found = spans(sessions, "3y", "6mo")
    assert [dates(sessions, each) for each in found] == [
        ["2009-12-29", "2012-12-28", "2012-12-31", "2013-06-28"], ["2009-06-29", "2012-06-28", "2012-06-29", "2012-12-28"],
    ][::-1]


def test_an_embargo_is_taken_from_the_training():
    sessions = np.arange("2020-01-01", "2020-01-21", dtype="datetime64[D]")
    assert spans(sessions, windows=2, embargo=3) == [Span(0, 7, 10, 15), Span(5, 12, 15, 20)]
    assert spans(sessions, windows=2, anchored=True) == [Span(0, 10, 10, 15), Span(0, 15, 15, 20)]


def test_a_number_of_windows_after_a_training_period():
    sessions = np.arange("2020-01-01", "2020-01-21", dtype="datetime64[D]")
    assert spans(sessions, train="1w", windows=3) == [Span(0, 7, 7, 11), Span(4, 11, 11, 15), Span(8, 15, 15, 20)]


@given(count=st.integers(30, 400), train=st.integers(3, 60), test=st.integers(1, 40), embargo=st.integers(0, 1),
       anchored=st.booleans())
def test_tests_follow_one_another_and_training_ends_before_them(count, train, test, embargo, anchored):
    days = np.datetime64("2020-01-01") + np.arange(count)
    if train + test > count + MISSING * train:
        with pytest.raises(BadSpec, match="are longer than the data, 2020-01-01 to"):
            spans(days, f"{train}d", f"{test}d", embargo=embargo)
        return
    found = spans(days, f"{train}d", f"{test}d", anchored=anchored, embargo=embargo)
    assert found[-1].end == len(days)
    assert [each.begin for each in found[1:]] == [each.end for each in found[:-1]]
    for each in found:
        assert each.end - each.begin == test and each.last == each.begin - embargo
        assert each.first == 0 if anchored else each.begin - each.first in (train - int(MISSING * train), train)


@given(count=st.integers(10, 300), windows=st.integers(1, 5), anchored=st.booleans())
def test_equal_windows_share_the_second_half(count, windows, anchored):
    sessions = np.arange(count).astype("datetime64[D]")
    found = spans(sessions, windows=windows, anchored=anchored)
    lengths = [each.end - each.begin for each in found]
    assert len(found) == windows and max(lengths) - min(lengths) <= 1
    assert (found[0].begin, found[-1].end) == (count // 2, count)
    assert all(each.first == (0 if anchored else each.begin - count // 2) for each in found)


@pytest.mark.parametrize(("asked", "message"), [
    (dict(), "takes the periods train and test .such as 3y and 6mo., or a number of windows"),
    (dict(train="3y"), "takes the periods train and test"),
    (dict(test="3y"), "takes the periods train and test"),
    (dict(train="1y", test="6mo", windows=3), "takes the periods train and test"),
    (dict(train="3 years", test="1y"), "period '3 years' is not understood"),
    (dict(train="3y", test="1y"), "3y of training and 1y of test are longer than the data, 2010-01-04 to 2012-12-31"),
    (dict(windows=0), "windows is 0"),
    (dict(windows=400), "377 sessions are left for 400 test windows after 377 of training"),
    (dict(train="5y", windows=2), "0 sessions are left for 2 test windows after 754 of training"),
    (dict(windows=3, embargo=-1), "embargo is -1: it is a number of sessions"),
    (dict(windows=3, embargo=400), "0 sessions are left to train on before 2011-07-01 .embargo 400."),
    (dict(train="1y", test="1d"), "the test window before .* holds no session: lengthen test"),
])
def test_windows_that_cannot_be_are_explained(asked, message):
    with pytest.raises(BadSpec, match=message):
        spans(calendar_days("2010-01-04", "2012-12-31"), **asked)


def test_a_day_of_tests_on_a_market_that_never_closes():
    sessions = np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]")
    assert spans(sessions, "3d", "1d")[-1] == Span(1, 4, 4, 5)
    assert sessions[0].item() == dt.date(2020, 1, 1)
