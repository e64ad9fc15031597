"""Orders for an auction that has begun to gather: nobody takes them back, at the venue and by our own windows."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sdk_clients import APIError, requests, trading_client

from brokers.alpaca import windows
from brokers.local_alpaca import LocalAlpaca, OrderFault, Refusal, Venue
from brokers.local_alpaca.hours import MarketHours
from brokers.local_alpaca.made_minutes import minutes
from brokers.local_alpaca.moments import moment, new_york

BARS = minutes(AAA=[100] * 390)
HOURS = MarketHours()


def sent(market, tif, at):
    """An order for an auction, at a moment of its last minutes."""
    order = market.desk.submit({"symbol": "AAA", "qty": 1, "side": "buy", "type": "market", "time_in_force": tif})
    market.advance(to=at)
    return order


@pytest.mark.parametrize(("tif", "since", "at", "is_bound"), [
    ("cls", "2024-03-01T15:40-05:00", "2024-03-01T15:49:59-05:00", False), ("cls", "2024-03-01T15:40-05:00", "2024-03-01T15:50-05:00", True),
    ("opg", "2024-03-01T08:00-05:00", "2024-03-01T09:27:59-05:00", False), ("opg", "2024-03-01T08:00-05:00", "2024-03-01T09:28-05:00", True),
    ("opg", "2024-02-29T20:00-05:00", "2024-02-29T23:00-05:00", False), ("cls", "2024-03-01T20:00-05:00", "2024-03-02T15:55-05:00", False)])
def test_a_cancellation_is_refused_from_when_the_auction_takes_no_orders(tif, since, at, is_bound):
    market = Venue(BARS, now=since)
    order = sent(market, tif, at)
    if is_bound:
        with pytest.raises(Refusal, match=f"{tif} orders cannot be canceled or replaced after") as refused:
            market.desk.cancel(order.id)
        assert refused.value.status == 422
        market.advance(seconds=900)
        assert order.status == "filled"
    else:
        market.desk.cancel(order.id)
        market.advance(seconds=1)
        assert order.status == "canceled"


def test_a_cancellation_that_stays_pending_loses_against_the_auction():
    market = Venue(BARS, now="2024-03-01T15:40-05:00")
    market.faults.add(OrderFault(do="cancel_stuck"))
    order = sent(market, "cls", "2024-03-01T15:55-05:00")
    market.desk.cancel(order.id)
    assert order.status == "pending_cancel"
    market.advance(to="2024-03-01T16:00-05:00")
    assert order.status == "filled"


def test_a_replacement_is_refused_too():
    market = Venue(BARS, now="2024-03-01T15:40-05:00")
    order = sent(market, "cls", "2024-03-01T15:55-05:00")
    with pytest.raises(Refusal, match="cannot be canceled or replaced"):
        market.desk.replace(order.id, {"qty": 2})
    assert order.status == "new"


def test_over_http_it_is_422_and_each_of_all_orders_has_its_own_status():
    with LocalAlpaca(BARS, now="2024-03-01T15:40-05:00") as alpaca:
        client = trading_client(alpaca)
        bound = client.submit_order(requests.MarketOrderRequest(symbol="AAA", qty=1, side="buy", time_in_force="cls"))
        alpaca.advance(to="2024-03-01T15:55-05:00")
        free = client.submit_order(requests.LimitOrderRequest(symbol="AAA", qty=1, side="buy", limit_price=90, time_in_force="gtc"))
        with pytest.raises(APIError, match="cls orders cannot be canceled or replaced after 3:50pm") as refused:
            client.cancel_order_by_id(bound.id)
        assert refused.value.status_code == 422
        assert {each.id: each.status for each in client.cancel_orders()} == {bound.id: 422, free.id: 200}


@given(st.integers(moment("2020-01-01"), moment("2025-12-31")), st.sampled_from(["opg", "cls", "day"]))
@example(moment("2024-07-03T12:50-04:00"), "cls")
@example(moment("2024-03-01T09:28-05:00"), "opg")
@example(moment("2024-03-01T09:31:59-05:00"), "opg")
def test_the_venue_and_our_windows_agree(at, tif):
    assert windows.is_bound(tif, at, HOURS.scheduled(new_york(at).date())) is HOURS.binds(tif, at)


@pytest.mark.parametrize(("tif", "since", "until"), [("opg", "2024-03-01T09:28-05:00", "2024-03-01T09:32-05:00"),
                                                     ("cls", "2024-07-03T12:50-04:00", "2024-07-03T13:00-04:00")])
def test_the_windows_by_the_second(tif, since, until):
    session = HOURS.scheduled(new_york(moment(since)).date())
    found = [windows.is_bound(tif, at, session) for at in (moment(since) - 1, moment(since), moment(until) - 1, moment(until))]
    assert found == [False, True, True, False]
