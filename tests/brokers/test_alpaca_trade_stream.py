"""What the trade update stream tells, over real sockets: exact, in order, and no message costs the next one."""

import json
import threading
from decimal import Decimal

import pytest
from alpaca_rest import rest_of
from alpaca_streams import ORDER, UPDATE, Scripted, accepts, bought, listens, scripted_trades, trades

from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeUpdate
from brokers.local_alpaca import EventFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes


def test_updates_are_exact_and_in_order(alpaca, rest):
    with trades(alpaca) as stream:
        listens(alpaca, stream)
        alpaca.liquidity["AAA"] = 6
        order = bought(rest)
        alpaca.advance(seconds=60)
        new, part, full = stream.wait(3)
    assert [update.event for update in (new, part, full)] == ["new", "partial_fill", "fill"]
    assert (part.qty, part.price, part.position_qty, part.order.filled_qty) == (6, 100, 6, 6)
    assert (full.qty, full.position_qty, full.order.filled_qty, full.order.status) == (4, 10, 10, "filled")
    assert full.order.client_order_id == order.client_order_id
    assert part.execution_id != full.execution_id and new.time_ns < part.time_ns < full.time_ns == full.order.updated_ns
    assert isinstance(part.price, Decimal) and new.qty is None
    assert [update.raw["execution_id"] for update in (part, full)] == [
        event["execution_id"] for event in alpaca.ledger.events[1:]]


@pytest.mark.parametrize(("fault", "told"), [
    (EventFault(event="new", do="lose"), [("fill", "filled")]),
    (EventFault(event="fill", do="duplicate"), [("new", "new"), ("fill", "filled"), ("fill", "filled")]),
    (EventFault(event="new", do="swap"), [("fill", "filled"), ("new", "new")]),
    (EventFault(event="new", do="delay", seconds=90), [("fill", "filled"), ("new", "new")]),
    (EventFault(event="new", do="rename", value="order_mislaid"), [("order_mislaid", "new"), ("fill", "filled")]),
    (EventFault(event="new", do="status", value="under_review"), [("new", "under_review"), ("fill", "filled")]),
])
def test_events_that_go_wrong_are_told_as_they_come(alpaca, rest, fault, told):
    alpaca.faults.add(fault)
    with trades(alpaca) as stream:
        listens(alpaca, stream)
        bought(rest)
        alpaca.advance(seconds=120)
        assert [(update.event, update.order.status) for update in stream.wait(len(told))] == told


def test_an_order_from_elsewhere_is_told_too(alpaca, rest):
    alpaca.faults.add(EventFault(event="new", do="alien"))
    with trades(alpaca) as stream:
        listens(alpaca, stream)
        order = bought(rest)
        assert stream.wait(1)[0].order.id != order.id


def test_it_is_connected_only_when_listening_is_acknowledged():
    acknowledge = threading.Event()

    def play(connection):
        assert json.loads(connection.recv()).keys() == {"action", "key", "secret"}
        connection.send(json.dumps({"stream": "authorization", "data": {"status": "authorized"}}))
        assert json.loads(connection.recv()) == {"action": "listen", "data": {"streams": ["trade_updates"]}}
        connection.send(json.dumps(UPDATE))
        acknowledge.wait()
        connection.send(json.dumps({"stream": "listening", "data": {"streams": ["trade_updates"]}}))

    with Scripted(play) as server, scripted_trades(server) as stream:
        stream.wait(1)
        assert stream.stream.state == State("connecting") and stream.states == []
        acknowledge.set()
        stream.wait_state("connected")


def test_messages_that_cannot_be_read_do_not_cost_the_next():
    garbage = ["{", b"\xff\xfe", "[1]", "7", {"stream": "trade_updates", "data": {"event": "fill"}},
               {"stream": "trade_updates", "data": {"event": "fill", "order": {"id": "x", "status": "filled"}}},
               {"stream": "trade_updates", "data": {"event": "fill", "order": ORDER, "qty": "many"}}]
    ignored = [{"stream": "account_updates", "data": {}}, {}]
    with Scripted(accepts(*garbage, *ignored, UPDATE)) as server, scripted_trades(server) as stream:
        update = stream.wait(1)[0]
        assert (update.event, update.time_ns) == ("new", 1709303460_500000000)
        assert stream.names == ["connected"] + ["nonsense"] * len(garbage)
        assert stream.states[-1].reason == "a message cannot be read (ValueError: not a number: 'many')"


def test_what_alpaca_calls_an_error_is_reported_and_the_connection_goes_on():
    told = {"action": "error", "data": {"error_message": "internal server error"}}
    with Scripted(accepts(told, UPDATE)) as server, scripted_trades(server) as stream:
        stream.wait(1)
        assert stream.states == [State("connected"), State("error", "internal server error")]


def test_an_account_that_may_not_listen_is_lost_not_connected():
    def play(connection):
        connection.recv()
        connection.send(json.dumps({"stream": "authorization", "data": {"status": "authorized"}}))
        connection.recv()
        connection.send(json.dumps({"stream": "listening", "data": {"streams": []}}))

    with Scripted(play) as server, scripted_trades(server) as stream:
        assert "does not let the account listen" in stream.wait_state("lost").reason


def test_a_callback_that_fails_is_logged_and_loses_nothing(alpaca, rest, caplog):
    def fail(told):
        raise ZeroDivisionError(f"on {getattr(told, 'event', None) or told.name}")

    with trades(alpaca, on_event=fail, on_state=fail) as stream:
        listens(alpaca, stream)
        bought(rest)
        alpaca.advance(seconds=60)
        assert [update.event for update in stream.wait(2)] == ["new", "fill"]
    for told in ("connected", "new", "fill"):
        assert f"ZeroDivisionError: on {told}" in caplog.text
    assert stream.names == ["connected"]


def test_two_accounts_at_once(alpaca, rest):
    with (LocalAlpaca(minutes(AAA=[100] * 30), now="2024-03-01T09:31-05:00", seed=1) as other, trades(alpaca) as one,
          trades(other) as two):
        listens(alpaca, one)
        listens(other, two)
        other_rest = rest_of(other)
        bought(other_rest)
        assert two.wait(1)[0].event == "new" and one.got == []
        other_rest.close()


def test_an_update_without_a_time_has_its_orders():
    told = {"event": "fill", "order": ORDER, "qty": "0.123456789", "price": "100.10", "execution_id": ""}
    update = TradeUpdate.read(told)
    assert (update.time_ns, update.execution_id) == (1709303460_500000000, None)
    assert (update.qty, update.price, update.position_qty) == (Decimal("0.123456789"), Decimal("100.10"), None)
    assert TradeUpdate.read({**told, "timestamp": "2024-03-01T14:31:00Z"}).time_ns == 1709303460_000000000
