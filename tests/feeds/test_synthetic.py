"""Synthetic bars: valid, repeatable, independent of what else is asked for, and shaped like a market."""


import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vendor import same_bars

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec, UnknownName
from core.series import validate
from feeds.synthetic import FIRST, INDEX, LAST, SECTORS, SyntheticSource

ALL = SyntheticSource.parse("seed=5,symbols=120")


@pytest.fixture(scope="module")
def panel():
    return Bars.of(ALL.fetch(ALL.symbols(), None, None))


def test_every_series_is_valid():
    for bars in ALL.fetch((*ALL.symbols(), INDEX), None, None):
        validate(bars)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 50), numbers=st.sets(st.integers(1, 20), min_size=1, max_size=4),
       first=st.integers(0, 4_000), length=st.integers(30, 600))
def test_company_and_range_change_no_number(seed, numbers, first, length):
    source = SyntheticSource(seed, 20)
    sessions = get_calendar("XNYS").between(FIRST, LAST)
    start, end = sessions[first], sessions[min(first + length, len(sessions) - 1)]
    names = [f"SYN{number:03d}" for number in sorted(numbers)]
    together = {bars.symbol: bars for bars in source.fetch(names, str(start), str(end))}
    for name in names:
        whole = source.fetch([name], None, None)[0]
        part = whole.rows((whole.session >= start) & (whole.session <= end))
        assert (name in together) == (len(part) > 0)
        assert not len(part) or same_bars(together[name], part)


def test_seeds_and_symbols_differ():
    one, other = (SyntheticSource(seed, 2).fetch(["SYN001"], None, None)[0] for seed in (1, 2))
    assert not np.array_equal(one.close[:50], other.close[:50])
    again = SyntheticSource(1, 300).fetch(["SYN001"], None, None)[0]
    assert np.array_equal(one.close, again.close)


def test_fat_tails_and_correlation_within_and_across_sectors(panel):
    moves = np.diff(np.log(panel.close), axis=0)
    correlation = np.ma.corrcoef(np.ma.masked_invalid(moves), rowvar=False).filled(np.nan)
    sector = np.array([SECTORS.index(ALL.sector(symbol)) for symbol in panel.symbols])
    together = sector[:, None] == sector[None, :]
    others = ~np.eye(len(sector), dtype=bool)
    within, across = np.nanmean(correlation[together & others]), np.nanmean(correlation[~together])
    assert across > 0.1 and within > across + 0.05
    known = moves[~np.isnan(moves)]
    assert ((known - known.mean()) ** 4).mean() / known.var() ** 2 > 4  # 3 for a normal distribution


def test_ragged_listings_missing_bars_dividends_and_splits(panel):
    traded = panel.traded
    assert 0.15 < (~traded[0]).mean() < 0.45
    assert 0.0 < (~traded[-1]).mean() < 0.2
    inside = [series.session for series in map(panel.series, panel.symbols)]
    gaps = [len(get_calendar("XNYS").between(days[0], days[-1])) - len(days) for days in inside]
    assert sum(gaps) > 0
    assert ((panel.dividend > 0).any(axis=0)).mean() > 0.4
    assert (panel.split > 1).any() and (panel.split < 1).any()
    ex = panel.dividend > 0
    assert (panel.pay_date[ex] > np.broadcast_to(panel.session[:, None], ex.shape)[ex]).mean() > 0.95


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h"])
def test_intraday_bars_add_up_to_the_daily_bars(interval):
    daily = ALL.fetch(["SYN003"], "2018-06-25", "2018-12-31")[0]
    bars = ALL.fetch(["SYN003"], "2018-06-25", "2018-12-31", interval)[0]
    validate(bars)
    first = np.flatnonzero(np.r_[True, bars.session[1:] != bars.session[:-1]])
    last = np.r_[first[1:], len(bars)] - 1
    assert np.array_equal(bars.session[first], daily.session)
    assert np.array_equal(bars.open[first], daily.open)
    assert np.array_equal(bars.close[last], daily.close)
    assert np.array_equal(np.maximum.reduceat(bars.high, first), daily.high)
    assert np.array_equal(np.minimum.reduceat(bars.low, first), daily.low)
    assert np.array_equal(np.add.reduceat(bars.volume, first), daily.volume)
    assert np.array_equal(bars.dividend[first], daily.dividend) and bars.dividend.sum() == daily.dividend.sum()
    assert np.array_equal(bars.split[first], daily.split)


def test_minutes_stay_inside_the_session_and_half_days_are_short():
    bars = Bars.of(ALL.fetch(["SYN003"], "2018-11-20", "2018-11-26", "1m"), interval="1m")
    assert bars.minute.min() == 1 and bars.minutes_left.min() == 0
    per_day = {str(day): int(bars.minute[bars.session == day].max()) for day in np.unique(bars.session)}
    assert per_day["2018-11-21"] == 390 and per_day["2018-11-23"] == 210 and "2018-11-22" not in per_day
    volume = bars.raw_volume[bars.session == np.datetime64("2018-11-21"), 0]
    assert volume[:60].mean() > 1.3 * volume[150:240].mean() < volume[-60:].mean()


def test_minutes_of_a_day_do_not_depend_on_the_range():
    long = ALL.fetch(["SYN001"], "2019-01-01", "2019-02-28", "1m")[0]
    short = ALL.fetch(["SYN001"], "2019-02-04", "2019-02-05", "1m")[0]
    low, high = np.datetime64("2019-02-04"), np.datetime64("2019-02-05")
    assert same_bars(short, long.rows((long.session >= low) & (long.session <= high)))


def test_a_calendar_without_nights():
    bars = SyntheticSource(0, 1, "24/7").fetch(["SYN001"], "2021-05-01", "2021-05-03", "1h")[0]
    assert len(bars) == 72


def test_options_and_errors():
    assert SyntheticSource.parse("seed=7, symbols=3").symbols() == ("SYN001", "SYN002", "SYN003")
    assert "synthetic" in SyntheticSource.parse("seed=7").note and "seed 7" in SyntheticSource.parse("seed=7").note
    with pytest.raises(UnknownName, match="did you mean 'seed'"):
        SyntheticSource.parse("sed=7")
    for text in ("seed=x", "symbols=0", "symbols=10000", "seed=-1"):
        with pytest.raises(BadSpec, match=text.split("=")[0]):
            SyntheticSource.parse(text)
    with pytest.raises(UnknownName, match="SYN999"):
        ALL.fetch(["SYN999"], None, None)
    with pytest.raises(BadSpec, match="longer than a session"):
        ALL.fetch(["SYN001"], None, None, "12h")
    with pytest.raises(BadSpec, match="no 1w bars"):
        ALL.fetch(["SYN001"], None, None, "1w")


def test_progress_counts_every_symbol():
    seen = []
    ALL.fetch(["SYN001", "SYN002"], None, None, progress=lambda *step: seen.append(step))
    assert seen == [(1, 2, "SYN001"), (2, 2, "SYN002")]


@pytest.mark.slow
def test_500_symbols_over_ten_years():
    source = SyntheticSource(991, 500)
    fetched = source.fetch(source.symbols(), "2010-01-04", "2019-12-31")
    assert len({each.symbol for each in fetched}) == 500
    assert max(len(each.index) for each in fetched) == get_calendar("XNYS").between("2010-01-04", "2019-12-31").size
