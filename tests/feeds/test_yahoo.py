"""Yahoo through the real yfinance client, with a small server of Yahoo's chart API at the network boundary."""

import datetime as dt
import logging

import numpy as np
import pytest
import requests
from yahoo_server import Listing, YahooServer

from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import BadSpec, SourceUnavailable, UnknownName
from feeds.parquet_store import ParquetStore
from feeds.refresh import refresh
from feeds.source import PartialFetch
from feeds.unadjust import later_splits, significant
from feeds.yahoo import YahooSource

APPLE = Listing(  # what was printed on the tape around the split of 2020-08-31
    [("2020-08-06", 441.62, 457.65, 439.19, 455.61, 50_607_225), ("2020-08-07", 452.82, 454.70, 441.17, 444.45, 49_511_400),
     ("2020-08-28", 504.05, 505.77, 498.31, 499.23, 46_907_500), ("2020-08-31", 127.58, 131.00, 126.00, 129.04, 225_702_700),
     ("2020-11-06", 118.32, 119.20, 116.13, 118.69, 114_457_900)],
    splits={"2020-08-31": 4}, dividends={"2020-08-07": 0.82, "2020-11-06": 0.205})
FLAT = Listing([("2020-08-28", 10, 11, 9, 10, 100), ("2020-08-31", 10, 11, 9, 10.5, 100)])


def at(text: str) -> ManualClock:
    return ManualClock(int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * 10**9)


@pytest.fixture
def yahoo(tmp_path):
    import yfinance
    from yfinance.data import YfData

    yfinance.set_tz_cache_location(str(tmp_path))

    def connect(clock=None, **listings):
        server = YahooServer({name.replace("__", "-"): listing for name, listing in listings.items()})
        YfData(session=server).cache_get.cache_clear()
        return YahooSource(session=server, clock=clock or at("2021-01-04 12:00")), server

    return connect


def test_the_split_of_apple_is_undone(yahoo):
    source, _ = yahoo(AAPL=APPLE)
    bars = source.fetch(["AAPL"], "2020-08-01", None)[0]
    assert bars.close.tolist() == [455.61, 444.45, 499.23, 129.04, 118.69]
    assert bars.open.tolist() == [441.62, 452.82, 504.05, 127.58, 118.32]
    assert bars.volume.tolist() == [50_607_225, 49_511_400, 46_907_500, 225_702_700, 114_457_900]
    assert bars.split.tolist() == [1, 1, 1, 4, 1]
    assert bars.dividend.tolist() == [0, 0.82, 0, 0, 0.205]
    assert np.array_equal(bars.index, get_calendar("XNYS").close_of(bars.session))


def test_an_old_range_is_raw_too_and_the_split_after_it_is_asked_for(yahoo):
    source, server = yahoo(AAPL=APPLE)
    bars = source.fetch(["AAPL"], "2020-08-06", "2020-08-07")[0]
    assert bars.close.tolist() == [455.61, 444.45] and bars.split.tolist() == [1, 1]
    params = server.requested[-1][1]
    assert int(params["period2"]) > dt.datetime(2021, 1, 1, tzinfo=dt.UTC).timestamp()


def test_share_classes_are_translated(yahoo):
    source, server = yahoo(BRK__B=FLAT)
    assert source.canonical(["brk-b", "btc-usd", "^gspc"]) == ("BRK.B", "BTC-USD", "^GSPC")
    assert source.fetch(["BRK.B"], "2020-08-01", None)[0].symbol == "BRK.B"
    assert {symbol for symbol, _ in server.requested} == {"BRK-B"}


@pytest.mark.parametrize("now, sessions", [("2020-08-31 20:10", 1), ("2020-08-31 20:21", 2)])
def test_an_unfinished_bar_is_dropped(yahoo, now, sessions):
    source, _ = yahoo(at(now), FLAT=FLAT)
    assert len(source.fetch(["FLAT"], "2020-08-01", None)[0]) == sessions


def test_a_split_this_morning_is_undone_though_todays_bar_is_dropped(yahoo):
    source, _ = yahoo(at("2020-08-31 15:00"), AAPL=APPLE)
    assert source.fetch(["AAPL"], "2020-08-28", None)[0].close.tolist() == [499.23]


def test_high_and_low_are_widened_and_rows_without_a_price_left_out(yahoo, caplog):
    listing = Listing([("2020-08-27", 10, 9.99, 9, 10, 100), ("2020-08-28", 0, 11, 9, 10, 100),
                       ("2020-08-31", 10, 11, 9, 10, 100)], dividends={"2020-08-28": 0.5})
    source, _ = yahoo(ODD=listing)
    with caplog.at_level(logging.WARNING):
        bars = source.fetch(["ODD"], "2020-08-01", None)[0]
    assert bars.high.tolist() == [10, 11] and bars.session.astype(str).tolist() == ["2020-08-27", "2020-08-31"]
    assert bars.dividend.tolist() == [0, 0.5]  # passes to the next row
    assert "ODD: high or low widened to hold open and close on 1 rows" in caplog.text
    assert "ODD: 1 rows without a price left out" in caplog.text


def test_offline_is_one_line_after_later_and_later_retries(yahoo):
    clock = at("2021-01-04 12:00")
    source, server = yahoo(clock, AAPL=APPLE, FLAT=FLAT)
    server.failures["*"] = [requests.exceptions.ConnectionError("Could not resolve host")] * 1_000
    with pytest.raises(SourceUnavailable, match="yahoo did not answer .*Could not resolve host.*try again") as caught:
        source.fetch(["AAPL", "FLAT"], "2020-08-01", None)
    assert "\n" not in str(caught.value)
    assert 1 + 2 + 4 <= clock.monotonic() <= 1.5 * (1 + 2 + 4)


def test_a_rate_limit_passes(yahoo):
    clock = at("2021-01-04 12:00")
    source, server = yahoo(clock, AAPL=APPLE)
    server.failures["AAPL"] = [429, 429]
    assert len(source.fetch(["AAPL"], "2020-08-01", None)[0]) == 5
    assert clock.monotonic() >= 1


def test_a_lasting_rate_limit_is_named(yahoo):
    source, server = yahoo(AAPL=APPLE)
    server.failures["AAPL"] = [429] * 1_000
    with pytest.raises(SourceUnavailable, match="Too Many Requests"):
        source.fetch(["AAPL"], "2020-08-01", None)


def test_a_partial_failure_names_the_symbols_and_keeps_the_rest(yahoo):
    source, server = yahoo(AAPL=APPLE, FLAT=FLAT)
    server.failures["AAPL"] = [requests.exceptions.ReadTimeout("timed out")] * 1_000
    with pytest.raises(PartialFetch, match="did not deliver AAPL .*timed out") as caught:
        source.fetch(["AAPL", "FLAT"], "2020-08-01", None)
    assert [bars.symbol for bars in caught.value.series] == ["FLAT"] and set(caught.value.failed) == {"AAPL"}


def test_an_unknown_symbol_and_an_empty_range(yahoo):
    source, _ = yahoo(AAPL=APPLE)
    with pytest.raises(UnknownName, match="yahoo has no bars of 'NOPE'"):
        source.fetch(["AAPL", "NOPE"], "2020-08-01", None)
    assert source.fetch(["AAPL"], "2020-12-01", None) == []


def test_progress_and_order(yahoo):
    source, _ = yahoo(AAPL=APPLE, FLAT=FLAT)
    seen = []
    series = source.fetch(["FLAT", "AAPL"], "2020-08-01", None, progress=lambda *step: seen.append(step))
    assert [bars.symbol for bars in series] == ["FLAT", "AAPL"]
    assert seen == [(1, 2, "FLAT"), (2, 2, "AAPL")]


def test_minutes_are_raw_and_end_with_the_session(yahoo):
    minutes = [("2020-08-28 09:30", 504.05, 505, 504, 504.5, 1_000), ("2020-08-28 15:59", 499, 500, 498.5, 499.23, 900),
               ("2020-08-31 09:30", 127.58, 128, 127, 127.5, 4_000)]
    listing = Listing(APPLE.rows, APPLE.splits, APPLE.dividends, minutes)
    source, server = yahoo(at("2020-09-01 12:00"), AAPL=listing)
    bars = source.fetch(["AAPL"], "2020-08-24", None, "1m")[0]
    assert bars.close.tolist() == [504.5, 499.23, 127.5] and bars.split.tolist() == [1, 1, 4]
    exchange = get_calendar("XNYS")
    assert bars.index[0] == exchange.open_of(bars.session)[0] + 60 * 10**9
    assert bars.index[1] == exchange.close_of(bars.session)[1]
    spans = [int(params["period2"]) - int(params["period1"]) for _, params in server.requested
             if params.get("interval") == "1m" and "period1" in params]
    assert len(spans) == 2 and max(spans) <= 7 * 86_400


def test_intervals_yahoo_does_not_keep(yahoo):
    source, _ = yahoo(at("2020-09-01 12:00"), AAPL=APPLE)
    with pytest.raises(BadSpec, match="yahoo keeps 1m bars for 29 days only: start 2020-01-01 is before 2020-08-03"):
        source.fetch(["AAPL"], "2020-01-01", None, "1m")
    with pytest.raises(BadSpec, match="yahoo has no 7m bars"):
        source.fetch(["AAPL"], None, None, "7m")
    with pytest.raises(BadSpec, match="no 1w bars"):
        source.fetch(["AAPL"], None, None, "1w")


def test_later_splits_and_significant_digits():
    assert later_splits(np.array([1.0, 2, 1, 7])).tolist() == [14, 7, 7, 1]
    noisy = np.array([np.float32(124.8075) * 4.0, 0.0, np.nan, -1.23456789, 123456.789])
    assert np.array_equal(significant(noisy), [499.23, 0, np.nan, -1.234568, 123456.8], equal_nan=True)


def test_what_is_asked_for_again_after_a_split_has_changed_in_nothing_but_what_was_corrected(yahoo, tmp_path):
    store, days = ParquetStore(tmp_path / "bars"), [row[0] for row in APPLE.rows]
    before = Listing(APPLE.rows[:3], dividends={"2020-08-07": 0.82})
    source, _ = yahoo(at("2020-08-29 12:00"), AAPL=before)
    refresh(source, store, ["AAPL"], days[0], days[2], "1d", clock=at("2020-08-29 12:00"))
    corrected = Listing([APPLE.rows[0], (*APPLE.rows[1][:4], 444.54, APPLE.rows[1][5]), *APPLE.rows[2:]], APPLE.splits, APPLE.dividends)
    source, _ = yahoo(at("2021-01-04 12:00"), AAPL=corrected)
    refresh(source, store, ["AAPL"], days[0], days[2], "1d", clock=at("2021-01-04 12:00"), again=True)
    kept = store.revisions("AAPL", source="yahoo")
    assert (kept.bars.session.astype(str).tolist(), kept.bars.close.tolist()) == ([days[1]], [444.45])
    assert store.read(["AAPL"], source="yahoo")[0].close.tolist() == [455.61, 444.54, 499.23]
