"""Weeks made of days: by hand, restated slowly, and grown in a store day by day."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, walk
from vendor import daily_bars, same_bars

from brokers.local_alpaca import LocalAlpaca
from core.calendars import get_calendar
from core.errors import BadSpec
from feeds import ParquetStore, load_bars
from feeds.alpaca_weeks import monday_of, weekly

XNYS = get_calendar("XNYS")


def dated(made, *sessions):
    return made.set_index(pd.DatetimeIndex(sessions))


def days():
    """Good Friday is 2024-03-29; 4-for-1 on a Wednesday; cash before, on and after it, and a week of one day."""
    made = dated(frame([(100, 104, 96, 102), (102, 110, 101, 108), (27, 28, 26, 27.5), (27, 29, 27, 28), (28, 30, 28, 29)],
                       volume=10.0, split=[1, 1, 4, 1, 1], dividend=[0, 0.4, 0.05, 0, 0.2]),
                 "2024-03-25", "2024-03-26", "2024-03-27", "2024-03-28", "2024-04-03")
    return made.assign(pay_date=np.array(["NaT", "2024-05-01", "2024-04-20", "NaT", "2024-06-03"], dtype="datetime64[D]"))


def test_a_week_with_a_split_is_told_in_shares_after_it():
    got = weekly(bars(AAA=days()).series("AAA"), XNYS)
    assert got.session.astype(str).tolist() == ["2024-03-28", "2024-04-05"]
    assert got.index.tolist() == XNYS.close_of(got.session).tolist()
    assert (got.open.tolist(), got.high.tolist(), got.low.tolist()) == ([25, 28], [29, 30], [24, 28])
    assert (got.close.tolist(), got.volume.tolist(), got.split.tolist()) == ([28, 29], [100, 10], [4, 1])
    assert got.dividend.tolist() == pytest.approx([0.1 + 0.05, 0.2])
    assert got.pay_date.astype(str).tolist() == ["2024-05-01", "2024-06-03"]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_each_week_is_its_days(data):
    every = XNYS.between("2023-12-18", "2024-01-26")
    chosen = np.array(data.draw(st.lists(st.sampled_from([True, True, True, False]), min_size=len(every), max_size=len(every)).filter(any)))
    sessions = every[chosen]
    split, cash = np.ones(len(sessions)), np.zeros(len(sessions))
    for row in data.draw(st.lists(st.integers(0, len(sessions) - 1), max_size=4)):
        split[row], cash[row] = data.draw(st.sampled_from([0.5, 2.0, 4.0])), 0.25
    daily = daily_bars("AAA", sessions, split=split, dividend=cash)
    got, groups = weekly(daily, XNYS), {}
    for row, session in enumerate(sessions):
        groups.setdefault(session.item().isocalendar()[:2], []).append(row)
    assert len(got) == len(groups)
    for at, rows in enumerate(groups.values()):
        shares = [np.prod(split[row + 1:rows[-1] + 1]) for row in rows]
        assert got.session[at].item().isocalendar()[:2] == sessions[rows[0]].item().isocalendar()[:2]
        assert got.session[at] == max(day for day in every if monday_of(str(day)) == monday_of(str(sessions[rows[0]])))
        assert got.open[at] == daily.open[rows[0]] / shares[0] and got.close[at] == daily.close[rows[-1]]
        assert got.high[at] == max(daily.high[row] / part for row, part in zip(rows, shares, strict=True))
        assert got.low[at] == min(daily.low[row] / part for row, part in zip(rows, shares, strict=True))
        assert got.volume[at] == sum(daily.volume[row] * part for row, part in zip(rows, shares, strict=True))
        assert got.dividend[at] == sum(cash[row] / part for row, part in zip(rows, shares, strict=True))
        assert got.split[at] == np.prod(split[rows])


def test_weeks_grow_whole_in_a_store_that_is_filled_day_by_day(connect, tmp_path):
    sessions = XNYS.between("2024-03-04", "2024-04-12")
    market = bars(AAA=dated(walk(len(sessions)), *sessions), BBB=days())
    store = ParquetStore(tmp_path)
    with LocalAlpaca(market, now="2024-03-26T17:00-04:00") as alpaca:
        for _ in range(20):
            source = connect(alpaca)
            got = load_bars(source=source, symbols=["AAA", "BBB"], start="2024-03-06", interval="1w", store=store,
                            clock=source._clock)
            assert source.fetch(["AAA"], "2024-03-06", None, "1w")[0].index[-1] <= alpaca.now
            alpaca.advance(seconds=86_400)
    for symbol in ("AAA", "BBB"):
        assert same_bars(got.series(symbol), weekly(market.series(symbol), XNYS))
    assert got.series("AAA").session.astype(str).tolist() == [
        "2024-03-08", "2024-03-15", "2024-03-22", "2024-03-28", "2024-04-05", "2024-04-12"]


def test_mondays():
    assert [monday_of(date) for date in ("2024-03-25", "2024-03-31", "1970-01-01")] == ["2024-03-25", "2024-03-25", "1969-12-29"]


@pytest.mark.parametrize("interval", ["2w", "1M", "3d"])
def test_other_long_bars_are_refused(connect, interval):
    with LocalAlpaca(bars(AAA=days())) as alpaca, pytest.raises(BadSpec, match=f"'alpaca' has no {interval} bars: use"):
        connect(alpaca).fetch(["AAA"], None, None, interval)
