"""Bars that arrive late, never, twice, corrected, broken or out of hours: what is played, and what is kept for the record."""

import pytest
from alpaca_minutes_live import FIRST, FRIDAY, Live, agree, at, clock_time, run_live, venue_bars

from brokers.local_alpaca import AnswerFault, BarFault
from brokers.local_alpaca.history import bars_of
from brokers.local_alpaca.moments import moment
from brokers.local_alpaca.stream_server import bar_message
from core.errors import StoreFailed
from feeds import ParquetStore

THIRD = moment(at("09:43"))  # the third minute after the start


def struck(alpaca, *faults):
    """A run to 09:46 with faults on; each of them must have struck."""
    for fault in faults:
        alpaca.faults.add(fault)
    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST)
    assert all(fault.struck for fault in faults) and seen.moments == sorted(set(seen.moments))
    return seen


def without(alpaca, symbol, *moments):
    return [bar for bar in venue_bars(alpaca, symbol, at("00:00", "2024-02-29"), at("09:46:30")) if bar[0] not in moments]


@pytest.mark.parametrize("fault", [
    dict(do="late", seconds=2.0), dict(do="late", seconds=2.999), dict(do="duplicate"), dict(do="duplicate", times=0), dict(do="extended"),
], ids=str)
def test_what_changes_nothing(venue, fault):
    """A bar that is late by less than the grace time, told twice, or followed by one from after hours."""
    alpaca = venue()
    seen = struck(alpaca, BarFault(**{"symbol": "BBB", "nth": 3, **fault}))
    agree(seen, alpaca)
    assert seen.live == ["09:41", "09:42", "09:43", "09:44", "09:45", "09:46"] and seen.of("BBB")[-1] == "LIVE"


@pytest.mark.parametrize("fault", [dict(do="late", seconds=3.5), dict(do="late", seconds=90.0), dict(do="missing"), dict(do="nonsense")], ids=str)
def test_a_bar_that_does_not_come_in_time_is_left_out_and_the_other_played(venue, fault):
    """No second next() for the minute; the next one has both symbols again."""
    alpaca = venue()
    seen = struck(alpaca, BarFault(symbol="BBB", nth=3, **fault))
    assert seen.bars["AAA"] == without(alpaca, "AAA") and seen.bars["BBB"] == without(alpaca, "BBB", THIRD)
    assert seen.live == ["09:41", "09:42", "09:43", "09:44", "09:45", "09:46"]
    assert any("nonsense" in told for told in seen.told) == (fault["do"] == "nonsense")


@pytest.mark.parametrize("fault", [dict(do="late", seconds=5.0), dict(do="missing"), dict(do="nonsense")], ids=str)
def test_a_minute_that_nobody_tells_in_time_is_asked_for(venue, fault):
    alpaca = venue()
    seen = struck(alpaca, *(BarFault(symbol=symbol, nth=3, **fault) for symbol in ("AAA", "BBB")))
    agree(seen, alpaca)
    assert seen.late[-1] == "09:43" and seen.live[-1] == "09:46"


def test_a_correction_after_the_bar_was_played_is_not_played(venue):
    alpaca = venue()
    seen = struck(alpaca, BarFault(symbol="BBB", nth=3, do="corrected"))
    right = without(alpaca, "BBB")
    wrong = [bar for bar in seen.bars["BBB"] if bar not in right]
    assert seen.bars["AAA"] == without(alpaca, "AAA") and [bar[0] for bar in wrong] == [THIRD] and len(seen.bars["BBB"]) == len(right)


def test_a_correction_in_time_is_what_is_played(venue):
    """The minute 09:43 is corrected at 09:43:30, before the bar of five minutes is over."""
    alpaca = venue()
    alpaca.faults.add(BarFault(symbol="BBB", nth=3, do="corrected"))
    live = Live(alpaca, at("09:45:30")).add("AAA", "BBB", fromdate=FIRST, compression=5)
    seen = live.run()
    last = [bar for bar in without(alpaca, "BBB") if moment(at("09:40")) < bar[0] <= moment(at("09:45"))]
    assert seen.bars["BBB"][-1][1:] == (last[0][1], max(bar[2] for bar in last), min(bar[3] for bar in last), last[-1][4], sum(bar[5] for bar in last))


def test_bars_of_minutes_to_come_are_left_out(venue):
    """A bar stamped in the future must not make the minutes before it late, nor hide a stream that is mute."""
    alpaca = venue()

    def tell(live):
        for symbol in ("AAA", "BBB"):
            known = bars_of(alpaca, symbol, "1Min")[-1]
            alpaca.streams.send("bars", [{**bar_message(symbol, known, "b"), "t": moment(at("09:54"))}])

    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST, at_time=[(at("09:42:30"), tell), (at("09:43:30"), lambda live: alpaca.mute("data"))])
    agree(seen, alpaca)
    assert clock_time(seen.moments[-1]) == "09:46"


def test_a_bar_of_the_history_that_breaks_a_rule_costs_its_symbol_only(venue):
    """AAA's page has a high below its low: said, and BBB is played; the stream tells both again."""
    alpaca = venue()
    bar = {"t": "2024-02-29T20:30:00Z", "o": 10, "h": 9, "l": 11, "c": 10, "v": 1}
    alpaca.faults.add(AnswerFault(path="/v2/stocks/bars", status=200, body={"bars": {"AAA": [bar]}, "next_page_token": None}))
    seen = run_live(alpaca, at("09:43:30"), fromdate=FIRST)
    assert seen.bars["BBB"] == venue_bars(alpaca, "BBB", at("00:00", "2024-02-29"), at("09:43:30"))
    assert [clock_time(bar[0]) for bar in seen.bars["AAA"]][-3:] == ["09:41", "09:42", "09:43"]
    assert any("bad bars for AAA" in told for told in seen.told)


# -- the record ------------------------------------------------------------------------------------------


def stored(folder, symbol):
    bars, = ParquetStore(folder).read([symbol], interval="1m", source="alpaca")
    return list(zip(bars.index.tolist(), *(getattr(bars, name).tolist() for name in ("open", "high", "low", "close", "volume")), strict=True)), bars


def test_streamed_minutes_are_stored_as_they_were_told_last(venue, tmp_path):
    """Late, missing, corrected and nonsense bars, a gap, bars of before and after hours: the file has the regular minutes, corrected."""
    alpaca = venue()
    for nth, do in ((1, "extended"), (2, "corrected"), (3, "late"), (5, "duplicate")):
        alpaca.faults.add(BarFault(symbol="BBB", nth=nth, do=do, seconds=20.0))

    def tell(live):
        alpaca.streams.send("bars", [{**bar_message("AAA", bars_of(alpaca, "AAA", "1Min")[-1], "b"), "t": moment(at("09:20"))}])

    run_live(alpaca, at("09:52:30"), fromdate=FIRST, bar_store=ParquetStore(tmp_path),
             at_time=[(at("09:42:30"), tell), (at("09:46:30"), lambda live: live.drop(held_s=100))])
    for symbol in ("AAA", "BBB"):
        rows, bars = stored(tmp_path, symbol)
        assert rows == venue_bars(alpaca, symbol, at("09:40"), at("09:52:30")) and set(bars.session.astype(str)) == {FRIDAY}
        assert ParquetStore(tmp_path).missing(symbol, bars.session[:1], "1m", source="alpaca").astype(str).tolist() == [FRIDAY]


def test_a_run_that_is_killed_between_two_writes_loses_the_last_minutes_only(venue, tmp_path):
    """After a quarter of an hour they are on disk; the session stays to be fetched, so that the rest is found again."""
    alpaca = venue()
    live = Live(alpaca, at("10:01:30")).add("AAA", "BBB", fromdate=FIRST, bar_store=ParquetStore(tmp_path))
    live.store.stop = lambda: None
    live.run()
    rows, _ = stored(tmp_path, "AAA")
    whole = venue_bars(alpaca, "AAA", at("09:40"), at("10:01:30"))
    assert 10 < len(rows) < len(whole) and rows == whole[:len(rows)]
    live.store._data_stream.stop()
    again = run_live(alpaca, at("10:05:30"), fromdate=FIRST, bar_store=ParquetStore(tmp_path))
    agree(again, alpaca)
    assert [row for row in stored(tmp_path, "AAA")[0] if row[0] > moment(at("10:02"))] == venue_bars(alpaca, "AAA", at("10:02"), at("10:05:30"))


def test_a_store_of_the_store_keeps_them_too(venue, tmp_path):
    alpaca = venue()
    live = Live(alpaca, at("09:43:30")).add("AAA", "BBB", fromdate=FIRST)
    live.store.bar_store = ParquetStore(tmp_path)
    live.run()
    assert stored(tmp_path, "BBB")[0] == venue_bars(alpaca, "BBB", at("09:40"), at("09:43:30"))


def test_a_store_that_fails_does_not_stop_the_run(venue, caplog):
    class Full:
        def write(self, *arguments, **options):
            raise StoreFailed("cannot write: disk full")

    alpaca = venue()
    seen = run_live(alpaca, at("09:58:30"), fromdate=FIRST, bar_store=Full())
    agree(seen, alpaca)
    assert "streamed bars of AAA are not stored: cannot write: disk full" in caplog.text
