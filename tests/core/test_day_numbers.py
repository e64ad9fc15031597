"""Backtrader's clock and back."""

import backtrader as bt
import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from core.day_numbers import dates_of, day_numbers, moments_of


@given(st.lists(st.integers(-10**18, 3 * 10**18), min_size=1, max_size=50))
def test_day_numbers_have_backtraders_bits(moments):
    index = pd.to_datetime(np.array(moments) // 1000 * 1000)
    expected = [bt.date2num(moment) for moment in index.to_pydatetime()]
    assert day_numbers(index.to_numpy().astype("datetime64[ns]").astype(np.int64)).tolist() == expected


@given(st.lists(st.integers(-10**9, 3 * 10**9), min_size=1, max_size=50))
def test_whole_seconds_come_back_exactly(seconds):
    moments = np.array(seconds, dtype=np.int64) * 10**9
    np.testing.assert_array_equal(moments_of(day_numbers(moments)), moments)
    np.testing.assert_array_equal(dates_of(day_numbers(moments)), moments.astype("datetime64[ns]").astype("datetime64[D]"))
