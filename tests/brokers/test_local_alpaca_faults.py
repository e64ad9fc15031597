"""Each fault of the local Alpaca does what it says, seen through alpaca-py and judged by the ledger."""

import socket
import threading
import time

import pytest
from requests.exceptions import ChunkedEncodingError
from requests.exceptions import ConnectionError as Unreachable
from sdk_clients import APIError, enums, requests, trade_reader, trading_client

from brokers.local_alpaca import AnswerFault, OrderFault
from brokers.local_alpaca.faults import Faults

NOW = "2024-03-01T09:31-05:00"


@pytest.fixture
def client(alpaca):
    made = trading_client(alpaca)
    made._retry_wait = 0
    return made


def market(name=None, **more):
    return requests.MarketOrderRequest(**{**dict(symbol="AAA", qty=10, side="buy", time_in_force="day",
                                                 client_order_id=name), **more})


def limit(name=None, price=90):
    return requests.LimitOrderRequest(symbol="AAA", qty=10, side="buy", time_in_force="day", limit_price=price,
                                      client_order_id=name)


def status(client, name):
    return client.get_order_by_client_id(name).status.value


@pytest.mark.parametrize("how", [dict(lost=True), dict(reset=True)])
def test_an_answer_lost_after_acceptance(alpaca, client, how):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", **how))
    with pytest.raises(Unreachable):
        client.submit_order(market("one"))
    assert status(client, "one") == "new" and alpaca.ledger.asked("POST")[0].status is None
    assert [order.client_order_id for order in alpaca.ledger.sent()] == ["one"]


def test_an_answer_that_breaks_off(alpaca, client):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", cut=True))
    with pytest.raises(ChunkedEncodingError):
        client.submit_order(market("one"))
    assert status(client, "one") == "new" and alpaca.ledger.asked("POST")[0].status == 200


def test_a_request_that_breaks_off_is_none(alpaca):
    with socket.create_connection(alpaca.rest.server_address, 5) as connection:
        connection.sendall(b'POST /v2/orders HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"symbol": "AAA"')
        connection.shutdown(socket.SHUT_WR)
        assert not connection.recv(100)
    assert not alpaca.ledger.requests


@pytest.mark.parametrize("said", ["nothing", "hello", "goodbye"])
def test_a_client_that_never_hangs_up_does_not_hold_up_the_end(alpaca, said):
    hello = (b"GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    with socket.create_connection(("127.0.0.1", alpaca.streams.port), 5) as connection:
        if said != "nothing":
            connection.sendall(hello)
            assert connection.recv(1000).startswith(b"HTTP/1.1 101")
        if said == "goodbye":
            connection.sendall(bytes([0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]))
            assert connection.recv(10).startswith(b"\x88")
        end = threading.Thread(target=alpaca.close, daemon=True)
        end.start()
        end.join(60)
        assert not end.is_alive()


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_the_lost_answer_of_a_cancel_or_replace(alpaca, client, method):
    order = client.submit_order(limit("one"))
    alpaca.faults.add(AnswerFault(method=method, path=f"/v2/orders/{order.id}", lost=True))
    with pytest.raises(Unreachable):
        if method == "DELETE":
            client.cancel_order_by_id(order.id)
        else:
            client.replace_order_by_id(order.id, requests.ReplaceOrderRequest(limit_price=91, client_order_id="two"))
    assert status(client, "one") == ("canceled" if method == "DELETE" else "replaced")
    assert len(alpaca.ledger.orders) == (1 if method == "DELETE" else 2)


def test_a_reset_before_acceptance_leaves_no_order(alpaca, client):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=False, reset=True))
    with pytest.raises(Unreachable):
        client.submit_order(market("one"))
    assert alpaca.ledger.orders == []
    client.submit_order(market("one"))
    assert status(client, "one") == "new"


def test_504_after_acceptance_doubles_an_order_without_a_client_order_id(alpaca, client):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", status=504, body={"message": "gateway timeout"}))
    client.submit_order(market())
    assert len(alpaca.ledger.sent()) == 2 and [r.status for r in alpaca.ledger.asked("POST")] == [504, 200]


def test_504_after_acceptance_shows_as_a_refusal_of_the_sdks_own_retry(alpaca, client):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", status=504, body={"message": "gateway timeout"}))
    with pytest.raises(APIError, match="client_order_id must be unique"):
        client.submit_order(market("one"))
    assert len(alpaca.ledger.sent()) == 1 and status(client, "one") == "new"


def test_html_500_before_acceptance_has_no_code(alpaca, client):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", status=500, accepted=False,
                                  body="<html>Internal Server Error</html>"))
    with pytest.raises(APIError) as caught:
        client.submit_order(market("one"))
    assert caught.value.status_code == 500 and alpaca.ledger.orders == []
    with pytest.raises(ValueError, match="Expecting value"):
        _ = caught.value.code


def test_bursts_strike_the_nth_request_and_those_after_it(alpaca, client):
    fault = alpaca.faults.add(AnswerFault(path="/v2/clock", status=429, accepted=False, nth=2, times=2,
                                          headers={"Retry-After": "7"}, body={"message": "too many requests"}))
    client._retry = 0
    outcomes = []
    for _ in range(4):
        try:
            client.get_clock()
            outcomes.append("ok")
        except APIError as error:
            outcomes.append(error.response.headers["Retry-After"])
    assert outcomes == ["ok", "7", "7", "ok"] and (fault.seen, fault.struck) == (4, 2)


def test_a_late_answer_waits_until_it_is_let_go(alpaca, client):
    release = threading.Event()
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", until=release))
    answered = []
    thread = threading.Thread(target=lambda: answered.append(client.submit_order(market("one"))))
    thread.start()
    while not alpaca.book.by_client("one"):
        time.sleep(0.005)
    alpaca.advance(seconds=60)
    assert not answered and alpaca.ledger.filled("one") == 10
    release.set()
    thread.join(60)
    assert answered[0].status is enums.OrderStatus.PENDING_NEW  # the answer is as old as the acceptance


def test_events_can_come_before_the_posts_answer(alpaca, client):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", events_first=True, wait_s=0.05))
    order, answered = [], threading.Event()
    told = []
    alpaca.updates.listeners.append(lambda update: told.append((update["event"], answered.is_set())))
    order.append(client.submit_order(market("one")))
    answered.set()
    assert told == [("new", False)] and alpaca.ledger.asked("POST")[0].status == 200
    told.clear()
    client.submit_order(market("two"))
    alpaca.settle()
    assert told[0][0] == "new"


def test_hooks_are_called_around_acceptance(alpaca, client):
    story = []
    alpaca.on_request(lambda when, request: story.append((when, request.method, len(alpaca.ledger.orders))))
    client.submit_order(market("one"))
    assert story == [("before", "POST", 0), ("after", "POST", 1)]


def test_stuck_slow_and_rejected_orders(alpaca, client):
    alpaca.faults.add(OrderFault(do="stuck"))
    client.submit_order(market("stuck"))
    alpaca.faults.add(OrderFault(do="slow_new", seconds=30, symbol="BBB"))
    client.submit_order(market("slow", symbol="BBB"))
    alpaca.faults.add(OrderFault(do="reject", type="limit"))
    client.submit_order(limit("rejected"))
    alpaca.faults.add(OrderFault(do="reject_after_new", type="limit", seconds=5))
    client.submit_order(limit("late"))
    assert [status(client, name) for name in ("stuck", "slow", "rejected", "late")] == [
        "pending_new", "pending_new", "rejected", "new"]
    alpaca.advance(seconds=31)
    assert [status(client, name) for name in ("stuck", "slow", "late")] == ["pending_new", "new", "rejected"]
    alpaca.advance(seconds=60)
    assert status(client, "slow") == "filled" and alpaca.ledger.filled("stuck") == 0
    assert [event["event"] for event in alpaca.ledger.events][:2] == ["pending_new", "pending_new"]


@pytest.mark.parametrize(("do", "now", "later"), [
    ("cancel_slow", "pending_cancel", "canceled"), ("cancel_stuck", "pending_cancel", "pending_cancel"),
    ("cancel_lost", "new", "new"), ("cancel_filled", "filled", "filled"),
])
def test_cancels_that_go_wrong(alpaca, client, do, now, later):
    order = client.submit_order(limit("one"))
    alpaca.faults.add(OrderFault(do=do, seconds=0 if do == "cancel_filled" else 20))
    client.cancel_order_by_id(order.id)
    assert status(client, "one") == now
    alpaca.advance(seconds=30)
    assert status(client, "one") == later
    told = [event["event"] for event in alpaca.ledger.events]
    assert ("pending_cancel" in told) == (do in ("cancel_slow", "cancel_stuck"))


def test_a_fill_during_a_cancel_is_kept(alpaca, client):
    order = client.submit_order(limit("one"))
    alpaca.faults.add(OrderFault(do="cancel_filled", qty=4))
    client.cancel_order_by_id(order.id)
    ended = client.get_order_by_id(order.id)
    assert (ended.status.value, ended.filled_qty) == ("canceled", "4")
    assert [event["event"] for event in alpaca.ledger.events] == ["new", "partial_fill", "canceled"]


def test_a_pending_cancel_can_still_be_filled_by_the_market(alpaca, client):
    order = client.submit_order(limit("one", 99))
    alpaca.faults.add(OrderFault(do="cancel_slow", seconds=20))
    client.cancel_order_by_id(order.id)
    alpaca.quote("AAA", 99)
    alpaca.advance(seconds=30)
    assert status(client, "one") == "filled" and alpaca.ledger.cancels == []


def test_a_replace_that_loses_against_a_fill(alpaca, client):
    old = client.submit_order(limit("one"))
    alpaca.faults.add(OrderFault(do="replace_filled"))
    new = client.replace_order_by_id(old.id, requests.ReplaceOrderRequest(limit_price=91, client_order_id="two"))
    assert new.status.value == "accepted"
    assert (status(client, "one"), status(client, "two")) == ("filled", "rejected")
    assert alpaca.ledger.positions == {"AAA": 10}


def test_an_outage_refuses_everything_until_the_venues_clock_says_so(alpaca, client):
    client.get_clock()
    with trade_reader(alpaca) as reader:
        alpaca.wait_connected("trade")
        alpaca.outage(120)
        alpaca.wait_connected("trade", 0)
        for _ in range(2):
            with pytest.raises(Unreachable):
                client.get_clock()
        alpaca.advance(seconds=120)
        assert client.get_clock().is_open
        alpaca.wait_connected("trade")
        client.submit_order(market())
        assert reader.wait(1)[0].event == "new"


def test_revoked_keys_fail_everywhere(alpaca, client):
    alpaca.revoke_keys()
    with pytest.raises(APIError) as caught:
        client.get_account()
    assert caught.value.status_code == 401


def test_a_taken_slot_is_free_again_later(alpaca):
    alpaca.take_slot("trade", 90)
    with trade_reader(alpaca):
        with pytest.raises(TimeoutError):
            alpaca.wait_connected("trade", timeout_s=0.2)
        alpaca.advance(seconds=90)
        alpaca.wait_connected("trade")


def test_faults_count_their_matches():
    faults = Faults()
    always, third = faults.add(AnswerFault(path="x", times=0)), faults.add(AnswerFault(path="x", nth=3))
    struck = [faults.strike(AnswerFault, "GET", "/x") for _ in range(4)]
    assert struck == [always] * 4 and (third.seen, third.struck) == (4, 1)
    faults.clear()
    assert faults.strike(AnswerFault, "GET", "/x") is None
