"""The local streams through alpaca-py's TradingStream and StockDataStream, and by hand where the SDK hides an answer."""

import datetime as dt
import json

import msgpack
import pytest
from alpaca_streams import until
from made_bars import bars, frame
from sdk_clients import (
    TimeFrame,
    bar_reader,
    data_client,
    data_requests,
    requests,
    trade_reader,
    trading_client,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from brokers.local_alpaca import AccountRules, BarFault, EventFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

NOW = "2024-03-01T09:31-05:00"


@pytest.fixture
def alpaca():
    with LocalAlpaca(minutes(AAA=[(100, 101, 99, 100)] * 30, BBB=[(50, 51, 49, 50)] * 30), now=NOW) as server:
        yield server


def buy(alpaca, symbol="AAA", qty=10):
    return trading_client(alpaca).submit_order(requests.MarketOrderRequest(
        symbol=symbol, qty=qty, side="buy", time_in_force="day"))


def frames(connection, count, packed=True):
    return [msgpack.unpackb(connection.recv(timeout=60)) if packed else json.loads(connection.recv(timeout=60))
            for _ in range(count)]


def data_connection(alpaca, url=None):
    return connect(url or alpaca.stream_url, additional_headers={"Content-Type": "application/msgpack"})


def authorize(alpaca, connection, **keys):
    connection.send(msgpack.packb({"action": "auth", "key": alpaca.key_id, "secret": alpaca.secret_key, **keys}))
    return frames(connection, 2)[1][0]


def test_trade_updates_reach_the_sdk(alpaca):
    with trade_reader(alpaca) as reader:
        alpaca.wait_connected("trade")
        alpaca.liquidity["AAA"] = 6
        order = buy(alpaca)
        alpaca.advance(seconds=60)
        new, part, full = reader.wait(3)
    assert [update.event for update in (new, part, full)] == ["new", "partial_fill", "fill"]
    assert (part.qty, part.price, part.position_qty, part.order.filled_qty) == (6, 100, 6, "6")
    assert (full.qty, full.position_qty, full.order.filled_qty) == (4, 10, "10") and full.order.id == order.id
    assert part.execution_id != full.execution_id and part.timestamp < full.timestamp


def test_trade_updates_are_binary_frames_of_json(alpaca):
    with connect(alpaca.trade_stream_url) as connection:
        connection.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        assert frames(connection, 1, packed=False)[0]["data"]["status"] == "unauthorized"
        connection.send(json.dumps({"action": "auth", "key": alpaca.key_id, "secret": alpaca.secret_key}))
        connection.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates", "other"]}}))
        assert frames(connection, 2, packed=False) == [
            {"stream": "authorization", "data": {"status": "authorized", "action": "auth"}},
            {"stream": "listening", "data": {"streams": ["trade_updates"]}}]
        buy(alpaca)
        assert isinstance(connection.recv(timeout=60), bytes)


def test_a_second_trade_stream_is_refused_with_429(alpaca):
    with connect(alpaca.trade_stream_url), pytest.raises(InvalidStatus) as caught:
        connect(alpaca.trade_stream_url)
    assert caught.value.response.status_code == 429


def test_a_dropped_streams_place_is_held_on_the_venues_clock(alpaca):
    with connect(alpaca.trade_stream_url) as connection:
        until(lambda: alpaca.streams._sessions)  # the handshake is answered before the venue knows of the connection
        alpaca.drop("trade", held_s=90)
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=60)
    with pytest.raises(InvalidStatus):
        connect(alpaca.trade_stream_url)
    alpaca.advance(seconds=90)
    with connect(alpaca.trade_stream_url) as connection:
        connection.send(json.dumps({"action": "auth", "key": alpaca.key_id, "secret": alpaca.secret_key}))
        assert frames(connection, 1, packed=False)[0]["data"]["status"] == "authorized"


def test_minute_bars_reach_the_sdk_one_connection_for_all_symbols(alpaca):
    with bar_reader(alpaca, "AAA", "BBB") as reader:
        alpaca.wait_connected("data")
        alpaca.advance(seconds=60)
        got = reader.wait(2)
    assert {(bar.symbol, bar.close, bar.timestamp.minute) for bar in got} == {("AAA", 100, 31), ("BBB", 50, 31)}


def test_daily_bars_quotes_and_statuses():
    with LocalAlpaca(bars(AAA=frame([10, 11], "2024-02-29")), now="2024-03-01T09:00-05:00") as alpaca:
        with bar_reader(alpaca, "*", channel="daily_bars") as reader:
            alpaca.wait_connected("data")
            alpaca.advance(to="2024-03-01T17:00-05:00")
            assert reader.wait(1)[0].close == 11
        alpaca.wait_connected("data", 0)
        with bar_reader(alpaca, "AAA", channel="quotes") as reader:
            alpaca.wait_connected("data")
            alpaca.quote("AAA", 12)
            assert (reader.wait(1)[0].bid_price, reader.got[0].ask_price) == (11.99, 12.01)
        alpaca.wait_connected("data", 0)
        with bar_reader(alpaca, "AAA", channel="trading_statuses") as reader:
            alpaca.wait_connected("data")
            alpaca.halt("AAA")
            assert reader.wait(1)[0].status_code == "H"


def test_in_band_errors(alpaca):
    with data_connection(alpaca) as first:
        first.send(msgpack.packb({"action": "subscribe", "bars": ["AAA"]}))
        assert [each[0].get("code") for each in frames(first, 2)] == [None, 401]
        first.send(b"\xc1")
        assert frames(first, 1)[0][0]["code"] == 400
        first.send(msgpack.packb({"action": "auth", "key": alpaca.key_id, "secret": "wrong"}))
        first.send(msgpack.packb({"action": "auth", "key": alpaca.key_id, "secret": alpaca.secret_key}))
        first.send(msgpack.packb({"action": "auth", "key": alpaca.key_id, "secret": alpaca.secret_key}))
        assert [each[0].get("code", each[0].get("msg")) for each in frames(first, 3)] == [402, "authenticated", 403]
        first.send(msgpack.packb({"action": "subscribe", "trades": [f"S{at}" for at in range(31)]}))
        assert frames(first, 1)[0][0] == {"T": "error", "code": 405, "msg": "symbol limit exceeded"}
        with data_connection(alpaca) as second:
            assert authorize(alpaca, second)["code"] == 406
        alpaca.streams.send_error(407)
        assert frames(first, 1)[0][0]["code"] == 407


def test_a_failure_of_a_stream_itself_fails_the_test():
    with pytest.raises(ZeroDivisionError), LocalAlpaca(minutes(AAA=[100] * 3), now=NOW) as alpaca:
        alpaca.streams.refuses = lambda session, keys: 1 / 0
        with data_connection(alpaca) as connection, pytest.raises(ConnectionClosed):
            authorize(alpaca, connection)


def test_sip_needs_a_subscription(alpaca):
    with data_connection(alpaca, alpaca.sip_stream_url) as connection:
        assert authorize(alpaca, connection)["code"] == 409
    with (LocalAlpaca(minutes(AAA=[100] * 3), now=NOW, account=AccountRules(plan="plus")) as plus,
          data_connection(plus, plus.sip_stream_url) as sip, data_connection(plus) as iex):
        assert authorize(plus, sip)["msg"] == authorize(plus, iex)["msg"] == "authenticated"


def test_json_clients_get_json(alpaca):
    with connect(alpaca.stream_url) as connection:
        connection.send(json.dumps({"action": "auth", "key": alpaca.key_id, "secret": alpaca.secret_key}))
        connection.send(json.dumps({"action": "subscribe", "bars": ["AAA"]}))
        assert frames(connection, 3, packed=False)[2][0]["bars"] == ["AAA"]
        alpaca.advance(seconds=60)
        assert frames(connection, 1, packed=False)[0][0]["t"] == "2024-03-01T14:31:00Z"


@pytest.mark.parametrize(("do", "closes"), [
    ("missing", [100]), ("duplicate", [100, 100, 100]), ("late", [100, 100]), ("corrected", [99, 100]),
    ("nonsense", [-100, 100]), ("extended", [100, 100, 100]),
])
def test_bars_that_go_wrong(alpaca, do, closes):
    fault = alpaca.faults.add(BarFault(symbol="AAA", do=do, seconds=90))
    with bar_reader(alpaca, "AAA") as reader:
        alpaca.wait_connected("data")
        alpaca.advance(seconds=180 if do == "late" else 120)
        got = reader.wait(3 if do == "late" else len(closes))
    assert fault.struck == 1
    if do == "late":
        assert [bar.timestamp.minute for bar in got] == [32, 31, 33]
    else:
        assert [bar.close for bar in got] == closes
    if do == "extended":
        assert [bar.timestamp.hour for bar in got] == [14, 21, 14]


def test_a_correction_follows_on_updated_bars(alpaca):
    alpaca.faults.add(BarFault(symbol="AAA", do="corrected"))
    with bar_reader(alpaca, "AAA", channel="updated_bars") as reader:
        alpaca.wait_connected("data")
        alpaca.advance(seconds=90)
        assert [bar.close for bar in reader.wait(1)] == [100]


@pytest.mark.parametrize(("fault", "events"), [
    (EventFault(event="new", do="lose"), ["fill"]),
    (EventFault(event="fill", do="duplicate"), ["new", "fill", "fill"]),
    (EventFault(event="new", do="swap"), ["fill", "new"]),
    (EventFault(event="new", do="delay", seconds=90), ["fill", "new"]),
    (EventFault(event="new", do="rename", value="order_mislaid"), ["order_mislaid", "fill"]),
])
def test_events_that_go_wrong(alpaca, fault, events):
    alpaca.faults.add(fault)
    with trade_reader(alpaca) as reader:
        alpaca.wait_connected("trade")
        buy(alpaca)
        alpaca.advance(seconds=120)
        got = reader.wait(len(events))
    assert [update.event for update in got] == events
    assert [update["event"] for update in alpaca.ledger.events] == ["new", "fill"]


def test_an_unknown_status_makes_the_sdk_drop_the_event(alpaca):
    alpaca.faults.add(EventFault(event="new", do="status", value="under_review"))
    with trade_reader(alpaca) as reader:
        alpaca.wait_connected("trade")
        buy(alpaca)
        alpaca.advance(seconds=1)
        assert [update.event for update in reader.wait(1)] == ["fill"]


def test_an_unknown_order_and_shuffled_events(alpaca):
    alpaca.faults.add(EventFault(event="new", do="alien"))
    told = []
    alpaca.updates.listeners.append(told.append)
    buy(alpaca)
    alpaca.settle()  # the answer comes first, its event after
    assert alpaca.book.get(told[0]["order"]["id"]) is None
    alpaca.faults.add(EventFault(do="shuffle", times=0, seconds=30))
    for _ in range(6):
        buy(alpaca, "BBB", 1)
    alpaca.advance(seconds=120)
    times = [update["timestamp"] for update in told]
    assert len(times) == len(alpaca.ledger.events) and times != sorted(times)


def test_a_mute_stream_stays_open_and_says_nothing(alpaca):
    with trade_reader(alpaca) as reader:
        alpaca.wait_connected("trade")
        alpaca.mute("trade")
        buy(alpaca)
        alpaca.advance(seconds=60)
        alpaca.unmute("trade")
        buy(alpaca)
        assert [update.order.symbol for update in reader.wait(1)] == ["AAA"] and reader.got[0].event == "new"
        assert alpaca.streams.connected("trade") == 1 and len(alpaca.ledger.events) == 3


def test_a_mute_and_a_dropped_data_stream_leave_a_gap_that_rest_fills(alpaca):
    def minutes_of(bars):
        return [bar.timestamp.minute for bar in bars]

    with bar_reader(alpaca, "AAA") as reader:
        alpaca.wait_connected("data")
        alpaca.mute("data")
        alpaca.advance(seconds=60)
        alpaca.unmute("data")
        alpaca.advance(seconds=60)
        reader.wait(1)
        alpaca.drop("data", held_s=60)
        alpaca.advance(seconds=60)
        alpaca.wait_connected("data")
        alpaca.advance(seconds=60)
        assert minutes_of(reader.wait(2)) == [32, 34]
    asked = data_requests.StockBarsRequest(symbol_or_symbols="AAA", timeframe=TimeFrame.Minute, feed="iex",
                                           start=dt.datetime(2024, 3, 1))
    assert minutes_of(data_client(alpaca).get_stock_bars(asked).data["AAA"]) == [30, 31, 32, 33, 34]


def test_the_sdk_comes_back_after_a_drop_and_a_revocation(alpaca):
    with trade_reader(alpaca) as reader:
        alpaca.wait_connected("trade")
        alpaca.drop("trade", held_s=0.0005)
        buy(alpaca)  # told to nobody
        alpaca.advance(seconds=0.0005)
        alpaca.wait_connected("trade")
        alpaca.revoke_keys()
        alpaca.wait_connected("trade", 0)
        alpaca.revoke_keys(False)
        alpaca.wait_connected("trade")
        alpaca.advance(seconds=1)
        assert [update.event for update in reader.wait(1)] == ["fill"]
