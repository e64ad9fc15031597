"""The local Alpaca through the real alpaca-py: every REST answer is parsed by the SDK's own models."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from sdk_clients import APIError, enums, requests, trading_client

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

OrderStatus, OrderSide, TimeInForce = enums.OrderStatus, enums.OrderSide, enums.TimeInForce
NOW = "2024-03-01T09:31-05:00"


@pytest.fixture
def client(alpaca):
    return trading_client(alpaca)


def market(symbol="AAA", qty=10, side=OrderSide.BUY, **more):
    return requests.MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.DAY, **more)


def limit(price, symbol="AAA", qty=10, side=OrderSide.BUY, force=TimeInForce.DAY, **more):
    return requests.LimitOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=force, limit_price=price, **more)


def refused(call, *arguments):
    with pytest.raises(APIError) as caught:
        call(*arguments)
    return caught.value.status_code, caught.value.code, caught.value.message


def test_an_order_from_post_to_position(alpaca, client):
    posted = client.submit_order(market(client_order_id="one"))
    assert posted.status is OrderStatus.PENDING_NEW and posted.client_order_id == "one"
    assert client.get_order_by_id(posted.id).status is OrderStatus.NEW
    alpaca.advance(seconds=60)
    order = client.get_order_by_client_id("one")
    assert order.status is OrderStatus.FILLED and (order.filled_qty, order.filled_avg_price) == ("10", "100")
    position = client.get_open_position("AAA")
    assert (position.qty, position.avg_entry_price, position.qty_available) == ("10", "100", "10")
    account = client.get_account()
    assert (account.cash, account.equity, account.long_market_value) == ("99000", "100000", "1000")
    assert alpaca.ledger.filled("one") == 10 and alpaca.ledger.cash == Decimal(account.cash)


def test_clock_and_calendar_are_the_venues(alpaca, client):
    clock = client.get_clock()
    assert clock.timestamp == dt.datetime(2024, 3, 1, 14, 31, tzinfo=dt.UTC) and clock.is_open
    assert clock.next_open == dt.datetime(2024, 3, 4, 14, 30, tzinfo=dt.UTC)
    assert clock.next_close == dt.datetime(2024, 3, 1, 21, tzinfo=dt.UTC)
    days = client.get_calendar(requests.GetCalendarRequest(start=dt.date(2024, 7, 2), end=dt.date(2024, 7, 5)))
    assert [(day.date.day, day.close.hour) for day in days] == [(2, 16), (3, 13), (5, 16)]
    alpaca.clock_error_s = 90
    assert client.get_clock().timestamp == dt.datetime(2024, 3, 1, 14, 32, 30, tzinfo=dt.UTC)


def test_daylight_saving_moves_the_open_in_utc():
    with LocalAlpaca(minutes(AAA=[100]), now="2024-03-08T17:00-05:00") as alpaca:
        assert trading_client(alpaca).get_clock().next_open == dt.datetime(2024, 3, 11, 13, 30, tzinfo=dt.UTC)


def test_assets_and_configuration(client):
    assert {asset.symbol for asset in client.get_all_assets()} == {"AAA", "BBB"}
    asset = client.get_asset("AAA")
    assert asset.tradable and asset.fractionable and client.get_asset(str(asset.id)).symbol == "AAA"
    assert refused(client.get_asset, "ZZZ") == (404, 40410000, "asset not found for ZZZ")
    assert not client.get_account_configurations().suspend_trade


def test_wrong_keys_are_refused_with_401(alpaca):
    status, _, message = refused(trading_client(alpaca, "wrong").get_account)
    assert status == 401 and message == "request is not authorized"


def test_a_client_order_id_is_spent_by_acceptance_only(client):
    assert refused(client.submit_order, market(qty=10_000, client_order_id="x"))[0] == 403
    client.submit_order(limit(90, client_order_id="x"))
    assert refused(client.submit_order, limit(90, client_order_id="x")) == (422, 40010001, "client_order_id must be unique")
    client.cancel_orders()
    assert refused(client.submit_order, limit(90, client_order_id="x"))[2] == "client_order_id must be unique"


def test_orders_are_listed_by_status_side_symbol_and_time(alpaca, client):
    first = client.submit_order(limit(90))
    second = client.submit_order(limit(45, symbol="BBB"))
    client.submit_order(market(symbol="BBB"))
    alpaca.advance(seconds=1)
    listed = [order.id for order in client.get_orders()]
    assert listed == [second.id, first.id]
    assert [o.symbol for o in client.get_orders(requests.GetOrdersRequest(symbols=["AAA"]))] == ["AAA"]
    assert len(client.get_orders(requests.GetOrdersRequest(status=enums.QueryOrderStatus.ALL, limit=2))) == 2
    assert [o.status for o in client.get_orders(requests.GetOrdersRequest(status=enums.QueryOrderStatus.CLOSED))] == [OrderStatus.FILLED]
    later = client.get_orders(requests.GetOrdersRequest(after=first.submitted_at, direction="asc"))
    assert [order.id for order in later] == [second.id]


def test_held_legs_hide_from_open_orders_unless_nested(alpaca, client):
    entry = client.submit_order(market(order_class="bracket", take_profit=requests.TakeProfitRequest(limit_price=110),
                                       stop_loss=requests.StopLossRequest(stop_price=95)))
    assert len(entry.legs) == 2
    alpaca.advance(seconds=1)
    assert [order.type.value for order in client.get_orders()] == ["limit"]
    nested = client.get_orders(requests.GetOrdersRequest(nested=True))
    assert [order.id for order in nested] == [entry.id]
    assert {leg.type.value: leg.status.value for leg in nested[0].legs} == {"limit": "new", "stop": "held"}
    assert len(client.get_order_by_id(entry.id, requests.GetOrderByIdRequest(nested=True)).legs) == 2


def test_leg_order_is_drawn_from_the_seed():
    def legs(seed):
        with LocalAlpaca(minutes(AAA=[100] * 5), now=NOW, seed=seed) as alpaca:
            entry = trading_client(alpaca).submit_order(market(
                order_class="bracket", take_profit=requests.TakeProfitRequest(limit_price=110),
                stop_loss=requests.StopLossRequest(stop_price=95)))
            return tuple(leg.type.value for leg in entry.legs)
    drawn = {seed: legs(seed) for seed in range(6)}
    assert set(drawn.values()) == {("limit", "stop"), ("stop", "limit")}
    assert legs(3) == drawn[3]


def test_cancelling_is_a_request_and_closed_orders_refuse_it(alpaca, client):
    order = client.submit_order(limit(90))
    client.cancel_order_by_id(order.id)
    assert client.get_order_by_id(order.id).status is OrderStatus.CANCELED
    assert refused(client.cancel_order_by_id, order.id) == (422, 42210000, 'order is already in "canceled" state')
    assert refused(client.cancel_order_by_id, str(alpaca.new_id()))[0] == 404
    client.submit_order(limit(91))
    client.submit_order(limit(92))
    assert [answer.status for answer in client.cancel_orders()] == [200, 200] and not client.get_orders()


def test_replacing_gives_a_new_order_and_keeps_the_total(alpaca, client):
    old = client.submit_order(limit(90))
    alpaca.fill(old.id, 4, 90)
    new = client.replace_order_by_id(old.id, requests.ReplaceOrderRequest(qty=12, limit_price=91))
    assert new.replaces == old.id and new.id != old.id and new.status is OrderStatus.ACCEPTED
    replaced, live = client.get_order_by_id(old.id), client.get_order_by_id(new.id)
    assert replaced.status is OrderStatus.REPLACED and replaced.replaced_by == new.id and replaced.filled_qty == "4"
    assert live.status is OrderStatus.NEW and (live.qty, live.limit_price) == ("8", "91")
    assert refused(client.replace_order_by_id, old.id, requests.ReplaceOrderRequest(qty=3))[0] == 422
    alpaca.quote("AAA", 91)
    assert client.get_open_position("AAA").qty == "12"


def test_a_trailing_stop_is_replaced_by_its_trail_and_a_leg_by_its_price(alpaca, client):
    client.submit_order(market(order_class="bracket", take_profit=requests.TakeProfitRequest(limit_price=110),
                               stop_loss=requests.StopLossRequest(stop_price=95)))
    trail = client.submit_order(requests.TrailingStopOrderRequest(symbol="BBB", qty=5, side=OrderSide.BUY, trail_price=2,
                                                         time_in_force=TimeInForce.GTC))
    alpaca.advance(seconds=1)
    new = client.replace_order_by_id(trail.id, requests.ReplaceOrderRequest(trail=3))
    assert client.get_order_by_id(new.id).stop_price == "53"
    stop = next(o for o in alpaca.book.open("AAA") if o.leg == "stop_loss")
    changed = client.replace_order_by_id(stop.id, requests.ReplaceOrderRequest(stop_price=97))
    assert client.get_order_by_id(changed.id).status is OrderStatus.HELD
    alpaca.quote("AAA", 96)
    assert client.get_order_by_id(changed.id).status is OrderStatus.FILLED
    assert [order.symbol for order in client.get_orders()] == ["BBB"]


def test_groups_are_replaced_by_price_only(alpaca, client):
    oto = client.submit_order(market("BBB", order_class="oto", stop_loss=requests.StopLossRequest(stop_price=40)))
    client.submit_order(market(order_class="bracket", take_profit=requests.TakeProfitRequest(limit_price=110),
                               stop_loss=requests.StopLossRequest(stop_price=95)))
    alpaca.advance(seconds=1)
    profit = next(o for o in alpaca.book.open("AAA") if o.leg == "take_profit")
    change = requests.ReplaceOrderRequest
    assert "cannot be replaced" in refused(client.replace_order_by_id, profit.id, change(qty=5))[2]
    assert "cannot be replaced" in refused(client.replace_order_by_id, str(oto.legs[0].id), change(stop_price=41))[2]
    new = client.replace_order_by_id(profit.id, change(limit_price=105))
    alpaca.quote("AAA", 105)
    assert client.get_order_by_id(new.id).status is OrderStatus.FILLED and "AAA" not in alpaca.ledger.positions


def test_positions_are_closed_whole_in_part_and_all_at_once(alpaca, client):
    client.submit_order(market())
    client.submit_order(market("BBB"))
    alpaca.advance(seconds=1)
    part = client.close_position("AAA", requests.ClosePositionRequest(percentage="40"))
    assert part.qty == "4" and part.side is OrderSide.SELL
    assert client.get_open_position("AAA").qty_available == "6"
    closed = client.close_all_positions(cancel_orders=True)
    assert {answer.symbol: answer.status for answer in closed} == {"AAA": 200, "BBB": 200}
    alpaca.advance(seconds=60)
    assert client.get_all_positions() == [] and alpaca.ledger.positions == {}
    assert refused(client.close_position, "AAA") == (404, 40410000, "position does not exist")


def test_activities_are_paged_by_id(alpaca, client):
    for qty in (1, 2, 3):
        client.submit_order(market(qty=qty))
        alpaca.advance(seconds=60)
    pages, token = [], None
    while page := client.get("/account/activities/FILL", {"page_size": 2, "page_token": token, "direction": "asc"}):
        pages.append([each["qty"] for each in page])
        token = page[-1]["id"]
    assert pages == [["1", "2"], ["3"]]
    alpaca.transfer(250)
    assert client.get("/account/activities/CSD")[0]["net_amount"] == "250" and alpaca.ledger.cash == alpaca.account.cash
    newest = client.get("/account/activities", {"activity_types": "FILL,DIV"})[0]
    assert newest["cum_qty"] == "3" and newest["leaves_qty"] == "0" and newest["type"] == "fill"


def test_blocked_and_suspended_accounts_refuse_orders(alpaca, client):
    alpaca.block_trading()
    assert client.get_account().trading_blocked
    assert refused(client.submit_order, market())[0] == 403
    alpaca.block_trading(False)
    client.patch("/account/configurations", {"suspend_trade": True})
    assert refused(client.submit_order, market())[2] == "new orders are rejected by user request"


def test_requests_above_the_rate_limit_get_429():
    with LocalAlpaca(minutes(AAA=[100] * 9), now=NOW, account=AccountRules(rate_limit=3)) as alpaca:
        client = trading_client(alpaca)
        client._retry = 0
        for _ in range(3):
            client.get_clock()
        assert refused(client.get_clock)[:2] == (429, 42910000)
        alpaca.advance(seconds=60)
        assert client.get_clock().is_open and alpaca.ledger.busiest_minute() == 4


def test_orders_from_elsewhere_and_positions_from_the_start(client, alpaca):
    outside = alpaca.outside_order(symbol="BBB", qty="7", side="buy")
    alpaca.advance(seconds=1)
    assert client.get_open_position("BBB").qty == "7" and outside not in alpaca.ledger.sent()
    with LocalAlpaca(minutes(AAA=[100] * 9), now=NOW, positions={"AAA": (-5, 110)}) as other:
        position = trading_client(other).get_open_position("AAA")
        assert (position.qty, position.side.value, position.unrealized_pl) == ("-5", "short", "50")


@pytest.mark.parametrize(("path", "query"), [
    ("/orders", {"limit": "many"}), ("/orders", {"limit": 501}), ("/orders", {"status": "lost"}),
    ("/orders", {"after": "yesterday"}), ("/account/activities", {"page_size": 101}),
    ("/account/activities", {"page_token": "x"}),
])
def test_questions_that_cannot_be_read_get_400(client, path, query):
    assert refused(client.get, path, query)[:2] == (400, 40010001)


def test_a_failure_of_the_server_itself_fails_the_test():
    with pytest.raises(ZeroDivisionError), LocalAlpaca(minutes(AAA=[100]), now=NOW) as alpaca:
        alpaca.hours.is_open = lambda at: 1 / 0
        with pytest.raises(OSError, match="closed connection"):
            trading_client(alpaca).get_clock()


def test_changes_from_outside_are_events_like_any_other(alpaca, client):
    cancelled, rejected = client.submit_order(limit(90)), client.submit_order(limit(91))
    alpaca.cancel_externally(cancelled.id)
    alpaca.reject(rejected.id)
    assert client.get_orders() == []
    assert [event["event"] for event in alpaca.ledger.events] == ["new", "new", "canceled", "rejected"]
    assert not alpaca.ledger.asked("DELETE")


def test_live_keys_and_accounts_look_different():
    for live, prefix in ((False, "PK"), (True, "AK")):
        with LocalAlpaca(minutes(AAA=[100]), now=NOW, account=AccountRules(live=live)) as alpaca:
            assert alpaca.key_id.startswith(prefix)
            assert trading_client(alpaca).get_account().account_number.startswith("PA") != live


def test_the_clock_can_run_by_itself(alpaca, client):
    client.submit_order(market(client_order_id="one"))
    alpaca.run(speed=60)
    arrived = threading.Event()
    for _ in range(500):
        if alpaca.ledger.executions or arrived.wait(0.01):
            break
    assert alpaca.ledger.filled("one") == 10


def test_close_leaves_no_thread():
    before = set(threading.enumerate())
    with LocalAlpaca(minutes(AAA=[100] * 9), now=NOW) as alpaca:
        trading_client(alpaca).get_clock()
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) == before
