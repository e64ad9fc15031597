"""How the local venue fills orders: every type by hand on a few minutes, without a server."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame

from brokers.local_alpaca import AccountRules, OrderFault, Refusal, Venue
from brokers.local_alpaca.made_minutes import minutes

OPEN = "2024-03-01T09:30-05:00"


def venue(*rows, now=OPEN, symbol="AAA", **options):
    return Venue(minutes(**{symbol: rows}), now=now, **options)


def submit(market, **body):
    order = market.desk.submit({"symbol": "AAA", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day",
                                **body})
    market.settle()
    return order


def fills(market):
    return [(each.symbol, each.side, float(each.qty), float(each.price)) for each in market.ledger.executions]


def test_market_order_takes_the_next_bars_open():
    market = venue(100, (101, 103, 99, 102), now="2024-03-01T09:31-05:00")
    order = submit(market)
    assert order.status == "new"
    market.advance(seconds=1)
    assert fills(market) == [("AAA", "buy", 10, 101)] and order.status == "filled"
    assert market.account.cash == Decimal(100_000 - 1010)


def test_order_inside_a_bar_takes_its_close_not_its_range():
    market = venue((100, 110, 90, 104), now="2024-03-01T09:30:30-05:00")
    submit(market)
    submit(market, type="limit", limit_price="95")
    market.advance(seconds=30)
    assert fills(market) == [("AAA", "buy", 10, 104)]


@pytest.mark.parametrize(("body", "bar", "price"), [
    (dict(type="limit", limit_price="98"), (100, 101, 97, 99), 98),
    (dict(type="limit", limit_price="98"), (96, 101, 95, 99), 96),
    (dict(type="limit", limit_price="94"), (96, 101, 95, 99), None),
    (dict(type="stop", stop_price="102"), (100, 103, 99, 101), 102),
    (dict(type="stop", stop_price="102"), (104, 106, 103, 105), 104),
    (dict(type="stop", stop_price="102"), (105, 106, 104, 105), 104.55),
    (dict(type="stop", stop_price="102"), (106, 107, 105, 106), None),
    (dict(type="stop", stop_price="107"), (105, 106, 104, 105), None),
    (dict(type="stop_limit", stop_price="102", limit_price="102.5"), (100, 103, 99, 101), 102),
    (dict(type="stop_limit", stop_price="102", limit_price="103"), (105, 106, 102, 104), 103),
    (dict(type="stop_limit", stop_price="102", limit_price="101"), (100, 103, 100, 102), None),
    (dict(type="stop_limit", stop_price="102", limit_price="101"), (100, 103, 99, 100.5), 100.5),
    (dict(type="trailing_stop", trail_price="2"), (100, 101, 99, 100), None),
    (dict(type="trailing_stop", trail_price="2"), (100, 102.5, 97, 99.5), 102),
    (dict(type="trailing_stop", trail_price="2"), (100, 101, 97, 100), 99),
    (dict(type="trailing_stop", trail_percent="2"), (103, 103, 97, 100), 103),
])
def test_buy_orders_inside_one_bar(body, bar, price):
    market = venue(100, bar, now="2024-03-01T09:31-05:00")
    submit(market, **body)
    market.advance(seconds=60)
    assert fills(market) == ([] if price is None else [("AAA", "buy", 10, price)])


@given(st.lists(st.integers(90, 110), min_size=4, max_size=4), st.sampled_from(["buy", "sell"]),
       st.sampled_from(["limit", "stop", "stop_limit", "trailing_stop"]), st.integers(90, 110), st.integers(90, 110))
def test_fills_lie_inside_the_bar_and_keep_the_orders_word(prices, side, kind, first, second):
    opened, close = prices[0], prices[3]
    bar = (opened, max(prices), min(prices), close)
    market = venue(100, bar, now="2024-03-01T09:31-05:00", positions={"AAA": (10, 90)} if side == "sell" else None)
    given_prices = {"limit": {"limit_price": first}, "stop": {"stop_price": first}, "trailing_stop": {"trail_price": 3},
                    "stop_limit": {"stop_price": first, "limit_price": second}}[kind]
    order = submit(market, side=side, type=kind, **given_prices)
    market.advance(seconds=60)
    sign = 1 if side == "buy" else -1
    touched = any(sign * (price - first) >= 0 for price in prices)
    reached = any(sign * (price - first) <= 0 for price in prices)
    for _, _, qty, price in fills(market):
        assert qty == 10 and min(prices) <= price <= max(prices)
        assert "limit" not in kind or sign * (price - float(order.limit_price)) <= 0
        assert kind != "stop" or sign * (price - first) >= 0
    if kind in ("limit", "stop"):
        assert bool(fills(market)) == (reached if kind == "limit" else touched) or sign * (opened - first) > 2
    elif kind == "stop_limit":
        assert touched or not fills(market)


def test_trailing_sell_follows_the_high_and_is_filled_where_it_was_left():
    market = venue(100, (100, 106, 100, 105), (105, 105, 101, 102), now="2024-03-01T09:31-05:00",
                   positions={"AAA": (10, 90)})
    order = submit(market, side="sell", type="trailing_stop", trail_price="4", time_in_force="gtc")
    market.advance(seconds=60)
    assert float(order.stop_at) == 102 and order.status == "new"
    market.advance(seconds=60)
    assert fills(market) == [("AAA", "sell", 10, 102)] and "AAA" not in market.account.positions


def test_a_notional_order_buys_fractions_of_its_money():
    market = venue(100, 30, now="2024-03-01T09:31-05:00")
    order = submit(market, qty=None, notional="100")
    market.advance(seconds=1)
    assert order.status == "filled" and order.filled_qty == Decimal("3.333333333")


def test_liquidity_fills_in_parts_and_the_average_is_theirs():
    market = venue(100, 101, 103, 105, now="2024-03-01T09:31-05:00")
    market.liquidity["AAA"] = Decimal(4)
    order = submit(market)
    market.advance(seconds=1)
    assert order.status == "partially_filled" and order.filled_qty == 4
    market.advance(to="2024-03-01T09:33:01-05:00")
    assert [qty for _, _, qty, _ in fills(market)] == [4, 4, 2]
    assert order.filled_avg_price == Decimal("101.4")
    assert [event["event"] for event in market.ledger.events] == ["new", "partial_fill", "partial_fill", "fill"]
    assert [event["order"]["filled_qty"] for event in market.ledger.events] == ["0", "4", "8", "10"]


@pytest.mark.parametrize(("force", "left", "filled"), [("ioc", 4, 4), ("fok", 4, 0), ("fok", 10, 10)])
def test_immediate_orders_end_with_the_next_trade(force, left, filled):
    market = venue(100, 101, 102, now="2024-03-01T09:31-05:00")
    market.liquidity["AAA"] = Decimal(left)
    order = submit(market, time_in_force=force)
    market.advance(seconds=60)
    assert order.filled_qty == filled and order.status == ("filled" if filled == 10 else "canceled")


def test_orders_wait_for_the_open_and_days_end_expires_them():
    market = venue(*[100] * 390, now="2024-02-29T20:00-05:00")
    day = submit(market, type="limit", limit_price="90")
    gtc = submit(market, type="limit", limit_price="91", time_in_force="gtc")
    opg = submit(market, time_in_force="opg")
    loo = submit(market, type="limit", limit_price="92", time_in_force="opg")
    cls = submit(market, time_in_force="cls")
    assert {order.status for order in (day, gtc, opg, loo, cls)} == {"accepted"} and not market.ledger.events
    market.advance(to="2024-03-01T09:30:00-05:00")
    assert {order.status for order in (day, gtc, opg, cls)} == {"new"} and not market.ledger.executions
    market.advance(seconds=1)
    assert opg.status == "filled" and loo.status == "expired" and cls.status == "new"
    market.advance(to="2024-03-01T16:00:00-05:00")
    assert (day.status, gtc.status, cls.status) == ("expired", "new", "filled")
    assert market.ledger.executions[-1].time // 10**9 == market.now // 10**9


@pytest.mark.parametrize(("force", "when", "taken"), [
    ("opg", "2024-03-01T09:27-05:00", True), ("opg", "2024-03-01T09:28-05:00", False),
    ("opg", "2024-03-01T18:59-05:00", False), ("opg", "2024-03-01T19:00-05:00", True),
    ("cls", "2024-03-01T15:49-05:00", True), ("cls", "2024-03-01T15:50-05:00", False),
    ("cls", "2024-03-01T19:00-05:00", True), ("cls", "2024-07-03T12:51-04:00", False),
    ("opg", "2024-03-11T09:27-04:00", True), ("opg", "2024-03-11T09:28-04:00", False),
])
def test_auction_windows_are_new_yorks(force, when, taken):
    market = Venue(minutes(AAA=[100] * 3), now=when)
    if taken:
        assert submit(market, time_in_force=force).status in ("accepted", "new")
    else:
        with pytest.raises(Refusal, match=force):
            submit(market, time_in_force=force)


def test_daily_bars_open_and_close_their_sessions():
    market = Venue(bars(AAA=frame([(10, 11, 9, 10.5), (12, 13, 11, 12.5)], "2024-02-29")), now="2024-02-29T19:00-05:00")
    submit(market, time_in_force="opg")
    submit(market, time_in_force="cls")
    stop = submit(market, side="buy", type="stop", stop_price="12.8", time_in_force="gtc")
    market.advance(to="2024-03-01T12:00-05:00")
    assert fills(market) == [("AAA", "buy", 10, 12)]
    market.advance(to="2024-03-02")
    assert fills(market)[1:] == [("AAA", "buy", 10, 12.8), ("AAA", "buy", 10, 12.5)] and stop.status == "filled"


def test_aged_gtc_orders_are_cancelled_after_ninety_days_and_done_for_day_comes_every_evening():
    market = venue(*[100] * 3, now="2024-03-01T12:00-05:00", account=AccountRules(done_for_day=True))
    order = submit(market, type="limit", limit_price="90", time_in_force="gtc")
    market.advance(to="2024-03-01T17:00-05:00")
    assert order.status == "done_for_day"
    market.advance(to="2024-03-04T10:00-05:00")
    assert order.status == "new"
    market.advance(to="2024-05-29T17:00-04:00")
    assert order.status == "done_for_day"
    market.advance(to="2024-05-30T17:00-04:00")
    assert order.status == "canceled"


def test_extended_hours_orders_trade_before_the_open_and_others_do_not():
    market = venue(*[100] * 5, now="2024-03-01T08:00-05:00")
    plain = submit(market, type="limit", limit_price="105")
    early = submit(market, type="limit", limit_price="105", extended_hours=True)
    assert (plain.status, early.status) == ("accepted", "new")
    market.quote("AAA", 104)
    assert (plain.status, early.status) == ("accepted", "filled")


def test_an_unscheduled_closure_ends_the_day_and_orders_wait_for_the_next():
    market = venue(*[100] * 390, now="2024-03-01T12:00-05:00")
    day = submit(market, type="limit", limit_price="90")
    market.close_unscheduled()
    assert day.status == "expired" and not market.hours.is_open(market.now)
    late = submit(market)
    market.advance(to="2024-03-01T17:00-05:00")
    assert late.status == "accepted" and not fills(market)
    assert market.hours.next_open(market.now) == market.hours.scheduled(dt.date(2024, 3, 4))[0]


def test_a_halted_symbol_does_not_trade_until_it_resumes():
    market = Venue(minutes(AAA=[100] * 10, BBB=[50] * 10), now="2024-03-01T09:31-05:00")
    market.halt("AAA")
    submit(market)
    submit(market, symbol="BBB")
    market.advance(seconds=120)
    assert fills(market) == [("BBB", "buy", 10, 50)]
    market.resume("AAA")
    market.advance(seconds=61)
    assert fills(market)[1:] == [("AAA", "buy", 10, 100)]


def test_a_bracket_wakes_its_legs_and_one_cancels_the_other():
    market = venue(100, 100, (100, 111, 99, 110), now="2024-03-01T09:31-05:00")
    entry = submit(market, order_class="bracket", take_profit={"limit_price": "110"}, stop_loss={"stop_price": "95"})
    legs = {leg.leg: leg for leg in entry.legs}
    assert {leg.status for leg in entry.legs} == {"held"}
    market.advance(seconds=1)
    assert (legs["take_profit"].status, legs["stop_loss"].status) == ("new", "held")
    market.advance(seconds=119)
    assert (legs["take_profit"].status, legs["stop_loss"].status) == ("filled", "canceled")
    assert fills(market) == [("AAA", "buy", 10, 100), ("AAA", "sell", 10, 110)]


def test_stop_and_limit_inside_one_bar_fill_the_stop_once():
    market = venue(100, 100, (100, 111, 94, 100), now="2024-03-01T09:31-05:00")
    submit(market, order_class="bracket", take_profit={"limit_price": "110"}, stop_loss={"stop_price": "95"})
    market.advance(seconds=120)
    assert fills(market) == [("AAA", "buy", 10, 100), ("AAA", "sell", 10, 95)]
    assert not market.account.positions


def test_a_partly_filled_entry_that_is_cancelled_leaves_the_position_without_legs():
    market = venue(100, 100, 100, now="2024-03-01T09:31-05:00")
    entry = submit(market, type="limit", limit_price="90", order_class="bracket", take_profit={"limit_price": "110"},
                   stop_loss={"stop_price": "85"})
    market.fill(entry.id, 4, 90)
    market.desk.cancel(entry.id)
    market.settle()
    assert entry.status == "canceled" and {leg.status for leg in entry.legs} == {"canceled"}
    assert market.account.position("AAA") == 4


def test_oco_and_oto():
    market = venue(100, (100, 101, 94, 96), (96, 121, 95, 120), now="2024-03-01T09:31-05:00",
                   positions={"AAA": (10, 90)})
    oco = submit(market, side="sell", type="limit", order_class="oco", time_in_force="gtc",
                 take_profit={"limit_price": "120"}, stop_loss={"stop_price": "95", "limit_price": "94.5"})
    oto = submit(market, type="limit", limit_price="95.5", order_class="oto", stop_loss={"stop_price": "80"})
    market.advance(seconds=60)
    assert oco.status == "canceled" and oco.legs[0].status == "filled" and oto.legs[0].status == "new"
    assert fills(market) == [("AAA", "sell", 10, 95), ("AAA", "buy", 10, 95.5)]


def test_silent_sibling_is_cancelled_without_an_event():
    market = venue(100, 100, now="2024-03-01T09:31-05:00", positions={"AAA": (10, 90)})
    market.faults.add(OrderFault(do="silent_sibling"))
    oco = submit(market, side="sell", type="limit", order_class="oco", take_profit={"limit_price": "120"},
                 stop_loss={"stop_price": "95"})
    market.quote("AAA", 120)
    assert oco.status == "filled" and oco.legs[0].status == "canceled"
    assert [event["event"] for event in market.ledger.events] == ["new", "fill"]


def test_a_split_changes_the_position_overnight_but_no_order():
    split = frame([100, 50, 51], "2024-02-29", split=[1, 2, 1], dividend=[0, 0, 0.5])
    market = Venue(bars(AAA=split), now="2024-02-29T12:00-05:00", positions={"AAA": (10, 80)})
    stop = submit(market, side="sell", type="stop", stop_price="90", time_in_force="gtc")
    market.advance(to="2024-03-01T09:00-05:00")
    held = market.account.positions["AAA"]
    assert (held.qty, held.average, float(stop.stop_at)) == (20, 40, 90) and market.price_of("AAA") == 50
    market.advance(to="2024-03-01T09:31-05:00")
    assert market.account.position("AAA") == 10  # the stop, now above the market, sold at the open
    market.advance(to="2024-03-05")
    assert [(each.kind, float(each.qty), float(each.cash)) for each in market.ledger.entries] == [
        ("SPLIT", -10, 0), ("SPLIT", 20, 0), ("DIV", 10, 5)]
    assert market.account.cash == market.ledger.cash == Decimal(100505)
    assert market.ledger.positions == {"AAA": 10}
