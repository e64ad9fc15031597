"""The local market data API through alpaca-py's data clients: paging, adjustment, feeds, unfinished bars, actions."""

import datetime as dt

import numpy as np
import pytest
from made_bars import bars, frame, walk
from sdk_clients import APIError, TimeFrame, actions_client, data_client, data_requests, trading_client

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes


def day(text):
    return dt.datetime.fromisoformat(text)


def ask(symbols, start, end=None, timeframe=TimeFrame.Day, **more):
    return data_requests.StockBarsRequest(symbol_or_symbols=symbols, start=day(start), timeframe=timeframe,
                                          end=None if end is None else day(end), **more)


@pytest.fixture(scope="module")
def daily():
    prices = walk(40, start="2024-01-02")
    split = frame([100, 102, 51, 52, 53], "2024-02-26", split=[1, 1, 2, 1, 1], dividend=[0, 0, 0, 0.52, 0])
    split["pay_date"] = np.array(["NaT"] * 3 + ["2024-03-15", "NaT"], dtype="datetime64[D]")
    with LocalAlpaca(bars(AAA=prices, SPL=split), now="2024-03-01T17:00-05:00") as server:
        yield server


def test_daily_bars_are_stamped_at_new_york_midnight_and_equal_the_source(daily):
    got = data_client(daily).get_stock_bars(ask("AAA", "2024-01-01", "2024-03-01")).data["AAA"]
    assert got[0].timestamp == dt.datetime(2024, 1, 2, 5, tzinfo=dt.UTC)
    held = daily.market.bars.series("AAA")
    upto = int((held.session < np.datetime64("2024-03-01")).sum())
    assert [bar.close for bar in got] == list(held.close[:upto])
    assert [bar.volume for bar in got] == list(held.volume[:upto])


def test_the_future_is_not_served(daily):
    got = data_client(daily).get_stock_bars(ask("SPL", "2024-01-01", "2030-01-01", feed="iex")).data["SPL"]
    assert len(got) == 5 and got[-1].timestamp == dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(("adjustment", "closes"), [
    ("raw", [100, 102, 51, 52, 53]),
    ("split", [50, 51, 51, 52, 53]),
    ("dividend", [98.9804, 100.96, 50.48, 52, 53]),
    ("all", [49.4902, 50.48, 50.48, 52, 53]),
])
def test_adjustments(daily, adjustment, closes):
    got = data_client(daily).get_stock_bars(ask("SPL", "2024-02-01", feed="iex", adjustment=adjustment)).data["SPL"]
    assert [bar.close for bar in got] == pytest.approx(closes, abs=1e-4)
    assert got[0].volume == (2_000_000 if adjustment in ("split", "all") else 1_000_000)


def test_the_limit_counts_across_symbols_and_pages_follow_each_other(daily):
    client = data_client(daily)
    query = {"symbols": "SPL,AAA", "timeframe": "1Day", "start": "2024-02-20", "limit": 6, "feed": "iex"}
    first = client.get("/stocks/bars", query)
    rest = client.get("/stocks/bars", {**query, "page_token": first["next_page_token"]})
    counts = [{symbol: len(series) for symbol, series in page["bars"].items()} for page in (first, rest)]
    assert counts == [{"AAA": 5, "SPL": 1}, {"SPL": 4}] and rest["next_page_token"] is None
    whole = client.get_stock_bars(ask(["SPL", "AAA"], "2024-02-20", feed="iex"))
    joined = [bar["c"] for page in (first, rest) for bar in page["bars"].get("SPL", [])]
    assert joined == [bar.close for bar in whole.data["SPL"]]


def test_todays_unfinished_daily_bar_is_returned():
    with LocalAlpaca(bars(AAA=frame([(10, 12, 9, 11), (13, 15, 12, 14)], "2024-02-29")),
                    now="2024-03-01T12:00-05:00") as alpaca:
        got = data_client(alpaca).get_stock_bars(ask("AAA", "2024-02-01", feed="iex")).data["AAA"]
        assert [(bar.open, bar.high, bar.close) for bar in got] == [(10, 12, 11), (13, 13, 13)]
    with LocalAlpaca(minutes(AAA=[(10, 12, 9, 11), (11, 15, 8, 14), 20]), now="2024-03-01T09:32-05:00") as alpaca:
        got = data_client(alpaca).get_stock_bars(ask("AAA", "2024-02-01", feed="iex")).data["AAA"]
        assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in got] == [(10, 15, 8, 14, 2000)]


def test_minutes_without_trades_have_no_bar_and_larger_frames_are_aggregated():
    rows = [10, None, 12, 13, None, 15, 16]
    with LocalAlpaca(minutes(AAA=rows), now="2024-03-01T10:00-05:00") as alpaca:
        client = data_client(alpaca)
        one = client.get_stock_bars(ask("AAA", "2024-03-01", timeframe=TimeFrame.Minute, feed="iex")).data["AAA"]
        assert [bar.timestamp.minute for bar in one] == [30, 32, 33, 35, 36]
        five = TimeFrame(5, TimeFrame.Minute.unit)
        got = client.get_stock_bars(ask("AAA", "2024-03-01", timeframe=five, feed="iex")).data["AAA"]
        assert [(bar.timestamp.minute, bar.open, bar.close) for bar in got] == [(30, 10, 13), (35, 15, 16)]


def test_the_basic_plan_does_not_see_recent_sip():
    with LocalAlpaca(minutes(AAA=[10] * 60), now="2024-03-01T10:20-05:00") as alpaca:
        client = data_client(alpaca)
        with pytest.raises(APIError, match="recent SIP"):
            client.get_stock_bars(ask("AAA", "2024-03-01", "2024-03-01T15:10", timeframe=TimeFrame.Minute, feed="sip"))
        cut = client.get_stock_bars(ask("AAA", "2024-03-01", timeframe=TimeFrame.Minute)).data["AAA"]
        assert cut[-1].timestamp == dt.datetime(2024, 3, 1, 15, 5, tzinfo=dt.UTC)
    with LocalAlpaca(minutes(AAA=[10] * 60), now="2024-03-01T10:20-05:00", account=AccountRules(plan="plus")) as alpaca:
        fresh = data_client(alpaca).get_stock_bars(ask("AAA", "2024-03-01", timeframe=TimeFrame.Minute)).data["AAA"]
        assert fresh[-1].timestamp == dt.datetime(2024, 3, 1, 15, 19, tzinfo=dt.UTC)


def test_latest_bars_quotes_trades_and_snapshots():
    with LocalAlpaca(minutes(AAA=[10, 11, 12], BBB=[None, None, 5]), now="2024-03-01T09:32-05:00") as alpaca:
        client = data_client(alpaca)
        both = dict(symbol_or_symbols=["AAA", "BBB"])
        bar = client.get_stock_latest_bar(data_requests.StockLatestBarRequest(**both))
        assert list(bar) == ["AAA"] and bar["AAA"].close == 11
        quote = client.get_stock_latest_quote(data_requests.StockLatestQuoteRequest(**both))["AAA"]
        assert (quote.bid_price, quote.ask_price) == (10.99, 11.01)
        alpaca.advance(seconds=1)
        trades = client.get_stock_latest_trade(data_requests.StockLatestTradeRequest(**both))
        assert {symbol: trade.price for symbol, trade in trades.items()} == {"AAA": 12, "BBB": 5}
        snapshot = client.get_stock_snapshot(data_requests.StockSnapshotRequest(**both))["AAA"]
        assert (snapshot.latest_trade.price, snapshot.minute_bar.close, snapshot.daily_bar.open) == (12, 11, 10)
        assert snapshot.previous_daily_bar is None


def test_actions_are_selected_by_process_date(daily):
    client = actions_client(daily)

    def actions(start, end, **more):
        return client.get_corporate_actions(data_requests.CorporateActionsRequest(
            symbols=["SPL"], start=dt.date.fromisoformat(start), end=dt.date.fromisoformat(end), **more)).data

    split = actions("2024-02-01", "2024-03-01")
    assert list(split) == ["forward_splits"]
    assert (split["forward_splits"][0].new_rate, split["forward_splits"][0].ex_date) == (2.0, dt.date(2024, 2, 28))
    paid = actions("2024-02-01", "2024-03-31", types=["cash_dividend"])
    assert [(each.rate, each.ex_date, each.payable_date) for each in paid["cash_dividends"]] == [
        (0.52, dt.date(2024, 2, 29), dt.date(2024, 3, 15))]


def test_halted_minutes_never_happened():
    with LocalAlpaca(minutes(AAA=[10, 11, 12, 13]), now="2024-03-01T09:31-05:00") as alpaca:
        alpaca.halt("AAA")
        alpaca.advance(seconds=60)
        alpaca.resume("AAA")
        alpaca.advance(seconds=60)
        got = data_client(alpaca).get_stock_bars(ask("AAA", "2024-03-01", timeframe=TimeFrame.Minute, feed="iex"))
        assert [bar.close for bar in got.data["AAA"]] == [10, 12]


@pytest.mark.parametrize(("query", "status", "words"), [
    ({"timeframe": "1Day"}, 400, "symbols is required"),
    ({"symbols": "AAA", "timeframe": "7Foo"}, 400, "invalid timeframe"),
    ({"symbols": "aa-a", "timeframe": "1Day"}, 400, "invalid symbol"),
    ({"symbols": "AAA", "timeframe": "1Day", "limit": 20_000}, 400, "invalid limit"),
    ({"symbols": "AAA", "timeframe": "1Day", "page_token": "nonsense"}, 400, "invalid page_token"),
    ({"symbols": "AAA", "timeframe": "1Day", "adjustment": "some"}, 400, "invalid adjustment"),
])
def test_bad_questions(daily, query, status, words):
    with pytest.raises(APIError, match=words) as caught:
        data_client(daily).get("/stocks/bars", query)
    assert caught.value.status_code == status


def test_wrong_keys_get_403_from_data_and_401_from_trading(daily):
    with pytest.raises(APIError) as data:
        data_client(daily, "wrong").get_stock_bars(ask("AAA", "2024-02-01"))
    with pytest.raises(APIError) as trading:
        trading_client(daily, "wrong").get_account()
    assert (data.value.status_code, trading.value.status_code) == (403, 401)


def test_bars_of_one_symbol_are_a_list():
    with LocalAlpaca(bars(AAA=walk(40, start="2024-01-02")), now="2024-03-01T17:00-05:00") as daily:
        client, query = data_client(daily), {"timeframe": "1Day", "start": "2024-01-01", "limit": 3, "feed": "iex"}
        several = client.get("/stocks/bars", {**query, "symbols": "AAA"})
        assert client.get("/stocks/AAA/bars", query) == {**several, "bars": several["bars"]["AAA"], "symbol": "AAA"}
        assert client.get("/stocks/ZZZ/bars", query) == {"bars": [], "symbol": "ZZZ", "next_page_token": None}
