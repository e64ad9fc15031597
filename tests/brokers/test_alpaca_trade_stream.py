"""The trade update stream over real sockets: what it tells, and that it lives through whatever happens to them."""

import json
import logging
import socket
import threading
import time
from decimal import Decimal
from http import HTTPStatus

import pytest
from alpaca_rest import endpoints_of, rest_of
from alpaca_streams import HurriedClock, Listening, Relay, Scripted, stream_threads, trades, until
from fake_alpaca import EventFault, FakeAlpaca
from fake_alpaca.made_minutes import minutes

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.stream import TICK_S
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeStream, TradeUpdate
from core.errors import UsageError

NOW = "2024-03-01T09:31-05:00"
ORDER = {"id": "one", "status": "new", "updated_at": "2024-03-01T14:31:00.5Z"}
UPDATE = {"stream": "trade_updates", "data": {"event": "new", "order": ORDER}}


@pytest.fixture
def alpaca():
    with FakeAlpaca(minutes(AAA=[(100, 101, 99, 100)] * 30, BBB=[(50, 51, 49, 50)] * 30), now=NOW) as server:
        yield server


@pytest.fixture
def rest(alpaca):
    gateway = rest_of(alpaca)
    yield gateway
    gateway.close()


def buy(rest, symbol="AAA", qty=10):
    return rest.submit(OrderRequest(symbol, "buy", qty=qty, client_order_id=f"{symbol}-{rest.local.monotonic()}"))


def connected(alpaca, stream, times=1):
    stream.wait_state("connected", times)
    alpaca.wait_connected("trade")


def accepts(*told):
    """A script that accepts the keys, lets the client listen, and then says `told`."""
    def play(connection):
        connection.recv()
        connection.send(json.dumps({"stream": "authorization", "data": {"status": "authorized", "action": "auth"}}))
        connection.recv()
        connection.send(json.dumps({"stream": "listening", "data": {"streams": ["trade_updates"]}}))
        for message in told:
            connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return play


def test_updates_are_exact_and_in_order(alpaca, rest):
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        alpaca.liquidity["AAA"] = 6
        order = buy(rest)
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
        connected(alpaca, stream)
        buy(rest)
        alpaca.advance(seconds=120)
        assert [(update.event, update.order.status) for update in stream.wait(len(told))] == told


def test_an_order_from_elsewhere_is_told_too(alpaca, rest):
    alpaca.faults.add(EventFault(event="new", do="alien"))
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        order = buy(rest)
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


def scripted_trades(server, **options):
    """A TradeStream to a scripted server."""
    endpoints = Endpoints("PKSCRIPTED", "scripted-secret", trade_stream_url=server.url)
    return Listening(TradeStream, None, endpoints=endpoints, **options)


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
        connected(alpaca, stream)
        buy(rest)
        alpaca.advance(seconds=60)
        assert [update.event for update in stream.wait(2)] == ["new", "fill"]
    for told in ("connected", "new", "fill"):
        assert f"ZeroDivisionError: on {told}" in caplog.text
    assert stream.names == ["connected"]


def test_a_dropped_socket_is_replaced(alpaca, rest):
    with trades(alpaca) as stream:
        for times in range(1, 4):
            connected(alpaca, stream, times)
            slept = stream.clock.slept
            alpaca.drop("trade")
            stream.wait_state("lost", times)
            until(lambda: stream.names.count("connected") == times + 1)  # noqa: B023
            assert 0.25 * 2**(times - 1) <= stream.clock.slept - slept <= 0.5 * 2**(times - 1) + 1e-9
        alpaca.wait_connected("trade")
        buy(rest)
        assert stream.wait(1)[0].event == "new" and stream.states[1].reason == "the connection broke off"


def test_a_dead_sockets_place_is_waited_for(alpaca):
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        alpaca.drop("trade", held_s=90)
        reason = stream.wait_state("refused").reason
        assert "another connection holds the account's place (HTTP 429)" in reason and "90 s" in reason
        slept = stream.clock.slept
        until(lambda: stream.clock.slept > slept + 60)
        assert stream.names == ["connected", "lost", "refused"]  # said once, tried again and again
        alpaca.advance(seconds=90)
        stream.wait_state("connected", 2)


def test_a_place_that_another_program_holds(alpaca):
    alpaca.take_slot("trade", 60)
    with trades(alpaca) as stream:
        stream.wait_state("refused")
        alpaca.advance(seconds=60)
        stream.wait_state("connected")
        assert stream.names == ["refused", "connected"]


def test_wrong_keys_are_refused_and_say_where_the_right_ones_go(alpaca):
    with trades(alpaca, endpoints=endpoints_of(alpaca, secret_key="wrong")) as stream:
        reason = stream.wait_state("refused").reason
        assert "ALPACA_API_KEY and ALPACA_SECRET_KEY in .env" in reason and "every minute" in reason
        slept = stream.clock.slept
        alpaca.streams.keys = (alpaca.key_id, "wrong")
        stream.wait_state("connected")
        assert stream.clock.slept - slept <= 60


def test_keys_that_are_revoked_while_it_runs(alpaca, rest):
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        alpaca.revoke_keys()
        stream.wait_state("refused")
        slept = stream.clock.slept
        until(lambda: stream.clock.slept > slept + 61)
        assert stream.stream.state.name == "refused" and stream.names == ["connected", "lost", "refused"]
        alpaca.revoke_keys(False)
        connected(alpaca, stream, 2)
        buy(rest)
        stream.wait(1)


def test_an_outage(alpaca):
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        alpaca.outage(300)
        until(lambda: State("lost", "HTTP 503") in stream.states)
        alpaca.advance(seconds=300)
        stream.wait_state("connected", 2)


def test_nobody_listens_at_the_address(alpaca):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"ws://127.0.0.1:{gone.getsockname()[1]}/stream"
    with trades(alpaca, endpoints=endpoints_of(alpaca, trade_stream_url=url)) as stream:
        assert stream.wait_state("lost").reason == "connection refused"


def test_an_address_without_a_stream(alpaca):
    with trades(alpaca, endpoints=endpoints_of(alpaca, trade_stream_url=alpaca.trade_stream_url + "s")) as stream:
        assert "HTTP 404): correct ALPACA_STREAM_URL or ALPACA_TRADE_STREAM_URL" in stream.wait_state("refused").reason


def test_the_keys_do_not_follow_a_redirect(alpaca):
    def redirect(connection, request):
        response = connection.respond(HTTPStatus.MOVED_PERMANENTLY, "")
        response.headers["Location"] = alpaca.trade_stream_url
        return response

    with Scripted(print, redirect) as server, scripted_trades(server) as stream:
        assert "no stream is served at this address (HTTP 301)" in stream.wait_state("refused").reason
        assert alpaca.streams.connected("trade") == 0


def test_a_network_that_vanishes_is_found_by_ping(alpaca, rest):
    with Relay(alpaca.trade_stream_url) as relay:
        endpoints = endpoints_of(alpaca, trade_stream_url=relay.url)
        with trades(alpaca, endpoints=endpoints, silence_s=0.4) as stream:
            connected(alpaca, stream)
            relay.frozen = True
            assert "a ping was not answered" in stream.wait_state("lost").reason
            alpaca.drop("trade")
            relay.frozen = False
            connected(alpaca, stream, 2)
            buy(rest)
            stream.wait(1)


def test_a_quiet_stream_that_answers_pings_is_left_alone(alpaca, rest):
    with trades(alpaca, silence_s=0.4) as stream:
        connected(alpaca, stream)
        time.sleep(0.9)  # more than twice the silence that is allowed
        buy(rest)
        stream.wait(1)
    assert stream.names == ["connected"]


def test_a_slow_callback_is_not_taken_for_silence(alpaca, rest):
    with trades(alpaca, silence_s=0.4, on_event=lambda event: event.event == "new" and time.sleep(0.5)) as stream:
        connected(alpaca, stream)
        buy(rest)
        alpaca.advance(seconds=60)
        stream.wait(2)
    assert stream.names == ["connected"]


def test_a_mute_stream_is_found_by_what_is_expected(alpaca, rest):
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        alpaca.mute("trade")
        buy(rest)
        stream.stream.expect(10)
        stream.clock.passed += 9.9
        assert stream.stream.state.name == "connected"
        stream.clock.passed += 0.2
        assert "open but mute" in stream.wait_state("lost").reason
        alpaca.unmute("trade")
        connected(alpaca, stream, 2)
        stream.clock.passed += 60  # what was expected of the old connection is not of the new one
        alpaca.advance(seconds=60)
        assert [update.event for update in stream.wait(1)] == ["fill"]
    assert stream.names == ["connected", "lost", "connected"]


def test_an_event_fulfils_what_is_expected(alpaca, rest):
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        since = stream.clock.monotonic()
        stream.stream.expect(10)
        buy(rest)
        stream.wait(1)
        stream.stream.expect(10, since)  # the event came before the answer did
        stream.clock.passed += 60
        alpaca.advance(seconds=60)
        stream.wait(2)
        time.sleep(3 * TICK_S)  # in which a stream that still missed something would have noticed
        assert stream.names == ["connected"]
        stream.stream.expect(10, stream.clock.monotonic() + 1)
        stream.clock.passed += 60
        stream.wait_state("lost")


def test_stopping_while_it_waits_for_the_next_try(alpaca):
    class RealClock(HurriedClock):
        def sleep(self, seconds):
            waiting.set()
            time.sleep(seconds)
            self.slept += seconds

    waiting = threading.Event()
    alpaca.revoke_keys()
    with trades(alpaca, clock=RealClock()):
        assert waiting.wait(5)
    assert stream_threads() == []


def test_stopping_while_the_server_does_not_answer_the_handshake(alpaca):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/stream"
        with trades(alpaca, endpoints=endpoints_of(alpaca, trade_stream_url=url)):
            answering = silent.accept()[0]
        answering.close()
        assert stream_threads() == []


def test_stopping_while_the_network_is_gone(alpaca):
    with Relay(alpaca.trade_stream_url) as relay:
        with trades(alpaca, endpoints=endpoints_of(alpaca, trade_stream_url=relay.url)) as stream:
            stream.wait_state("connected")
            relay.frozen = True
        assert stream_threads() == []


def test_stopping_at_once_twice_and_from_a_callback(alpaca, rest):
    early = TradeStream(endpoints_of(alpaca), HurriedClock(), print, print)
    early.stop()
    early.start()
    early.stop()
    early.stop()
    with pytest.raises(UsageError, match="the trade stream was started before: make a new one"):
        early.start()
    with trades(alpaca, on_event=lambda event: stream.stream.stop()) as stream:
        connected(alpaca, stream)
        buy(rest)
        until(lambda: stream.stream.state.name == "stopped")
    until(lambda: stream_threads() == [])
    assert [update.event for update in stream.got] == ["new"] and stream.names == ["connected"]


def test_a_stream_stopped_at_any_moment_frees_its_place_for_the_next(alpaca):
    for step in range(12):
        stream = TradeStream(endpoints_of(alpaca), HurriedClock(), print, print)
        stream.start()
        time.sleep(step * 0.001)  # before, in and after the handshake
        stream.stop()
        assert stream_threads() == []
    with trades(alpaca) as last:
        connected(alpaca, last)
    alpaca.wait_connected("trade", 0)


def test_two_accounts_at_once(alpaca, rest):
    with (FakeAlpaca(minutes(AAA=[100] * 30), now=NOW, seed=1) as other, trades(alpaca) as one, trades(other) as two):
        connected(alpaca, one)
        connected(other, two)
        other_rest = rest_of(other)
        buy(other_rest)
        assert two.wait(1)[0].event == "new" and one.got == []
        other_rest.close()


def test_no_secret_in_any_log_state_or_repr(alpaca, rest, caplog):
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(("websockets", "asyncio", "brokers")):
            caplog.set_level(logging.DEBUG, name)
    with trades(alpaca) as stream:
        connected(alpaca, stream)
        buy(rest)
        alpaca.revoke_keys()
        stream.wait_state("refused")
    echo = {"stream": "authorization", "data": {"status": "no account has PKSCRIPTED scripted-secret"}}
    with Scripted(lambda connection: connection.send(json.dumps(echo))) as server, scripted_trades(server) as echoed:
        assert "no account has" in echoed.wait_state("refused").reason
    logged = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]  # the test's own
    shown = f"{logged}{stream.states}{stream.stream!r}{echoed.states}{echoed.stream!r}"
    for secret in (alpaca.key_id, alpaca.secret_key, "PKSCRIPTED", "scripted-secret"):
        assert secret not in shown
    assert repr(echoed.stream) == "<TradeStream stopped>" and "asyncio" in {record.name for record in caplog.records}


def test_an_update_without_a_time_has_its_orders():
    told = {"event": "fill", "order": ORDER, "qty": "0.123456789", "price": "100.10", "execution_id": ""}
    update = TradeUpdate.read(told)
    assert (update.time_ns, update.execution_id) == (1709303460_500000000, None)
    assert (update.qty, update.price, update.position_qty) == (Decimal("0.123456789"), Decimal("100.10"), None)
    assert TradeUpdate.read({**told, "timestamp": "2024-03-01T14:31:00Z"}).time_ns == 1709303460_000000000
