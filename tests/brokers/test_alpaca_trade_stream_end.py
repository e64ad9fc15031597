"""Stopping the trade update stream at any moment, and what it must never show."""

import json
import logging
import socket
import threading
import time

import pytest
from alpaca_rest import endpoints_of
from alpaca_streams import (
    HurriedClock,
    Relay,
    Scripted,
    bought,
    listens,
    scripted_trades,
    stream_threads,
    trades,
    until,
)

from brokers.alpaca.trade_stream import TradeStream
from core.errors import UsageError


def test_stopping_while_it_waits_for_the_next_try(alpaca):
    class RealClock(HurriedClock):
        def sleep(self, seconds):
            waiting.set()
            time.sleep(seconds)
            self.slept += seconds

    waiting = threading.Event()
    alpaca.revoke_keys()
    with trades(alpaca, clock=RealClock()):
        assert waiting.wait(60)
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
        listens(alpaca, stream)
        bought(rest)
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
        listens(alpaca, last)
    alpaca.wait_connected("trade", 0)


def test_no_secret_in_any_log_state_or_repr(alpaca, rest, caplog):
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(("websockets", "asyncio", "brokers")):
            caplog.set_level(logging.DEBUG, name)
    with trades(alpaca) as stream:
        listens(alpaca, stream)
        bought(rest)
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
