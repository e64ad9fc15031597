"""Order windows on New York's clocks, half days and daylight saving; the local venue agrees at every minute."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.alpaca import windows
from brokers.alpaca.moments import at_new_york, to_ns, to_text
from brokers.alpaca.moments import new_york as our_new_york
from brokers.local_alpaca.hours import MarketHours
from brokers.local_alpaca.moments import moment, new_york

HOURS = MarketHours()
MOMENTS = st.integers(moment("2020-01-01"), moment("2025-12-31"))


def session(at):
    return HOURS.scheduled(new_york(at).date())


@pytest.mark.parametrize(("when", "opg", "cls"), [
    ("2024-03-01T09:27:59.999999999-05:00", True, True), ("2024-03-01T09:28-05:00", False, True),
    ("2024-03-01T15:49:59-05:00", False, True), ("2024-03-01T15:50-05:00", False, False),
    ("2024-03-01T18:59:59-05:00", False, False), ("2024-03-01T19:00-05:00", True, True),
    ("2024-03-02T12:00-05:00", False, True), ("2024-07-03T12:49:59-04:00", False, True),
    ("2024-07-03T12:50-04:00", False, False), ("2024-03-11T09:27-04:00", True, True),
    ("2024-03-11T13:28Z", False, True), ("2024-03-08T14:27Z", True, True),
])
def test_auction_orders_have_their_hours(when, opg, cls):
    at = moment(when)
    assert (windows.accepts_opg(at), windows.accepts_cls(at, session(at))) == (opg, cls)


@pytest.mark.parametrize(("when", "opens"), [
    ("2024-03-01T16:30-05:00", "2024-03-01T19:00-05:00"), ("2024-03-01T20:00-05:00", "2024-03-01T20:00-05:00"),
    ("2024-03-09T12:00-05:00", "2024-03-09T19:00-05:00"), ("2024-03-10T12:00-04:00", "2024-03-10T19:00-04:00"),
])
def test_a_decision_after_the_close_waits_for_the_evening(when, opens):
    at = moment(when)
    assert windows.opg_opens(at) == moment(opens)
    assert windows.cls_opens(at, session(at)) == (moment(opens) if session(at) else at)


@given(MOMENTS)
def test_the_venue_has_the_same_hours(at):
    times = session(at)
    assert windows.accepts_opg(at) is not HOURS.refuses_opening(at)
    assert windows.accepts_cls(at, times) is not HOURS.refuses_closing(at)
    assert windows.in_session(at, times) is HOURS.is_open(at)
    assert windows.in_extended_hours(at, times) is HOURS.is_extended(at)


def test_another_days_session_does_not_move_todays_window():
    at = moment("2024-03-01T16:30-05:00")
    for day in ("2024-03-04T12:00-05:00", "2024-07-03T12:00-04:00", "2024-02-29T12:00-05:00"):
        other = session(moment(day))
        assert not windows.accepts_cls(at, other) and not windows.in_session(at, other)
        assert not windows.in_extended_hours(at, other)


@given(MOMENTS)
def test_a_window_that_opens_is_open_then_and_not_a_moment_before(at):
    opens = windows.opg_opens(at)
    assert windows.accepts_opg(opens) and (opens == at or not windows.accepts_opg(opens - 1))


@given(st.integers(0, 2**61))
def test_a_moment_survives_its_text_to_the_nanosecond(at):
    assert to_ns(to_text(at)) == at
    assert our_new_york(at) == new_york(at)


@pytest.mark.parametrize(("text", "other"), [
    ("2024-03-01T09:30:00-05:00", "2024-03-01T14:30:00Z"), ("2024-03-01T14:30:00.5Z", "2024-03-01T14:30:00.500000000Z"),
    ("2024-03-01T09:30:00.123456789-05:00", "2024-03-01T14:30:00.123456789Z"),
])
def test_texts_are_read_with_their_offset_and_all_nine_digits(text, other):
    assert to_ns(text) == to_ns(other)


def test_what_is_no_moment_is_said():
    for text in ("", "2024-03-01", "yesterday", "2024-03-01T09:30:00"):
        with pytest.raises(ValueError, match="not an RFC 3339 time"):
            to_ns(text)
    assert at_new_york(dt.date(2024, 7, 1), dt.time(9, 30)) == moment("2024-07-01T13:30Z")


@pytest.mark.parametrize(("when", "waits"), [
    ("2024-03-01T09:27:59-05:00", False), ("2024-03-01T09:28:00-05:00", False), ("2024-03-01T09:29:59-05:00", False),
    ("2024-03-01T09:30:00-05:00", True), ("2024-03-01T16:00:00-05:00", True), ("2024-03-01T18:59:59-05:00", True),
    ("2024-03-01T19:00:00-05:00", False), ("2024-03-03T12:00:00-05:00", True), ("2024-03-03T09:29:00-05:00", True)])
def test_an_order_for_the_opening_auction_waits_from_the_open_on_or_all_day_without_a_session(when, waits):
    """Between 09:28 and the open it is too late for today's, which must have been meant."""
    session = (moment("2024-03-01T09:30-05:00"), moment("2024-03-01T16:00-05:00")) if "03-01" in when else None
    assert windows.awaits_opg(moment(when), session) is waits
