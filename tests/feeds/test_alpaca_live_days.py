"""Live daily bars of two symbols: each session's once it is published, and never an unfinished one."""

import datetime as dt

import backtrader as bt
import numpy as np
import pytest
from alpaca_minutes_live import THURSDAY, Live, at, clock_time
from live_days import panel

from brokers.local_alpaca import AnswerFault, LocalAlpaca
from brokers.local_alpaca.moments import moment, new_york
from core.bars import Bars
from feeds import alpaca_session

PANEL = panel(60, symbols=("AAA", "BBB"))  # from 2024-01-02 to 2024-03-27
DAILY = dict(timeframe=bt.TimeFrame.Days)


def days(alpaca, until, **options):
    """Run two daily feeds to a moment: the strategy, and when each bar was shown."""
    live = Live(alpaca, until, at_time=options.pop("at_time", ())).add("AAA", "BBB", **DAILY, **options)
    shown = {}
    seen = live.run(at_bar=lambda s: shown.setdefault(date_of(s.moments[-1]), new_york(alpaca.now).strftime("%m-%d %H:%M")))
    assert seen.moments == sorted(set(seen.moments))
    return seen, shown


def date_of(at_ns):
    return new_york(at_ns).strftime("%m-%d")


def live_dates(seen):
    return [date_of(moment) for moment, _, is_live in seen.rows if is_live]


def whole(seen, bars=PANEL):
    """What was shown is what the panel has of the same sessions."""
    for symbol in ("AAA", "BBB"):
        series = bars.series(symbol)
        kept = (series.index >= seen.moments[0]) & (series.index <= seen.moments[-1])
        own = series.rows(kept)
        assert [each[0] for each in seen.bars[symbol]] == own.index.tolist() and [each[4] for each in seen.bars[symbol]] == own.close.tolist()


def test_days_come_when_they_are_published():
    """Started within Tuesday's session; Friday's bar comes on Friday evening, Monday's on Monday."""
    with LocalAlpaca(PANEL, now=at("12:00", "2024-02-20")) as alpaca:
        seen, shown = days(alpaca, at("16:30", "2024-02-26"), fromdate=dt.datetime(2024, 1, 2))
    whole(seen)
    assert live_dates(seen) == ["02-20", "02-21", "02-22", "02-23", "02-26"]
    assert [shown[day] for day in live_dates(seen)] == [f"{day} 16:20" for day in live_dates(seen)]
    assert shown["02-16"] == "02-20 12:00" and seen.of("AAA") == seen.of("BBB") == ["DELAYED", "LIVE"]


@pytest.mark.parametrize(("time", "history", "live"), [
    ("09:00", "02-16", ["02-20", "02-21"]), ("15:59", "02-16", ["02-20", "02-21"]), ("16:10", "02-16", ["02-20", "02-21"]),
    ("16:20", "02-20", ["02-21"]), ("20:30", "02-20", ["02-21"]),
])
def test_the_start_may_be_at_any_time_of_the_day(time, history, live):
    with LocalAlpaca(PANEL, now=at(time, "2024-02-20")) as alpaca:
        seen, _ = days(alpaca, at("16:30", "2024-02-21"), fromdate=dt.datetime(2024, 2, 1))
        whole(seen)
        assert live_dates(seen) == live and date_of([each for each, _, is_live in seen.rows if not is_live][-1]) == history
        seen, _ = days(alpaca, at("16:30", "2024-02-22"), backfill_start=False)
        assert live_dates(seen) == ["02-22"] and len(seen.rows) == 1


def test_a_given_history_is_continued():
    """Up to Thursday; started on Saturday, Friday's bar is no reason to trade."""
    with LocalAlpaca(PANEL, now=at("11:00", "2024-02-24")) as alpaca:
        seen, _ = days(alpaca, at("16:30", "2024-02-26"), history=PANEL.between(None, "2024-02-22"))
    whole(seen)
    assert live_dates(seen) == ["02-26"] and date_of(seen.moments[-2]) == "02-23" and date_of(seen.moments[0]) == "01-02"


def test_a_half_day_ends_early():
    bars = panel(140, symbols=("AAA", "BBB"))
    with LocalAlpaca(bars, now="2024-07-02T12:00-04:00") as alpaca:
        seen, shown = days(alpaca, "2024-07-05T21:00-04:00", fromdate=dt.datetime(2024, 6, 20))
    whole(seen, bars)
    assert [shown[day] for day in live_dates(seen)] == ["07-02 16:20", "07-03 13:20", "07-05 16:20"]


def test_a_day_that_is_known_after_the_next_open_is_not_traded_on(monkeypatch):
    monkeypatch.setattr(alpaca_session, "LONGEST_S", 1800.0)  # between two tries, for the test's own time
    with LocalAlpaca(PANEL, now=at("12:00", "2024-02-20")) as alpaca:
        fault = AnswerFault(path="/v2/stocks/bars", accepted=False, status=500, times=0)
        seen, shown = days(alpaca, at("16:30", "2024-02-22"), fromdate=dt.datetime(2024, 1, 2), at_time=[
            (at("13:00", "2024-02-20"), lambda live: alpaca.faults.add(fault)), (at("10:00", "2024-02-21"), lambda live: alpaca.faults.clear())])
    whole(seen)
    assert live_dates(seen) == ["02-21", "02-22"] and "02-21 10:00" <= shown["02-20"] <= "02-21 10:31" and seen.of("AAA")[-1] == "LIVE"


def test_a_symbol_that_did_not_trade_is_waited_for_half_an_hour():
    bars = lacking("2024-02-21", "BBB")
    with LocalAlpaca(bars, now=at("12:00", "2024-02-20")) as alpaca:
        seen, shown = days(alpaca, at("17:30", "2024-02-22"), fromdate=dt.datetime(2024, 1, 2))
    whole(seen, bars)
    assert shown["02-21"] == "02-21 16:50" and shown["02-22"] == "02-22 16:20" and live_dates(seen) == ["02-20", "02-21", "02-22"]


def test_a_session_on_which_nobody_traded_is_passed_over():
    bars = lacking("2024-02-21", "AAA", "BBB")
    with LocalAlpaca(bars, now=at("12:00", "2024-02-20")) as alpaca:
        seen, _ = days(alpaca, at("17:30", "2024-02-22"), fromdate=dt.datetime(2024, 1, 2))
    whole(seen, bars)
    assert live_dates(seen) == ["02-20", "02-22"]


def lacking(date, *symbols):
    """The panel without one session of some symbols."""
    series = [PANEL.series(symbol) for symbol in PANEL.symbols]
    return Bars.of([each.rows(each.session != np.datetime64(date)) if each.symbol in symbols else each for each in series])


@pytest.mark.parametrize("todate", [dt.datetime(2024, 2, 21), dt.datetime(2024, 2, 21, 21)], ids=["before", "at the close"])
def test_todate_ends_the_feed(todate):
    """The bar of the 21st is complete at 21:00 UTC, and published 20 minutes later."""
    with LocalAlpaca(PANEL, now=at("12:00", "2024-02-20")) as alpaca:
        seen, _ = days(alpaca, at("16:30", "2024-02-28"), fromdate=dt.datetime(2024, 2, 1), todate=todate)
        assert date_of(seen.moments[-1]) == ("02-21" if todate.hour else "02-20") and alpaca.now < moment(at("16:30", "2024-02-22"))


def test_days_and_minutes_of_one_store(venue):
    """AAA in days, BBB in minutes: the day is seen at 16:20, and a stream that is down at night stops nothing."""
    alpaca = venue()
    with LocalAlpaca(alpaca.market.bars, now=at("15:50:20", THURSDAY)) as alpaca:
        live = Live(alpaca, at("09:33:30"), at_time=[(at("18:00", THURSDAY), lambda live: live.drop(held_s=120))])
        live.add("BBB", fromdate=dt.datetime(2024, 2, 29)).add("AAA", fromdate=dt.datetime(2024, 2, 1), **DAILY)
        shown = []
        seen = live.run(at_bar=lambda s: shown.append((clock_time(alpaca.now), s.rows[-1][1])))
    assert shown[-5:-2] == [("16:00", ("BBB",)), ("16:20", ("AAA",)), ("09:31", ("BBB",))] and len(seen.bars["AAA"]) == 1
    bars = alpaca.market.bars.series("AAA").rows(slice(0, 40))
    assert seen.bars["AAA"][0][1:] == (bars.open[0], bars.high.max(), bars.low.min(), bars.close[-1], bars.volume.sum())
    assert seen.live[-5:] == ["16:00", "16:00", "09:31", "09:32", "09:33"]
