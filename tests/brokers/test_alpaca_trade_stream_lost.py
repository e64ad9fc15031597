"""The trade update stream lives through whatever happens to its socket, its place and its keys."""

import socket
import time
from http import HTTPStatus

from alpaca_rest import endpoints_of
from alpaca_streams import Relay, Scripted, bought, listens, scripted_trades, trades, until

from brokers.alpaca.stream import TICK_S
from brokers.alpaca.stream_trouble import State


def test_a_dropped_socket_is_replaced(alpaca, rest):
    with trades(alpaca) as stream:
        for times in range(1, 4):
            listens(alpaca, stream, times)
            slept = stream.clock.slept
            alpaca.drop("trade")
            stream.wait_state("lost", times)
            until(lambda: stream.names.count("connected") == times + 1)  # noqa: B023
            assert 0.25 * 2**(times - 1) <= stream.clock.slept - slept <= 0.5 * 2**(times - 1) + 1e-9
        alpaca.wait_connected("trade")
        bought(rest)
        assert stream.wait(1)[0].event == "new" and stream.states[1].reason == "the connection broke off"


def test_a_dead_sockets_place_is_waited_for(alpaca):
    with trades(alpaca) as stream:
        listens(alpaca, stream)
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
        listens(alpaca, stream)
        alpaca.revoke_keys()
        stream.wait_state("refused")
        slept = stream.clock.slept
        until(lambda: stream.clock.slept > slept + 61)
        assert stream.stream.state.name == "refused" and stream.names == ["connected", "lost", "refused"]
        alpaca.revoke_keys(False)
        listens(alpaca, stream, 2)
        bought(rest)
        stream.wait(1)


def test_an_outage(alpaca):
    with trades(alpaca) as stream:
        listens(alpaca, stream)
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
            listens(alpaca, stream)
            relay.frozen = True
            assert "a ping was not answered" in stream.wait_state("lost").reason
            alpaca.drop("trade")
            relay.frozen = False
            listens(alpaca, stream, 2)
            bought(rest)
            stream.wait(1)


def test_a_quiet_stream_that_answers_pings_is_left_alone(alpaca, rest):
    with trades(alpaca, silence_s=0.4) as stream:
        listens(alpaca, stream)
        time.sleep(0.9)  # more than twice the silence that is allowed
        bought(rest)
        stream.wait(1)
    assert stream.names == ["connected"]


def test_a_slow_callback_is_not_taken_for_silence(alpaca, rest):
    with trades(alpaca, silence_s=0.4, on_event=lambda event: event.event == "new" and time.sleep(0.5)) as stream:
        listens(alpaca, stream)
        bought(rest)
        alpaca.advance(seconds=60)
        stream.wait(2)
    assert stream.names == ["connected"]


def test_a_mute_stream_is_found_by_what_is_expected(alpaca, rest):
    with trades(alpaca) as stream:
        listens(alpaca, stream)
        alpaca.mute("trade")
        bought(rest)
        stream.stream.expect(10)
        stream.clock.passed += 9.9
        assert stream.stream.state.name == "connected"
        stream.clock.passed += 0.2
        assert "open but mute" in stream.wait_state("lost").reason
        alpaca.unmute("trade")
        listens(alpaca, stream, 2)
        stream.clock.passed += 60  # what was expected of the old connection is not of the new one
        alpaca.advance(seconds=60)
        assert [update.event for update in stream.wait(1)] == ["fill"]
    assert stream.names == ["connected", "lost", "connected"]


def test_an_event_fulfils_what_is_expected(alpaca, rest):
    with trades(alpaca) as stream:
        listens(alpaca, stream)
        since = stream.clock.monotonic()
        stream.stream.expect(10)
        bought(rest)
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
