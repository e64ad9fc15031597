"""The panel: alignment, forward adjustment, views, and the rules of its input."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame, ragged, walk

from core.bars import Bars
from core.errors import BadBars, NoBars, UnknownName
from core.series import SymbolBars


def with_actions(seed: int, rows: int = 40) -> pd.DataFrame:
    """A walk with random splits and dividends."""
    random = np.random.default_rng(seed)
    made = walk(rows, seed)
    split = np.where(random.random(rows) < 0.1, random.choice([2.0, 3.0, 0.5, 1.5], rows), 1.0)
    dividend = np.where(random.random(rows) < 0.2, random.random(rows), 0.0)
    split[0], dividend[0] = 1.0, 0.0
    return made.assign(split=split, dividend=dividend)


def test_symbols_are_aligned_on_the_union_of_their_times():
    made = walk(6)
    panel = bars(A=made, B=made.iloc[[1, 4]])
    assert panel.shape == (6, 2) and panel.traded[:, 1].tolist() == [False, True, False, False, True, False]
    assert panel.raw_close[1, 1] == made["close"].iloc[1] and math.isnan(panel.raw_close[2, 1])
    assert panel.last_close[3, 1] == made["close"].iloc[1] and math.isnan(panel.last_close[0, 1])
    assert all(getattr(panel, f"raw_{name}").flags.c_contiguous for name in ("open", "high", "low", "close", "volume"))


@pytest.mark.parametrize("count", [1, 5, 70, 128])
def test_a_panel_is_what_every_series_says_and_nothing_else(count):
    """Symbol by symbol, however many are laid into the panel together, and in whatever order they begin."""
    random = np.random.default_rng(count)
    days = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]")
    series = []
    for number in range(count):
        there = days[random.random(len(days)) < random.choice([0.1, 0.9, 1.0])][int(random.integers(0, 30)) :]
        drawn = random.random((7, len(there)))
        columns = dict(zip(("open", "high", "low", "close", "volume", "dividend", "split"), drawn, strict=True))
        series.append(SymbolBars(f"S{number}", there.astype("datetime64[ns]").astype(np.int64), there, **columns, pay_date=there + 3))
    panel = Bars.of(series)
    times = sorted({int(each) for one in series for each in one.index})
    assert panel.index.tolist() == times and panel.session.tolist() == np.array(times, "datetime64[ns]").astype("datetime64[D]").tolist()
    places = {moment: row for row, moment in enumerate(times)}
    for name, empty in {"raw_open": np.nan, "raw_volume": np.nan, "dividend": 0.0, "split": 1.0, "pay_date": np.datetime64("NaT")}.items():
        expected = np.full((len(times), count), empty, getattr(panel, name).dtype)
        for column, one in enumerate(series):
            for at, moment in enumerate(one.index.tolist()):
                expected[places[moment], column] = getattr(one, name.removeprefix("raw_"))[at]
        np.testing.assert_array_equal(getattr(panel, name), expected)


def test_a_daily_bar_is_complete_at_its_sessions_close_half_days_too():
    panel = bars(A=frame([1.0, 1.0, 1.0], start="2023-11-22").set_axis(
        pd.to_datetime(["2023-11-22", "2023-11-24", "2023-11-27"])))
    assert pd.to_datetime(panel.index).strftime("%d %H:%M").tolist() == ["22 21:00", "24 18:00", "27 21:00"]
    assert panel.minute.tolist() == [390, 210, 390] and panel.minutes_left.tolist() == [0, 0, 0]


def test_forward_adjustment_by_hand():
    """2:1 split, then a dividend of 1 on a previous close of 50: 2 / (1 - 1/50)."""
    panel = bars(A=frame([100.0, 50.0, 49.0], split=[1, 2, 1], dividend=[0, 0, 1.0]))
    assert panel.factor[:, 0].tolist() == [1.0, 2.0, 2.0 / (1 - 1 / 50)]
    assert panel.close[:, 0].tolist() == pytest.approx([100, 100, 100])
    assert panel.high[2, 0] == panel.raw_high[2, 0] * panel.factor[2, 0]


def test_a_split_and_a_dividend_on_one_day_use_new_shares():
    panel = bars(A=frame([100.0, 49.0], split=[1, 2], dividend=[0, 1.0]))
    assert panel.close[:, 0].tolist() == pytest.approx([100, 100])


def test_adjusted_bars_have_the_actions_inside_and_keep_the_money_traded():
    panel = bars(A=with_actions(3))
    inside = panel.adjusted
    np.testing.assert_allclose(inside.raw_close, panel.close)
    np.testing.assert_allclose(inside.raw_close * inside.raw_volume, panel.raw_close * panel.raw_volume)
    assert not inside.has_actions.any() and (inside.factor == 1).all()


@given(seed=st.integers(0, 10_000), cut=st.integers(1, 39))
def test_later_bars_and_events_never_change_forward_adjusted_prices(seed, cut):
    whole, past = bars(A=with_actions(seed)), bars(A=with_actions(seed).iloc[:cut])
    for name in ("factor", "open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(whole, name)[:cut], getattr(past, name))
        np.testing.assert_array_equal(getattr(whole.upto(cut - 1), name), getattr(past, name))


@given(seed=st.integers(0, 10_000))
def test_adjusted_returns_are_total_returns(seed):
    """The growth of the adjusted close is that of one share with splits and dividends put back at the close before."""
    made = with_actions(seed)
    panel = bars(A=made)
    shares, expected = 1.0, []
    before = made["close"].iloc[0]
    for close, split, dividend in made[["close", "split", "dividend"]].itertuples(index=False):
        shares *= split
        shares *= 1 / (1 - dividend / (before / split)) if dividend else 1
        expected.append(shares * close)
        before = close
    np.testing.assert_allclose(panel.close[:, 0], expected)


@given(seed=st.integers(0, 1_000), row=st.integers(0, 59))
def test_upto_is_a_view_of_the_past(seed, row):
    panel = Bars.from_frames(ragged(60, 3, seed))
    row = min(row, len(panel) - 1)
    past = panel.upto(row)
    assert len(past) == row + 1 and np.shares_memory(past.raw_close, panel.raw_close)
    np.testing.assert_array_equal(past.last_close, panel.last_close[: row + 1])


def test_nothing_can_be_changed_and_the_callers_array_stays_writable():
    panel = bars(A=walk(5))
    for name in ("raw_close", "close", "factor", "index", "traded", "minute"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(panel, name)[0] = 0
    index = np.array([1, 2], dtype=np.int64)
    SymbolBars.make("A", index, ["2020-01-02", "2020-01-03"], [1.0, 2.0])
    index[0] = 0


def test_fingerprints_tell_contents_apart():
    made = walk(20)
    same, other = bars(A=made), bars(A=made.assign(volume=made["volume"] + 1))
    assert bars(A=made).fingerprint == same.fingerprint != other.fingerprint != bars(B=made).fingerprint


def test_between_and_select_and_series():
    made = walk(20)
    panel = bars(A=made, B=made.iloc[5:])
    part = panel.between(made.index[3].date(), made.index[7].date())
    assert len(part) == 5 and part.session[0] == np.datetime64(made.index[3].date())
    assert panel.select(["B"]).shape == (15, 1)
    assert panel.series("B").close.tolist() == made["close"].iloc[5:].tolist()
    with pytest.raises(NoBars, match="2031-01-01.*the data covers"):
        panel.between("2031-01-01")
    with pytest.raises(UnknownName, match="unknown symbol 'C'"):
        panel.column("C")
    assert "2 symbols x 20 1d bars" in repr(panel)


@pytest.mark.parametrize("change, rule", [
    (dict(close=-1.0), "close -1 is not positive"), (dict(close=math.nan), "close nan is not a number"),
    (dict(open=0.0), "open 0 is not positive"), (dict(high=math.nan), "high nan is not a number"),
    (dict(high=1.0, low=2.0), "high 1 is below low 2"), (dict(high=9.0, low=9.0), "high 9 is below open or close 10"),
    (dict(low=11.0, high=12.0), "low 11 is above open or close 10"), (dict(volume=-1.0), "volume -1 is negative"),
    (dict(split=0.0), "split 0 is not a positive ratio"), (dict(dividend=-1.0), "dividend -1 is negative"),
    (dict(dividend=10.0), "dividend 10 is not below the previous close 10"),
])
def test_bad_bars_name_symbol_row_and_rule(change, rule):
    made = frame([10.0] * 4, split=1.0, dividend=0.0)
    for name, value in change.items():
        made.loc[made.index[2], name] = value
    with pytest.raises(BadBars, match=rf"bad bars for A at row 2 \({made.index[2].date()}\): {rule}"):
        bars(A=made)


@pytest.mark.parametrize("order, rule", [([0, 2, 1], "before the row above"), ([0, 1, 1], "there twice")])
def test_times_must_rise(order, rule):
    with pytest.raises(BadBars, match=rule):
        bars(A=frame([1.0, 2.0, 3.0]).iloc[order])


def test_no_rows_and_no_symbols_are_refused():
    with pytest.raises(BadBars, match="there are no bars"):
        bars(A=frame([1.0]).iloc[:0])
    with pytest.raises(NoBars, match="no symbols"):
        Bars.of([])


def test_closes_alone_are_flagged():
    panel = bars(A=frame([1.0, 2.0])[["close"]], B=frame([1.0, 2.0]))
    assert panel.close_only.tolist() == [True, False] and np.isnan(panel.raw_open[:, 0]).all()
