"""The broker's clock: right on a skewed machine and at a venue whose date is years ago; calendar and closures."""

import datetime as dt

import pytest
from alpaca_rest import VenueClock, endpoints_of

from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import BrokerUnavailable
from brokers.alpaca.rest import Rest
from brokers.local_alpaca import AnswerFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from brokers.local_alpaca.moments import moment
from core.clock import ManualClock, SystemClock

NOW = "2024-03-01T09:31-05:00"


@pytest.fixture
def alpaca():
    with LocalAlpaca(minutes(AAA=[100] * 390), now=NOW) as server:
        yield server


@pytest.fixture
def clock(rest):
    return BrokerClock(rest)


def asked(alpaca, path):
    return len(alpaca.ledger.asked("GET", path))


@pytest.mark.parametrize("skew_s", [0.0, 7200.0, -86_400.0 * 365])
def test_a_skewed_machine_does_not_matter(alpaca, skew_s):
    rest = Rest(endpoints_of(alpaca), VenueClock(alpaca, skew_s))
    clock = BrokerClock(rest)
    alpaca.advance(seconds=100)
    assert clock.now_ns() == alpaca.now == moment(NOW) + 100 * 10**9
    rest.close()


def test_a_venue_whose_date_is_years_ago_on_the_real_clock():
    with LocalAlpaca(minutes(start="2015-06-01 09:30", AAA=[100] * 5), now="2015-06-01T09:30-04:00") as alpaca:
        rest = Rest(endpoints_of(alpaca), SystemClock())
        clock = BrokerClock(rest)
        assert 0 <= clock.now_ns() - alpaca.now < 60 * 10**9 and clock.today() == dt.date(2015, 6, 1)
        before = clock.now_ns()
        clock.sleep(0.02)
        assert clock.now_ns() - before >= 0.02 * 1e9 and clock.is_open
        rest.close()


def test_the_offset_is_taken_at_the_middle_of_the_quickest_round_trip(alpaca):
    rest = Rest(endpoints_of(alpaca), ManualClock())
    trips = [2.0, 2.0, 1.5, 1.5, 3.0, 3.0]  # seconds to the venue and back
    alpaca.on_request(lambda when, request: rest.local.sleep(trips.pop(0)))
    clock = BrokerClock(rest)
    local = rest.local.monotonic()
    assert asked(alpaca, "/v2/clock") == 3 and local == 13.0
    middle = 4.0 + 1.5  # of the second request, which took three seconds
    assert clock.now_ns() == alpaca.now + round((local - middle) * 1e9)
    rest.close()


def test_measurements_that_agree_do_not_move_the_clock_and_others_do(alpaca):
    rest = Rest(endpoints_of(alpaca), ManualClock())
    trips: list[float] = []
    alpaca.on_request(lambda when, request: rest.local.sleep(trips.pop(0)) if trips else None)
    trips += [0.1, 0.1]
    clock = BrokerClock(rest)
    before = clock.now_ns() - round(rest.local.monotonic() * 1e9)
    trips += [0.16, 0.1]
    alpaca.advance(seconds=0.26)
    clock.sync()
    assert clock.now_ns() - round(rest.local.monotonic() * 1e9) == before
    alpaca.advance(seconds=600)  # the machine slept: its monotonic clock stood still
    clock.sync()
    assert abs(clock.now_ns() - alpaca.now) < 10**9
    rest.close()


def test_a_better_measurement_replaces_a_vague_one_that_agrees_with_it(alpaca):
    rest = Rest(endpoints_of(alpaca), ManualClock())
    trips = [3.0, 0.0] * 3  # all of the way there, so the middle is off by half of it

    def travel(when, request):
        seconds = trips.pop(0) if trips else 0.0
        rest.local.sleep(seconds)
        alpaca.advance(seconds=seconds)

    alpaca.on_request(travel)
    clock = BrokerClock(rest)
    late = clock.now_ns() - alpaca.now
    clock.sync()
    assert (late, clock.now_ns()) == (1_500_000_000, alpaca.now)
    rest.close()


def test_a_change_of_state_is_asked_for_at_its_moment(alpaca, rest):
    clock = BrokerClock(rest, fresh_s=10**9)
    for when, opened in (("15:59:59", True), ("16:00:00", False)):
        alpaca.advance(to=f"2024-03-01T{when}-05:00")
        assert clock.is_open is opened
    assert asked(alpaca, "/v2/clock") == 2


def test_a_failed_sync_keeps_the_time(alpaca, rest, clock):
    alpaca.faults.add(AnswerFault(path="/v2/clock", status=503, times=0))
    with pytest.raises(BrokerUnavailable):
        clock.sync()
    assert clock.now_ns() == alpaca.now


def test_open_and_close_are_the_brokers_and_asked_for_when_they_change(alpaca, clock):
    assert clock.is_open and clock.next_close_ns == moment("2024-03-01T16:00-05:00")
    assert asked(alpaca, "/v2/clock") == 1  # one answer serves for a while
    alpaca.advance(to="2024-03-01T16:00-05:00")
    assert not clock.is_open and clock.next_open_ns == moment("2024-03-04T09:30-05:00")
    alpaca.advance(to="2024-03-04T09:30-05:00")
    assert clock.is_open and clock.today() == dt.date(2024, 3, 4)


def test_a_closure_nobody_announced_shows_within_half_a_minute(alpaca, clock):
    alpaca.close_unscheduled()
    alpaca.advance(seconds=30)
    assert not clock.is_open and clock.next_open_ns == moment("2024-03-04T09:30-05:00")
    announced = moment("2024-03-01T09:30-05:00"), moment("2024-03-01T16:00-05:00")
    assert clock.session_times(dt.date(2024, 3, 1)) == announced


def test_session_times_with_half_days_holidays_and_both_offsets(alpaca, clock):
    half = moment("2024-07-03T09:30-04:00"), moment("2024-07-03T13:00-04:00")
    assert clock.session_times(dt.date(2024, 7, 3)) == half
    assert clock.session_times(dt.date(2024, 7, 4)) is None and clock.session_times(dt.date(2024, 3, 2)) is None
    assert clock.session_times(dt.date(2024, 3, 8))[0] == moment("2024-03-08T14:30Z")
    assert clock.session_times(dt.date(2024, 3, 11))[0] == moment("2024-03-11T13:30Z")
    assert asked(alpaca, "/v2/calendar") == 1
    assert clock.session_times(dt.date(2023, 12, 29)) is not None and asked(alpaca, "/v2/calendar") == 2
    alpaca.advance(seconds=86_400)
    clock.session_times(dt.date(2024, 7, 3))
    assert asked(alpaca, "/v2/calendar") == 3


def test_a_broker_whose_clock_is_wrong_is_followed(alpaca, rest):
    alpaca.clock_error_s = 90
    assert BrokerClock(rest).now_ns() == alpaca.now + 90 * 10**9
