"""The market data stream over real sockets: bars of many symbols, subscriptions, in-band errors and reconnects."""

import datetime as dt
import json
import logging
import math

import pytest
from alpaca_rest import endpoints_of, rest_of
from alpaca_streams import HurriedClock, Listening, Relay, Scripted, data, stream_threads, until
from hypothesis import example, given
from hypothesis import strategies as st
from made_bars import bars, frame

from brokers.alpaca import AlpacaStore
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.data_stream import DataStream
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.moments import to_ns, to_text
from brokers.alpaca.stream_bars import Bar, Quote, Trade, read_bar
from brokers.local_alpaca import BarFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.errors import UsageError

NOW = "2024-03-01T09:31-05:00"
START, MINUTE = to_ns("2024-03-01T14:31:00Z"), 60 * 10**9
RAW = {"T": "b", "S": "AAA", "t": "2024-03-01T14:31:00Z", "o": 10, "h": 12.5, "l": 9, "c": 11, "v": 100}


@pytest.fixture
def alpaca():
    with LocalAlpaca(minutes(AAA=[(100, 101, 99, 100)] * 30, BBB=[(50, 51, 49, 50)] * 30), now=NOW) as server:
        yield server


def connected(alpaca, stream):
    stream.wait_state("connected")
    alpaca.wait_connected("data")


def test_one_connection_brings_the_bars_of_every_symbol(alpaca):
    with data(alpaca, "AAA", "BBB") as stream:
        connected(alpaca, stream)
        alpaca.advance(seconds=60)
        one, two = sorted(stream.wait(2), key=lambda bar: bar.symbol)
    assert one == Bar("AAA", START + MINUTE, START, 100.0, 101.0, 99.0, 100.0, 1_000.0, 10, 100.0, "bar")
    assert (two.symbol, two.close, two.time_ns) == ("BBB", 50.0, alpaca.now) and stream.names == ["connected"]


@pytest.mark.parametrize(("fault", "advance_s", "told"), [
    (BarFault(symbol="AAA", do="missing"), 120, [(32, 100, "bar")]),
    (BarFault(symbol="AAA", do="duplicate"), 120, [(31, 100, "bar"), (31, 100, "bar"), (32, 100, "bar")]),
    (BarFault(symbol="AAA", do="late", seconds=90), 180, [(32, 100, "bar"), (31, 100, "bar"), (33, 100, "bar")]),
    (BarFault(symbol="AAA", do="corrected"), 120, [(31, 99, "bar"), (31, 100, "updated"), (32, 100, "bar")]),
])
def test_bars_that_go_wrong_are_told_as_they_come(alpaca, fault, advance_s, told):
    alpaca.faults.add(fault)
    with data(alpaca, "AAA") as stream:
        connected(alpaca, stream)
        alpaca.advance(seconds=advance_s)
        got = stream.wait(len(told))
    assert [(14 * 60 + minute, close, kind) for minute, close, kind in told] == [
        (bar.start_ns // MINUTE % 1440, bar.close, bar.kind) for bar in got]


def test_nonsense_is_reported_and_dropped(alpaca):
    alpaca.faults.add(BarFault(symbol="AAA", do="nonsense"))
    with data(alpaca, "AAA", "BBB") as stream:
        connected(alpaca, stream)
        alpaca.advance(seconds=120)
        assert [bar.symbol for bar in stream.wait(3)].count("BBB") == 2
        reason = stream.wait_state("nonsense").reason
    assert reason.startswith("AAA 2024-03-01T14:31:00Z (message 'b') is dropped: ")
    assert [bar.start_ns for bar in stream.got if bar.symbol == "AAA"] == [START + MINUTE]
    assert stream.stream.state.name == "stopped" and stream.names == ["connected", "nonsense"]


def scripted_data(server, **options):
    """A DataStream to a scripted server, subscribed to bars."""
    endpoints = Endpoints("PKSCRIPTED", "scripted-secret", stream_url=server.url)
    return data(None, "AAA", endpoints=endpoints, **options)


def accepts(*frames):
    """A script that welcomes and accepts the client and its two subscriptions, and then says `frames`."""
    def play(connection):
        connection.send(json.dumps([{"T": "success", "msg": "connected"}]))
        assert json.loads(connection.recv())["action"] == "auth"
        connection.send(json.dumps([{"T": "success", "msg": "authenticated"}]))
        for _ in range(2):
            connection.recv()
            connection.send(json.dumps([{"T": "subscription"}]))
        for each in frames:
            connection.send(each if isinstance(each, str) else json.dumps(each))
    return play


def test_one_bad_message_does_not_cost_the_others_of_its_frame():
    bad = [None, 7, [], {}, {"T": ["b"], "S": "AAA"}, {**RAW, "c": math.nan}, {**RAW, "t": "2024-03-01T14:31:01Z"},
           {**RAW, "v": -1}, {**RAW, "o": None}, {**RAW, "t": 0}, {name: RAW[name] for name in RAW if name != "S"}]
    unknown = [{"T": "l", "S": "AAA"}, {"T": "q", "S": "AAA"}, {"T": "success", "msg": "hello"}]
    with Scripted(accepts("{", [*bad, *unknown, RAW])) as server, scripted_data(server) as stream:
        assert stream.wait(1) == [Bar("AAA", START + MINUTE, START, 10, 12.5, 9, 11, 100, None, None, "bar")]
        assert stream.names == ["connected"] + ["nonsense"] * (len(bad) + 1)
        assert stream.states[-1].reason == "None 2024-03-01T14:31:00Z (message 'b') is dropped: it has no 'S'"


def test_quotes_and_trades_have_listeners_of_their_own(alpaca):
    quotes, trades = [], []
    stream = Listening(DataStream, alpaca, on_quote=quotes.append, on_trade=trades.append)
    stream.stream.subscribe(["AAA"], bars=False, updated_bars=False, quotes=True, trades=True)
    with stream:
        connected(alpaca, stream)
        alpaca.quote("AAA", 12)
        until(lambda: quotes and trades)
    assert (quotes[0].bid, quotes[0].ask) == (11.99, 12.01) and isinstance(quotes[0], Quote)
    assert trades[0] == Trade("AAA", alpaca.now, 12.0, 100.0) and stream.got == []


def test_daily_bars_are_complete_at_their_sessions_close():
    with LocalAlpaca(bars(AAA=frame([10, 11], "2024-07-02")), now="2024-07-03T09:00-04:00") as alpaca:
        rest = rest_of(alpaca)
        stream = Listening(DataStream, alpaca, session_times=BrokerClock(rest).session_times)
        stream.stream.subscribe(["AAA"], bars=False, updated_bars=False, daily=True)
        with stream:
            connected(alpaca, stream)
            alpaca.advance(to="2024-07-03T17:00-04:00")
            bar = stream.wait(1)[0]
        rest.close()
    assert (bar.kind, bar.close) == ("daily", 11.0)
    assert bar.start_ns == to_ns("2024-07-03T00:00:00-04:00")
    assert bar.time_ns == to_ns("2024-07-03T13:00:00-04:00")  # the day before Independence Day closes early


def test_subscriptions_change_while_it_runs_and_are_made_again_after_a_reconnect(alpaca):
    def sessions_wish():
        return [{channel: held for channel, held in session.wanted.items() if held}
                for session in alpaca.streams._sessions]

    with Listening(DataStream, alpaca) as stream:
        stream.wait_state("connected")  # to nothing yet
        stream.stream.subscribe(["AAA", "BBB"])
        until(lambda: sessions_wish() == [{"bars": {"AAA", "BBB"}, "updatedBars": {"AAA", "BBB"}}], sessions_wish)
        stream.stream.unsubscribe(["BBB"])
        until(lambda: sessions_wish() == [{"bars": {"AAA"}, "updatedBars": {"AAA"}}], sessions_wish)
        alpaca.drop("data")
        stream.wait_state("connected", 2)
        assert sessions_wish() == [{"bars": {"AAA"}, "updatedBars": {"AAA"}}]
        alpaca.advance(seconds=60)
        assert [bar.symbol for bar in stream.wait(1)] == ["AAA"]


def test_many_symbols_are_asked_for_in_short_messages():
    symbols = [f"SYM{at}" for at in range(1200)]
    heard = []

    def play(connection):
        connection.send(json.dumps([{"T": "success", "msg": "connected"}]))
        connection.recv()
        connection.send(json.dumps([{"T": "success", "msg": "authenticated"}]))
        for _ in range(3):
            heard.append(connection.recv())
            connection.send(json.dumps([{"T": "subscription"}]))

    with Scripted(play) as server:
        endpoints = Endpoints("PKSCRIPTED", "scripted-secret", stream_url=server.url)
        with Listening(DataStream, None, endpoints=endpoints) as stream:
            stream.stream.subscribe(symbols, updated_bars=False)
            until(lambda: len(heard) == 3)
    assert sorted(symbol for message in heard for symbol in json.loads(message)["bars"]) == sorted(symbols)
    assert max(map(len, heard)) < 16_000


@pytest.mark.parametrize(("code", "name", "says"), [
    (402, "refused", "ALPACA_API_KEY and ALPACA_SECRET_KEY"), (406, "refused", "another connection holds"),
    (409, "refused", "plan does not include this feed"), (401, "lost", "not authenticated, error 401"),
    (404, "lost", "auth timeout"), (407, "lost", "slow client"), (500, "lost", "internal error"),
])
def test_in_band_errors_that_end_a_connection(alpaca, code, name, says):
    with data(alpaca, "AAA") as stream:
        connected(alpaca, stream)
        alpaca.streams.send_error(code)
        assert says in stream.wait_state(name).reason
        stream.wait_state("connected", 2)
        alpaca.wait_connected("data")
        alpaca.advance(seconds=60)
        stream.wait(1)


@pytest.mark.parametrize("code", [400, 403, 405, 410])
def test_in_band_errors_that_a_connection_survives(alpaca, code):
    with data(alpaca, "AAA") as stream:
        connected(alpaca, stream)
        alpaca.streams.send_error(code)
        assert f"(error {code})" in stream.wait_state("error").reason
        alpaca.advance(seconds=60)
        stream.wait(1)
    assert stream.names == ["connected", "error"]


def test_a_refused_subscription_leaves_the_others(alpaca):
    stream = Listening(DataStream, alpaca, on_quote=print)
    stream.stream.subscribe([f"S{at}" for at in range(31)], bars=False, updated_bars=False, quotes=True)
    stream.stream.subscribe(["AAA"])
    with stream:
        connected(alpaca, stream)
        assert "symbol limit exceeded (error 405)" in stream.wait_state("error").reason
        alpaca.advance(seconds=60)
        stream.wait(1)


def test_a_feed_outside_the_plan_says_what_to_set(alpaca):
    with data(alpaca, "AAA", endpoints=endpoints_of(alpaca, stream_url=alpaca.sip_stream_url)) as stream:
        assert "set ALPACA_STREAM_URL to one it includes" in stream.wait_state("refused").reason
        slept = stream.clock.slept
        until(lambda: stream.clock.slept > slept + 61)
    assert stream.names == ["refused"]


def test_wrong_keys(alpaca):
    with data(alpaca, "AAA", endpoints=endpoints_of(alpaca, secret_key="wrong")) as stream:
        assert "ALPACA_API_KEY and ALPACA_SECRET_KEY in .env" in stream.wait_state("refused").reason


def test_a_dead_sockets_place_is_waited_for_and_the_bars_go_on(alpaca):
    with data(alpaca, "AAA") as stream:
        connected(alpaca, stream)
        alpaca.drop("data", held_s=90)
        assert "(connection limit exceeded, error 406)" in stream.wait_state("refused").reason
        alpaca.advance(seconds=120)
        stream.wait_state("connected", 2)
        alpaca.wait_connected("data")
        alpaca.advance(seconds=60)
        assert [bar.start_ns for bar in stream.wait(1)] == [START + 2 * MINUTE]  # the gap is REST's
    assert stream.names == ["connected", "lost", "refused", "connected"]


def test_a_mute_stream_is_found_by_what_is_expected(alpaca):
    with data(alpaca, "AAA", "BBB") as stream:
        connected(alpaca, stream)
        alpaca.advance(seconds=60)
        stream.wait(2)
        alpaca.mute("data")
        stream.stream.expect(90)
        alpaca.advance(seconds=60)
        stream.clock.passed += 90
        assert "open but mute" in stream.wait_state("lost").reason
        alpaca.unmute("data")
        stream.wait_state("connected", 2)
        alpaca.wait_connected("data")
        alpaca.advance(seconds=60)
        stream.wait(4)


def test_a_store_that_is_connected_hears_its_symbols(alpaca, monkeypatch):
    """However long the thread that begins it is held up: a bar told before they were asked for would look like a mute stream."""
    start, heard = DataStream.start, []

    def slowly(stream):
        start(stream)
        until(lambda: heard)

    monkeypatch.setattr(DataStream, "start", slowly)
    store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url, stream_url=alpaca.stream_url)
    try:
        store.listen(["AAA"], heard.append, lambda state: heard.append((state.name, alpaca.streams.connected("data"))))
        alpaca.advance(seconds=60)
        until(lambda: len(heard) == 2)
    finally:
        store.stop()
    assert heard[0] == ("connected", 1) and heard[1].symbol == "AAA"


def test_a_network_that_vanishes_is_found_by_ping(alpaca):
    with (Relay(alpaca.stream_url) as relay,
          data(alpaca, "AAA", endpoints=endpoints_of(alpaca, stream_url=relay.url), silence_s=0.4) as stream):
        connected(alpaca, stream)
        relay.frozen = True
        assert "a ping was not answered" in stream.wait_state("lost").reason
    assert stream_threads() == []


def test_a_server_that_does_not_finish_the_authentication_is_left(monkeypatch):
    monkeypatch.setattr("brokers.alpaca.stream.HANDSHAKE_S", 0.2)
    with Scripted(lambda connection: None) as server, scripted_data(server) as stream:
        assert stream.wait_state("lost").reason == "alpaca did not finish the authentication within 0.2 s"


def test_what_nobody_would_hear_is_not_subscribed_to(alpaca):
    stream = DataStream(endpoints_of(alpaca), HurriedClock(), print, print)
    for wish, needed in (("daily", "session_times"), ("quotes", "on_quote"), ("trades", "on_trade")):
        with pytest.raises(UsageError, match=f"needs {needed}: give it to DataStream"):
            stream.subscribe(["AAA"], **{wish: True})


def test_no_secret_in_any_log_state_or_repr(alpaca, caplog):
    caplog.set_level(logging.DEBUG)
    with data(alpaca, "AAA") as stream:
        connected(alpaca, stream)
        alpaca.revoke_keys()
        stream.wait_state("refused")
    echo = [{"T": "error", "code": 499, "msg": "who is PKSCRIPTED with scripted-secret"}]
    with Scripted(accepts(echo, RAW)) as server, scripted_data(server) as echoed:
        assert "who is" in echoed.wait_state("error").reason
    logged = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]  # the test's own
    shown = f"{logged}{stream.states}{stream.stream!r}{echoed.states}{echoed.stream!r}"
    for secret in (alpaca.key_id, alpaca.secret_key, "PKSCRIPTED", "scripted-secret"):
        assert secret not in shown


PRICES = st.floats(0.01, 1000)
WILD = st.tuples(*[st.floats() | PRICES] * 4)
SANE = st.tuples(*[PRICES] * 4).map(sorted).flatmap(
    lambda prices: st.permutations(prices[1:3]).map(lambda inner: (inner[0], prices[3], prices[0], inner[1])))


@given(prices=WILD | SANE, volume=st.floats(0, 1e9) | st.floats(), offset_ns=st.sampled_from([0, 0, 0, 1, 10**9]))
@example(prices=(10.0, 10.0, 10.0, 10.0), volume=0.0, offset_ns=0)
@example(prices=(10.0, 9.0, 8.0, 9.0), volume=1.0, offset_ns=0)
@example(prices=(10.0, 11.0, 0.0, 10.0), volume=1.0, offset_ns=0)
def test_a_bar_is_read_exactly_if_it_keeps_the_rules(prices, volume, offset_ns):
    opens, high, low, close = prices
    raw = {**RAW, "t": to_text(START + offset_ns), "o": opens, "h": high, "l": low, "c": close, "v": volume}
    keeps = (all(math.isfinite(each) and each > 0 for each in prices) and high == max(prices) and low == min(prices)
             and math.isfinite(volume) and volume >= 0 and offset_ns == 0)
    if keeps:
        bar = read_bar(raw, None)
        assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (*prices, volume)
    else:
        with pytest.raises(ValueError, match=r"(is|not) |begin"):
            read_bar(raw, None)


@pytest.mark.parametrize(("text", "complete"), [
    ("2024-03-08T05:00:00Z", "2024-03-08T21:00:00Z"), ("2024-03-11T04:00:00Z", "2024-03-11T20:00:00Z"),
    ("2024-03-11T05:00:00Z", None), ("2024-03-10T05:00:00Z", None), ("2024-03-08T00:00:00Z", None),
])
def test_a_daily_bar_begins_at_new_yorks_midnight_of_a_trading_day(text, complete):
    def session_times(date):
        hours = {dt.date(2024, 3, 8): 21, dt.date(2024, 3, 11): 20}
        return (0, to_ns(f"{date}T{hours[date]}:00:00Z")) if date in hours else None

    if complete is not None:
        assert read_bar({**RAW, "T": "d", "t": text}, session_times).time_ns == to_ns(complete)
    else:
        with pytest.raises(ValueError, match="midnight of a trading day"):
            read_bar({**RAW, "T": "d", "t": text}, session_times)
    with pytest.raises(ValueError, match="midnight"):
        read_bar({**RAW, "T": "d", "t": text}, None)
