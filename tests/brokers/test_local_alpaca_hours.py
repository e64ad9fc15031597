"""The local venue's hours and clock: sessions, half days, daylight saving, closures, milestones and stamps."""

import datetime as dt
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdk_clients import requests, trading_client

from brokers.local_alpaca import LocalAlpaca, OrderFault, ReplayClock, Venue
from brokers.local_alpaca.hours import MarketHours
from brokers.local_alpaca.made_minutes import minutes
from brokers.local_alpaca.moments import moment, new_york_text, text


@given(st.integers(0, 2**61))
def test_a_moment_survives_its_text(at):
    assert moment(text(at)) == at


@pytest.mark.parametrize(("written", "shown"), [
    ("2024-03-01T09:30-05:00", "2024-03-01T14:30:00Z"), ("2024-07-01T09:30:00-04:00", "2024-07-01T13:30:00Z"),
    ("2024-03-01", "2024-03-01T00:00:00Z"), ("2024-03-01T14:30:00.000000001Z", "2024-03-01T14:30:00.000000001Z"),
    ("2024-03-01T14:30:00.5 00:00", "2024-03-01T14:30:00.5Z"),
])
def test_texts_are_read_with_their_offset_and_all_nine_digits(written, shown):
    assert text(moment(written)) == shown


def test_new_york_text_carries_the_seasons_offset():
    assert new_york_text(moment("2024-03-08T14:30Z")) == "2024-03-08T09:30:00-05:00"
    assert new_york_text(moment("2024-03-11T13:30Z")) == "2024-03-11T09:30:00-04:00"


@pytest.mark.parametrize(("when", "regular", "extended"), [
    ("2024-03-01T03:59-05:00", False, False), ("2024-03-01T04:00-05:00", False, True),
    ("2024-03-01T09:29:59-05:00", False, True), ("2024-03-01T09:30-05:00", True, False),
    ("2024-03-01T15:59:59-05:00", True, False), ("2024-03-01T16:00-05:00", False, True),
    ("2024-03-01T20:00-05:00", False, False), ("2024-07-03T13:00-04:00", False, True),
    ("2024-07-04T12:00-04:00", False, False), ("2024-03-02T12:00-05:00", False, False),
])
def test_regular_and_extended_hours(when, regular, extended):
    hours = MarketHours()
    assert (hours.is_open(moment(when)), hours.is_extended(moment(when))) == (regular, extended)


def test_milestones_of_a_half_day():
    hours = MarketHours()
    listed = hours.milestones(moment("2024-07-03T00:00-04:00"))
    assert [(kind, new_york_text(at)[11:16]) for at, kind, _ in (next(listed) for _ in range(6))] == [
        ("early", "04:00"), ("open", "09:30"), ("auction_over", "09:32"), ("close", "13:00"), ("night", "20:00"),
        ("early", "04:00")]
    assert text(hours.next_open(moment("2024-07-03T09:30-04:00"))) == "2024-07-05T13:30:00Z"


def test_a_closure_is_seen_by_the_clock_but_not_by_the_calendar():
    with LocalAlpaca(minutes(AAA=[100] * 390), now="2024-03-01T12:00-05:00") as alpaca:
        client = trading_client(alpaca)
        alpaca.close_unscheduled()
        clock = client.get_clock()
        assert not clock.is_open and clock.next_open.date() == dt.date(2024, 3, 4)
        assert clock.next_close.date() == dt.date(2024, 3, 4)
        day = client.get_calendar(requests.GetCalendarRequest(start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 1)))[0]
        assert day.close.hour == 16


def test_a_day_that_is_closed_before_it_opens_keeps_its_orders_for_the_next():
    market = Venue(minutes(start="2024-03-04 09:30", AAA=[100] * 3), now="2024-03-01T08:00-05:00")
    order = market.desk.submit({"symbol": "AAA", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})
    market.close_unscheduled()
    market.advance(to="2024-03-01T21:00-05:00")
    assert order.status == "accepted"
    market.advance(to="2024-03-04T09:31-05:00")
    assert order.status == "filled"


def test_time_only_passes_and_stamps_never_repeat():
    market = Venue(minutes(AAA=[100] * 3), now="2024-03-01T09:31-05:00")
    with pytest.raises(ValueError, match="time only passes"):
        market.advance(to="2024-03-01T09:30-05:00")
    stamps = [market.stamp() for _ in range(5)]
    assert sorted(set(stamps)) == stamps and text(market.now) == "2024-03-01T14:31:00Z"


def test_an_accepted_order_that_is_stuck_is_not_routed_at_the_open_and_expires():
    market = Venue(minutes(AAA=[100] * 390), now="2024-03-01T08:00-05:00")
    market.faults.add(OrderFault(do="stuck"))
    order = market.desk.submit({"symbol": "AAA", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})
    market.advance(to="2024-03-01T12:00-05:00")
    assert order.status == "accepted"
    market.advance(to="2024-03-01T16:00-05:00")
    assert order.status == "expired"


def test_an_order_stuck_in_its_cancellation_before_it_was_routed_is_not_filled():
    market = Venue(minutes(AAA=[100] * 390), now="2024-03-01T08:00-05:00")
    order = market.desk.submit({"symbol": "AAA", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})
    market.faults.add(OrderFault(do="cancel_stuck"))
    market.desk.cancel(order.id)
    market.advance(to="2024-03-01T12:00-05:00")
    assert order.status == "pending_cancel" and not market.ledger.executions


def test_a_deferred_call_happens_on_the_venues_clock():
    market = Venue(minutes(AAA=[100] * 3), now="2024-03-01T09:31-05:00")
    seen = []
    market.later(30, lambda: seen.append(text(market.now)))
    market.advance(seconds=29)
    assert seen == []
    market.advance(seconds=600)
    assert seen == ["2024-03-01T14:31:30Z"]


def test_closing_everything_reports_each_position_by_itself():
    with LocalAlpaca(minutes(AAA=[100] * 9, BBB=[50] * 9), now="2024-03-01T09:31-05:00",
                    positions={"AAA": (10, 90), "BBB": (10, 40)}) as alpaca:
        client = trading_client(alpaca)
        client.submit_order(requests.LimitOrderRequest(symbol="AAA", qty=10, side="sell", limit_price=120,
                                                       time_in_force="gtc"))
        closed = {each.symbol: each for each in client.close_all_positions()}
        assert (closed["AAA"].status, closed["BBB"].status) == (403, 200)
        assert closed["AAA"].body.held_for_orders == 10 and closed["AAA"].body.code == 40310000


def test_an_oco_goes_through_the_sdk_without_a_limit_of_its_own():
    with LocalAlpaca(minutes(AAA=[100] * 9), now="2024-03-01T09:31-05:00", positions={"AAA": (10, 90)}) as alpaca:
        client = trading_client(alpaca)
        order = client.submit_order(requests.LimitOrderRequest(
            symbol="AAA", qty=10, side="sell", time_in_force="gtc", order_class="oco",
            take_profit=requests.TakeProfitRequest(limit_price=110), stop_loss=requests.StopLossRequest(stop_price=95)))
        assert (order.limit_price, order.type.value, len(order.legs)) == ("110", "limit", 1)
        client.cancel_order_by_id(order.id)
        assert {each.status for each in alpaca.ledger.orders} == {"canceled"}


def test_whoever_waits_for_the_rest_of_a_moment_gets_there():
    with LocalAlpaca(minutes(start="2024-03-01 09:30", AAA=[(10.0,) * 4] * 3), now="2024-03-01T09:31-05:00") as alpaca:
        clock = ReplayClock(alpaca)
        clock.stops = [alpaca.now + 10**9]
        before = alpaca.now
        clock.wait(threading.Event(), 1e-14)  # what two floats may lack that should be equal
        assert alpaca.now == before + 1
        clock.wait(threading.Event(), 0.0)
        assert alpaca.now == before + 1
        clock.wait(threading.Event(), 5.0)
        assert alpaca.now == before + 10**9
