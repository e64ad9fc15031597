"""The source alpaca, through the real alpaca-py, against a venue that knows what truly traded."""

import datetime as dt
import logging

import numpy as np
import pandas as pd
import pytest
from made_bars import bars, ragged, walk
from vendor import same_bars

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minute_frame
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.clock import ManualClock
from core.errors import BadSpec, NoBars, UnknownName
from feeds import ParquetStore, load_bars, source_named
from feeds.alpaca import AlpacaSource

XNYS = get_calendar("XNYS")
HALF_DAY = "2024-07-03"


def on_sessions(frame, start):
    """A frame on the business days from 2000-01-03, moved to as many sessions from `start` on; gaps stay."""
    places = np.busday_count("2000-01-03", frame.index.to_numpy().astype("datetime64[D]"))
    return frame.set_index(pd.DatetimeIndex(XNYS.between(start, "2035-12-31")[places]))


def with_actions(frame, splits, dividends):
    """`splits`: {row: ratio}, `dividends`: {row: cash}, paid ten weeks later."""
    split, dividend, paid = np.ones(len(frame)), np.zeros(len(frame)), np.full(len(frame), np.datetime64("NaT", "D"))
    for row, ratio in splits.items():
        split[row] = ratio
    for row, cash in dividends.items():
        dividend[row], paid[row] = cash, np.datetime64(frame.index[row].date()) + 70
    return frame.assign(split=split, dividend=dividend, pay_date=paid)


def stocks():
    """Two years of daily bars: ragged listings, a class of shares, splits both ways, dividends, one on a split's day."""
    market = {name: on_sessions(whole, "2022-01-03") for name, whole in ragged(500, 3).items()}
    market["BRK.B"] = with_actions(on_sessions(walk(500, 9), "2022-01-03"), {80: 4.0, 300: 0.1},
                                   {20: 0.25, 80: 0.07, 160: 0.3, 470: 0.31})
    market["SPY"] = with_actions(on_sessions(walk(500, 8), "2022-01-03"), {}, {60: 1.5, 499: 1.6})
    return bars(**market)


def session_minutes(date, seed):
    """Minute bars from 09:20 until 25 minutes after 16:00, some without a trade."""
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.001, 425))), 2)
    rows = [(price, price + 0.05, price - 0.05, price + 0.01) if random.random() > 0.1 else None for price in close]
    return minute_frame(rows, f"{date} 09:20")


def minute_market():
    """Sessions around the change to summer time, before and on a half day; a split and a dividend on its morning."""
    dates = ("2024-03-08", "2024-03-11", "2024-07-02", HALF_DAY)
    whole = {name: pd.concat([session_minutes(date, seed * 10 + at) for at, date in enumerate(dates)])
             for seed, name in enumerate(("AAA", "BBB"))}
    opened = pd.Timestamp(f"{HALF_DAY} 09:30", tz="America/New_York")
    row = int(whole["BBB"].index.searchsorted(opened, "right"))
    whole["BBB"] = with_actions(whole["BBB"], {row: 2.0}, {row: 0.2})
    return Bars.from_frames(whole, interval="1m")


def regular(series):
    """The bars of the regular hours."""
    return series.rows((series.index > XNYS.open_of(series.session)) & (series.index <= XNYS.close_of(series.session)))


@pytest.fixture(scope="module")
def daily():
    market = stocks()
    with LocalAlpaca(market, now=int(market.index[-1]) + 3_600 * 10**9) as alpaca:
        yield alpaca


@pytest.fixture(scope="module")
def intraday():
    with LocalAlpaca(minute_market(), now=f"{HALF_DAY}T18:00-04:00") as alpaca:
        yield alpaca


@pytest.mark.parametrize("page", [10_000, 37])
def test_daily_bars_are_what_traded_with_the_actions_beside_them(connect, daily, page):
    symbols = daily.market.bars.symbols
    series = connect(daily, page=page).fetch(symbols, "2022-01-03", None)
    assert [each.symbol for each in series] == list(symbols)
    assert all(same_bars(each, daily.market.bars.series(each.symbol)) for each in series)
    share = series[symbols.index("BRK.B")]
    assert (share.split != 1).sum() == 2 and (share.dividend > 0).sum() == 4


def test_actions_are_asked_for_by_the_time_they_may_be_processed(connect, daily):
    daily.ledger.requests.clear()
    connect(daily).fetch(["BRK.B"], "2022-04-29", "2022-05-02")
    query = next(each.query for each in daily.ledger.requests if each.path == "/v1/corporate-actions")
    assert (query["start"], query["end"], query["symbols"]) == ("2022-02-28", "2023-06-07", "BRK.B")


def test_minutes_of_the_regular_hours_stand_at_their_end(connect, intraday):
    series = connect(intraday, page=100).fetch(["BBB", "AAA"], "2024-03-08", HALF_DAY, "1m")
    assert [each.symbol for each in series] == ["BBB", "AAA"]
    for each in series:
        assert same_bars(each, regular(intraday.market.bars.series(each.symbol)))
    last = XNYS.close_of(np.array([HALF_DAY], "datetime64[D]"))[0]
    assert series[0].index[-1] == last and dt.datetime.fromtimestamp(last / 1e9, dt.UTC).hour == 17
    row = int(np.argmax(series[0].split == 2))
    assert str(series[0].session[row]) == HALF_DAY != str(series[0].session[row - 1])
    assert series[0].dividend[row] == 0.2


@pytest.mark.parametrize("interval", ["5m", "15m", "30m", "1h", "7m", "90m"])
def test_longer_bars_are_made_of_the_minutes_since_the_open(connect, intraday, interval):
    got = connect(intraday).fetch(["AAA"], "2024-03-01", HALF_DAY, interval)[0]
    step = int(interval[:-1]) * (60 if interval[-1] == "h" else 1) * MINUTE_NS
    minutes, groups = regular(intraday.market.bars.series("AAA")), {}
    for row, (index, session) in enumerate(zip(minutes.index, minutes.session, strict=True)):
        opened, closed = XNYS.open_of(session), XNYS.close_of(session)
        end = min(int(opened + ((index - MINUTE_NS - opened) // step + 1) * step), int(closed))
        groups.setdefault(end, []).append(row)
    assert got.index.tolist() == list(groups)
    for at, rows in enumerate(groups.values()):
        want = (minutes.open[rows[0]], minutes.high[rows].max(), minutes.low[rows].min(), minutes.close[rows[-1]],
                minutes.volume[rows].sum())
        assert (got.open[at], got.high[at], got.low[at], got.close[at], got.volume[at]) == want
        assert got.session[at] == minutes.session[rows[0]]


@pytest.mark.parametrize(("minutes_after", "last"), [(-60, -2), (19, -2), (21, -1)])
def test_todays_daily_bar_comes_when_it_is_complete_and_settled(connect, minutes_after, last):
    market = bars(AAA=on_sessions(walk(6), "2024-03-04"))
    with LocalAlpaca(market, now=int(market.index[-1]) + minutes_after * MINUTE_NS) as alpaca:
        got = connect(alpaca).fetch(["AAA"], "2024-03-01", None)[0]
        assert got.session[-1] == market.session[last]
        today = connect(alpaca).fetch(["AAA"], str(market.session[-1]), None)
        assert [each.close.tolist() for each in today] == ([] if last == -2 else [[market.raw_close[-1, 0]]])


def test_unfinished_bars_of_the_day_are_left_out(connect):
    with LocalAlpaca(minute_market(), now="2024-07-02T11:52-04:00") as alpaca:
        minutes = connect(alpaca).fetch(["AAA"], "2024-07-01", None, "1m")[0]
        hours = connect(alpaca).fetch(["AAA"], "2024-07-01", None, "1h")[0]
    settled = alpaca.now - 20 * MINUTE_NS
    assert settled - 3 * MINUTE_NS < minutes.index[-1] <= settled
    opened = int(XNYS.open_of(np.array(["2024-07-02"], "datetime64[D]"))[0])
    assert hours.index.tolist() == [opened + 60 * MINUTE_NS, opened + 120 * MINUTE_NS]


def test_nothing_is_asked_for_before_it_can_be_complete(connect, daily):
    daily.ledger.requests.clear()
    assert connect(daily).fetch(["AAA"], "2024-06-03", None) == [] and daily.ledger.requests == []


def test_the_basic_plan_is_never_refused_sip_and_the_feeds_are_stored_apart(connect):
    with LocalAlpaca(minute_market(), now="2024-07-02T12:00-04:00", account=AccountRules(plan="basic")) as alpaca:
        source = connect(alpaca, "sip")
        got = source.fetch(["AAA"], "2024-07-02", "2024-07-02", "1m")[0]
    assert got.index[-1] > alpaca.now - 23 * MINUTE_NS
    assert (source.name, connect(alpaca).name) == ("alpaca-sip", "alpaca")


def test_an_index_is_shown_by_its_fund_and_it_is_said(connect, daily, caplog):
    source = connect(daily)
    with caplog.at_level(logging.WARNING):
        loaded = load_bars(source=source, symbols=["BRK.B", "SPY"], reference=["^gspc"], start="2022-01-03")
    assert loaded.symbols == ("BRK.B", "SPY", "^GSPC") and loaded.tradable.tolist() == [True, True, False]
    fund, index = loaded.series("SPY"), loaded.series("^GSPC")
    assert np.array_equal(fund.close, index.close) and np.array_equal(fund.dividend, index.dividend)
    assert "alpaca has no indices: SPY stands for ^GSPC" in caplog.text
    assert "^GSPC is SPY" in loaded.origin.note and "IEX" in loaded.origin.note
    assert source.market_index == "^GSPC"
    with pytest.raises(UnknownName, match="alpaca has no indices, and no fund stands for '\\^VIX': use one of \\^GSPC, "):
        source.fetch(["SPY", "^VIX"], "2022-01-03", None)


def test_unknown_symbols_are_told_from_those_that_did_not_trade(connect, daily):
    source, first = connect(daily), daily.market.bars.series("S1").session[0]
    assert np.datetime64("2022-01-05") < first
    assert [each.symbol for each in source.fetch(["S1", "S0"], "2022-01-03", "2022-01-05")] == ["S0"]
    with pytest.raises(UnknownName, match="alpaca has no bars of 'NOPE', 'NADA': check the spelling"):
        source.fetch(["S0", "NOPE", "S1", "NADA"], "2022-01-03", "2022-01-05")
    with pytest.raises(UnknownName, match="alpaca: invalid symbol: BTC-USD; check the spelling"):
        source.fetch(["S0", "BTC-USD"], "2022-01-03", "2022-01-05")
    with pytest.raises(NoBars, match="no 1m bars of S0 .*choose other dates"):
        load_bars(source=source, symbols=["S0"], start="2022-01-03", interval="1m")


def test_many_symbols_are_asked_for_in_parts_and_progress_is_told(connect, monkeypatch, daily):
    monkeypatch.setattr("feeds.alpaca.CHUNK", 2)
    seen = []
    series = connect(daily).fetch(daily.market.bars.symbols, "2022-01-03", None, progress=lambda *step: seen.append(step))
    assert len(series) == 5 and seen == [(2, 5, "S1"), (4, 5, "BRK.B"), (5, 5, "SPY")]


def test_through_the_store_only_what_is_missing_is_asked_for(connect, daily, tmp_path):
    store, source, symbols = ParquetStore(tmp_path), connect(daily), daily.market.bars.symbols

    def load(start, end):
        daily.ledger.requests.clear()
        loaded = load_bars(source=source, symbols=symbols, start=start, end=end, store=store, clock=source._clock)
        return loaded, {(each.query["start"][:10], each.query["end"][:10]) for each in daily.ledger.requests
                        if each.query.get("timeframe") == "1Day"}

    _, spans = load("2022-06-01", "2022-12-30")
    assert spans == {("2022-06-01", "2022-12-31")}
    whole, spans = load("2022-01-03", "2023-06-30")
    assert spans == {("2022-01-03", "2022-06-01"), ("2023-01-03", "2023-07-01")}
    again, _ = load("2022-01-03", "2023-06-30")
    assert daily.ledger.requests == [] and again.fingerprint == whole.fingerprint
    want = daily.market.bars.between("2022-01-03", "2023-06-30").select(symbols)
    assert whole.fingerprint == want.fingerprint


def test_minutes_through_the_store_grow_with_the_days(connect, tmp_path):
    store, market = ParquetStore(tmp_path), minute_market()
    with LocalAlpaca(market, now="2024-03-08T18:00-05:00") as alpaca:
        for later in ("2024-03-11T18:00-04:00", "2024-07-02T12:00-04:00", "2024-07-03T13:30-04:00"):
            alpaca.advance(to=later)
            source = connect(alpaca)
            got = load_bars(source=source, symbols=["AAA", "BBB"], start="2024-03-08", interval="1m", store=store,
                            clock=source._clock)
    for symbol in ("AAA", "BBB"):
        assert same_bars(got.series(symbol), regular(market.series(symbol)))


def test_keys_and_host_come_from_the_environment(daily, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in (("API_KEY", daily.key_id), ("SECRET_KEY", daily.secret_key), ("DATA_URL", daily.data_url)):
        monkeypatch.setenv(f"ALPACA_{name}", value)
    loaded = load_bars(source="alpaca", symbols=["SPY"], start="2022-01-03", clock=ManualClock(daily.now))
    assert same_bars(loaded.series("SPY"), daily.market.bars.series("SPY")) and loaded.origin.source == "alpaca"


def test_the_source_by_name():
    source = source_named("alpaca")
    assert isinstance(source, AlpacaSource) and (source.feed, source.name, source.stored) == ("iex", "alpaca", True)
    assert source_named("alpaca:sip").feed == "sip" and "all US exchanges" in source_named("alpaca:sip").note
    with pytest.raises(UnknownName, match="unknown feed of the source alpaca 'sipp': did you mean 'sip'"):
        source_named("alpaca:sipp")
    with pytest.raises(BadSpec, match="alpaca has US stocks, which do not trade by the calendar '24/7': use XNYS"):
        source_named("alpaca", "24/7")
    assert source.canonical(["brk-b", "brk/b", "spy", "^gspc"]) == ("BRK.B", "BRK.B", "SPY", "^GSPC")
    assert source.symbols() == () and source.sector("SPY") == "" and source.last_session(["SPY"]) is None
