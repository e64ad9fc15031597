"""Moving averages of closes as stores keep them: against a naive restatement, and brought up to date bit by bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_contract import XNYS
from vendor import daily_bars

from core.bars import Bars
from feeds.averages import NAMES, PERIODS, averages_of, update
from feeds.parquet_store import ParquetStore
from indicators import AVERAGES, on

DAYS = XNYS.between("2019-01-02", "2020-06-30")
RATIOS = st.sampled_from([2.0, 3.0, 1.5, 0.1, 7.0, 20.0, 1 / 30])


def split_bars(rows, splits, seed=0):
    """Daily bars whose unit changes on some rows: row -> new shares for an old one."""
    ratio = np.ones(rows)
    for row, each in splits.items():
        ratio[row] = each
    plain = daily_bars("AAPL", DAYS[:rows], seed)
    prices = {name: getattr(plain, name) / np.cumprod(ratio) for name in ("open", "high", "low", "close")}
    return replace(plain, split=ratio, **prices)


def restated(bars):
    """Bar by bar: every close of the window, divided by each split that came after it."""
    values = np.full((len(bars), len(PERIODS)), np.nan)
    for row in range(len(bars)):
        for at, period in enumerate(PERIODS):
            if row + 1 >= period:
                window = []
                for one in range(row - period + 1, row + 1):
                    close = bars.close[one]
                    for later in range(one + 1, row + 1):
                        if bars.split[later] != 1:
                            close /= bars.split[later]
                    window.append(close)
                values[row, at] = sum(window) / period
    return values


def test_the_periods_are_those_of_the_indicators():
    assert PERIODS == AVERAGES and NAMES == ("sma_7", "sma_21", "sma_50", "sma_100", "sma_200")


@given(rows=st.integers(1, 60), splits=st.dictionaries(st.integers(0, 59), RATIOS, max_size=4), seed=st.integers(0, 9))
def test_every_average_is_that_of_the_closes_in_the_shares_of_its_day(rows, splits, seed):
    bars = split_bars(rows, {row: ratio for row, ratio in splits.items() if row < rows}, seed)
    np.testing.assert_allclose(averages_of(bars).values, restated(bars), rtol=1e-12)


def test_the_longest_average_across_a_split():
    bars = split_bars(230, {210: 4.0, 220: 0.5})
    np.testing.assert_allclose(averages_of(bars).values, restated(bars), rtol=1e-12)


def test_a_split_by_hand():
    bars = replace(daily_bars("AAPL", DAYS[:8]), close=np.array([100.0] * 6 + [50.0] * 2), split=np.array([1.0] * 6 + [2.0, 1.0]))
    assert averages_of(bars).values[6:, 0].tolist() == [50.0, 50.0]


def test_a_dividend_is_not_taken_out():
    bars = daily_bars("AAPL", DAYS[:30])
    paid = replace(bars, dividend=np.where(np.arange(30) == 15, 0.5, 0.0))
    assert np.array_equal(averages_of(paid).values, averages_of(bars).values, equal_nan=True)


def test_without_actions_they_are_those_of_the_indicators_to_the_last_bit():
    bars = daily_bars("AAPL", DAYS[:250])
    wanted = on(Bars.of([bars])).averages()
    for at, period in enumerate(PERIODS):
        assert np.array_equal(averages_of(bars).values[:, at], wanted[period][:, 0], equal_nan=True)


def test_what_comes_later_changes_nothing():
    bars = split_bars(120, {60: 2.0, 100: 3.0})
    assert np.array_equal(averages_of(bars).values[:80], averages_of(bars.rows(slice(0, 80))).values, equal_nan=True)


@given(parts=st.lists(st.tuples(st.integers(0, 249), st.integers(0, 249)), min_size=1, max_size=5),
       splits=st.dictionaries(st.integers(0, 249), RATIOS, max_size=3))
def test_brought_up_to_date_part_by_part_they_are_those_computed_at_once(tmp_path_factory, parts, splits):
    bars, store = split_bars(250, splits), ParquetStore(tmp_path_factory.mktemp("bars"))
    for one, other in parts:
        part = bars.rows(slice(min(one, other), max(one, other) + 1))
        store.write("AAPL", part, part.session, source="yahoo")
        update(store, "AAPL", "1d", "yahoo")
    held, found = store.read(["AAPL"], source="yahoo")[0], store.averages(["AAPL"], source="yahoo")[0]
    assert np.array_equal(found.index, held.index) and np.array_equal(found.session, held.session)
    np.testing.assert_allclose(found.values, averages_of(held).values, rtol=1e-12)


@pytest.mark.parametrize("row", [0, 30, 249])
def test_a_bar_that_changes_is_felt_by_199_bars_behind_it(tmp_path, row):
    bars, store = daily_bars("AAPL", DAYS[:250]), ParquetStore(tmp_path)
    store.write("AAPL", bars, DAYS[:250], source="yahoo")
    assert update(store, "AAPL", "1d", "yahoo") == 250
    one = bars.rows(slice(row, row + 1))
    store.write("AAPL", replace(one, close=one.low), DAYS[:0], source="yahoo")
    felt = [at for at in range(row, min(row + 200, 250)) if any(at + 1 >= period > at - row for period in PERIODS)]
    assert update(store, "AAPL", "1d", "yahoo") == len(felt)


def test_a_damaged_file_of_averages_is_computed_again_and_the_bars_stay(tmp_path, caplog):
    bars, store = daily_bars("AAPL", DAYS[:30]), ParquetStore(tmp_path)
    store.write("AAPL", bars, DAYS[:30], source="yahoo")
    update(store, "AAPL", "1d", "yahoo")
    path = tmp_path / "averages" / "yahoo" / "1d" / "AAPL.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    assert ParquetStore(tmp_path).averages(["AAPL"], source="yahoo") == []
    assert "cerebrolab data averages computes them again" in caplog.text
    assert update(ParquetStore(tmp_path), "AAPL", "1d", "yahoo") == 30
