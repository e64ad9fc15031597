"""Live minutes of two symbols: history, seam and stream are one row after another, whatever the second of the start."""

import datetime as dt

import backtrader as bt
import pytest
from alpaca_minutes_live import FIRST, FRIDAY, MINUTES, THURSDAY, Live, agree, at, run_live, venue_bars, walks

from brokers.local_alpaca import AccountRules, BarFault, LocalAlpaca
from brokers.local_alpaca.moments import moment
from core.series import FIELDS
from feeds.alpaca import AlpacaSource
from feeds.alpaca_recent import RecentSource


@pytest.mark.parametrize("second", ["00", "01", "02", "03", "04", "30", "57", "58", "59"])
def test_the_start_may_be_at_any_second(venue, second):
    alpaca = venue(f"09:40:{second}")
    seen = run_live(alpaca, at("09:44:30"), fromdate=FIRST)
    agree(seen, alpaca)
    assert seen.rows[0][0] == moment(at("15:21", THURSDAY)) and seen.live[-2:] == ["09:43", "09:44"]
    assert {"15:21", "16:00", "09:31", "09:39"} <= set(seen.late)


@pytest.mark.parametrize("time", ["09:28:30", "09:30:00", "09:30:59", "09:31:00"])
def test_the_start_may_be_around_the_open(venue, time):
    alpaca = venue(time)
    seen = run_live(alpaca, at("09:34:30"), fromdate=FIRST)
    agree(seen, alpaca)
    assert seen.live[-2:] == ["09:33", "09:34"] and "16:00" in seen.late


def test_statuses_say_what_can_be_traded_on(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:44:30"), fromdate=FIRST)
    assert seen.of("AAA") == seen.of("BBB") == ["DELAYED", "CONNECTED", "LIVE"]
    assert seen.live == ["09:41", "09:42", "09:43", "09:44"] and len(seen.late) == 50
    history, gap = (asked.time for asked in alpaca.ledger.asked("GET", "/v2/stocks/bars"))
    assert 3e9 <= gap - history < 4e9  # by when the venue has published the last minute


def test_without_backfill_the_first_bar_is_the_first_after_the_start(venue):
    seen = run_live(venue(), at("09:43:30"), backfill_start=False)
    assert seen.live == ["09:41", "09:42", "09:43"] and not seen.late


def test_one_feed_with_history_and_one_without(venue):
    alpaca = venue()
    live = Live(alpaca, at("09:43:30")).add("AAA", fromdate=FIRST).add("BBB", backfill_start=False)
    seen = live.run()
    assert seen.bars["AAA"] == venue_bars(alpaca, "AAA", at("00:00", THURSDAY), seen.moments[-1])
    assert seen.bars["BBB"] == venue_bars(alpaca, "BBB", at("09:40:20"), seen.moments[-1])


def test_a_given_history_is_continued_by_the_venues(venue):
    """Given until Thursday 15:40; the rest of it, Friday's first minutes and the stream follow."""
    alpaca = venue()
    rows = MINUTES.index <= moment(at("15:40", THURSDAY))
    given = MINUTES._slice(slice(0, int(rows.sum())), keep_derived=False)
    seen = run_live(alpaca, at("09:43:30"), history=given)
    agree(seen, alpaca)
    assert seen.live == ["09:41", "09:42", "09:43"]


def test_a_given_history_tells_no_future(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:43:30"), history=MINUTES)
    agree(seen, alpaca)
    assert seen.live == ["09:41", "09:42", "09:43"]


def test_history_alone_takes_no_place_on_the_stream_and_ends(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:50"), fromdate=FIRST, historical=True)
    agree(seen, alpaca)
    assert seen.rows[-1][0] == moment(at("09:40")) and not seen.live and alpaca.now == moment(at("09:40:20"))
    assert not alpaca.streams._sessions


@pytest.mark.parametrize(("todate", "last"), [((14, 43), "09:43"), ((14, 42, 30), "09:42"), ((14, 35), "09:35")])
def test_todate_is_the_last_bar(venue, todate, last):
    alpaca = venue()
    seen = run_live(alpaca, at("09:50"), fromdate=FIRST, todate=dt.datetime(2024, 3, 1, *todate))
    agree(seen, alpaca)
    assert seen.rows[-1][0] == moment(at(last)) and alpaca.now < moment(at("09:45"))


@pytest.mark.parametrize(("compression", "time"), [(5, "09:40:20"), (5, "09:44:59"), (15, "09:57:59"), (15, "10:00:00"), (60, "10:20:20")])
def test_longer_bars_are_those_of_the_source(venue, compression, time):
    """History, the bar that is half over at the start, and live ones: as AlpacaSource makes them of the same minutes."""
    bars = walks(f"{THURSDAY} 14:30", f"{FRIDAY} 09:30", rows=90, silent={"AAA": range(100, 109), "BBB": (119, 124, 134)})
    alpaca = venue(time, bars)
    live = Live(alpaca, at("10:31:30")).add("AAA", "BBB", fromdate=FIRST, compression=compression)
    seen = live.run()
    live.clock.sleep(3600)
    source = RecentSource(live.store.endpoints, live.store.clock, settle_ns=0)
    for bars in source.fetch(["AAA", "BBB"], THURSDAY, None, f"{compression}m"):
        rows = bars.rows(bars.index <= seen.moments[-1])
        assert seen.bars[bars.symbol] == list(zip(rows.index.tolist(), *(getattr(rows, name).tolist() for name in FIELDS), strict=True))
    assert seen.live[-1] == "10:30"


def test_bars_of_two_lengths_meet_in_one_next(venue):
    alpaca = venue("09:43:20")
    for symbol, nth in (("BBB", 2), ("AAA", 7)):  # the one in 09:45, the other in 09:50
        alpaca.faults.add(BarFault(symbol=symbol, do="late", seconds=2.0, nth=nth))
    live = Live(alpaca, at("09:52:30")).add("AAA", fromdate=FIRST).add("BBB", fromdate=FIRST, compression=5)
    seen = live.run()
    assert seen.moments == sorted(set(seen.moments))
    together = [names for at_ns, names, _ in seen.rows if "BBB" in names]
    assert together == [("AAA", "BBB")] * len(together) and len(together) == 12
    assert seen.live[-3:] == ["09:50", "09:51", "09:52"]


def test_history_may_come_in_many_pages(venue, monkeypatch):
    monkeypatch.setattr(AlpacaSource.__init__, "__kwdefaults__", {**AlpacaSource.__init__.__kwdefaults__, "page": 7})
    alpaca = venue()
    seen = run_live(alpaca, at("09:43:30"), fromdate=FIRST)
    agree(seen, alpaca)
    assert len([asked for asked in alpaca.ledger.asked("GET", "/v2/stocks/bars") if asked.query.get("page_token")]) > 10


def test_minutes_without_trades_do_not_stall_the_others(venue):
    """BBB trades in every third minute only, and both are silent at 09:44: rows are released 3 s after their end."""
    silent = {"AAA": (53,), "BBB": [each for each in range(80) if each % 3]}
    alpaca = venue(bars=walks(f"{THURSDAY} 15:20", f"{FRIDAY} 09:30", silent=silent))
    lags = []
    seen = run_live(alpaca, at("09:49:30"), fromdate=FIRST, at_bar=lambda s: lags.append((alpaca.now - s.moments[-1]) / 1e9))
    agree(seen, alpaca)
    assert seen.live == ["09:41", "09:42", "09:43", "09:45", "09:46", "09:47", "09:48", "09:49"]
    assert max(lags[-8:]) < 3.1 and min(lags[-8:]) < 0.1


def test_a_bar_between_two_silent_symbols_is_played_at_once(venue):
    """Of three symbols the middle one trades: it is not kept waiting by those before and after it."""
    silent = {"BBB": range(42, 80), "CCC": range(42, 80)}
    alpaca = venue(bars=walks(f"{THURSDAY} 15:20", f"{FRIDAY} 09:30", symbols=("AAA", "BBB", "CCC"), silent=silent))
    lags = []
    seen = run_live(alpaca, at("09:45:30"), symbols=("BBB", "AAA", "CCC"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: None)],
                    at_bar=lambda s: lags.append((alpaca.now - s.moments[-1]) / 1e9))
    agree(seen, alpaca, symbols=("AAA", "BBB", "CCC"))
    assert seen.live[-1] == "09:45" and max(lags[-5:]) < 3.1


def test_the_grace_time_is_the_feeds(venue):
    silent = {"BBB": range(41, 80)}
    alpaca = venue(bars=walks(f"{THURSDAY} 15:20", f"{FRIDAY} 09:30", silent=silent))
    lags = []
    run_live(alpaca, at("09:44:30"), fromdate=FIRST, bar_grace_s=0.5, at_bar=lambda s: lags.append((alpaca.now - s.moments[-1]) / 1e9))
    assert max(lags[-3:]) < 0.6


def test_a_halted_symbol_does_not_stall_the_other(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:48:30"), fromdate=FIRST,
                    at_time=[(at("09:42:30"), lambda live: alpaca.halt("AAA")), (at("09:44:30"), lambda live: alpaca.resume("AAA"))])
    agree(seen, alpaca)
    assert len(seen.bars["BBB"]) == len(seen.bars["AAA"]) + 3 and seen.live[-1] == "09:48"


def test_a_symbol_that_has_never_traded_is_waited_for_in_vain(venue):
    """Listed, and without a bar so far; the other's history and minutes come."""
    alpaca = venue(bars=walks(f"{FRIDAY} 09:30", symbols=("AAA", "BBB"), silent={"BBB": range(13)}))
    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST)
    agree(seen, alpaca)
    assert seen.rows[0][1] == ("AAA",) and seen.rows[-1][1] == ("AAA", "BBB") and seen.live[0] == "09:41"


def test_an_index_comes_with_the_prices_of_its_fund(venue):
    alpaca = venue(bars=walks(f"{THURSDAY} 15:20", f"{FRIDAY} 09:30", symbols=("AAA", "SPY")))
    seen = run_live(alpaca, at("09:43:30"), symbols=("^GSPC", "AAA"), fromdate=FIRST)
    assert seen.bars["^GSPC"] == venue_bars(alpaca, "SPY", at("00:00", THURSDAY), seen.moments[-1]) and seen.live[-1] == "09:43"


def test_all_exchanges_come_by_the_stream_of_the_sip_plan():
    with LocalAlpaca(MINUTES, now=at("09:40:20"), account=AccountRules(plan="plus")) as alpaca:
        alpaca.stream_url = alpaca.sip_stream_url
        seen = run_live(alpaca, at("09:43:30"), fromdate=FIRST)
        agree(seen, alpaca)
        assert {asked.query["feed"] for asked in alpaca.ledger.asked("GET", "/v2/stocks/bars")} == {"sip"} and seen.live[-1] == "09:43"


def test_a_machine_whose_clock_is_years_wrong(venue):
    for skew in (-7200.0, 3 * 365 * 86_400.0):
        alpaca = venue()
        seen = run_live(alpaca, at("09:43:30"), fromdate=FIRST, skew_s=skew)
        agree(seen, alpaca)
        assert seen.live == ["09:41", "09:42", "09:43"]


def test_the_sessions_of_a_long_minute_feed_go_on_over_night():
    """The last minute of a half day, the night, daylight saving: the next session's first minutes are live too."""
    for last, following in (("2024-07-03 12:56", "2024-07-05 09:30"), ("2024-03-08 15:56", "2024-03-11 09:30"), ("2024-11-01 15:56", "2024-11-04 09:30")):
        bars = walks(last, following, rows=4)
        with LocalAlpaca(bars, now=int(bars.index[0]) - 30 * 10**9) as alpaca:
            seen = run_live(alpaca, int(bars.index[-1]), backfill_start=False)
            agree(seen, alpaca, int(bars.index[0]) - 30 * 10**9)
            ends = "13:00" if last.startswith("2024-07") else "16:00"
            assert seen.live == [f"{ends[:2]}:00" if each == 60 else f"{int(ends[:2]) - 1}:{each}" for each in (57, 58, 59, 60)] + [
                "09:31", "09:32", "09:33", "09:34"]


def test_resampling_a_live_feed(venue):
    """One minute into five, on the copy beside the minutes; the venue's own bars are the judge."""
    alpaca = venue()
    live = Live(alpaca, at("09:57:30"))
    feed = live.store.getdata(dataname="AAA", timeframe=bt.TimeFrame.Minutes, qcheck=3600.0, fromdate=FIRST)
    live.cerebro.adddata(feed)
    live.cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=5, name="five")
    seen = live.run()
    source = RecentSource(live.store.endpoints, live.store.clock, settle_ns=0)
    bars, = source.fetch(["AAA"], THURSDAY, None, "5m")
    five = seen.bars["five"]
    assert [each[1:] for each in five] == list(zip(*(getattr(bars, name).tolist()[:len(five)] for name in FIELDS), strict=True)) and len(five) > 10
