"""True range and its average, by hand and against a loop over a symbol's own bars."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indicators import atr, true_range

nan = math.nan


def column(*values):
    return np.array(values, dtype=float).reshape(-1, 1)


def test_a_gap_counts_as_range():
    high, low, close = column(11, 15, 12, 9), column(9, 14, 11, 7), column(10, 14, 11, 8)
    np.testing.assert_array_equal(true_range(high, low, close)[:, 0], [nan, 5, 3, 4])
    np.testing.assert_array_equal(atr(high, low, close, 2)[:, 0], [nan, nan, 4, 4])


def test_a_missing_bar_is_passed_over():
    high, low, close = column(11, nan, 15), column(9, nan, 14), column(10, nan, 14)
    np.testing.assert_array_equal(true_range(high, low, close)[:, 0], [nan, nan, 5])


def test_without_highs_and_lows_the_range_is_the_change_of_the_close():
    missing = column(nan, nan, nan, nan)
    np.testing.assert_array_equal(true_range(missing, missing, column(10, 12, nan, 9))[:, 0], [nan, 2, nan, 3])


@given(data=st.data(), rows=st.integers(1, 30), period=st.integers(1, 6))
def test_equals_a_loop_over_own_bars(data, rows, period):
    close = data.draw(hnp.arrays(float, (rows, 2), elements=st.one_of(st.floats(1, 1e4), st.just(nan))))
    reach = data.draw(hnp.arrays(float, (2, rows, 2), elements=st.one_of(st.floats(0, 0.5), st.just(nan))))
    high, low = close * (1 + reach[0]), close * (1 - reach[1])
    ranges, averages = np.full(close.shape, nan), np.full(close.shape, nan)
    for at in range(2):
        previous, seen, average = None, [], None
        for row in np.flatnonzero(~np.isnan(close[:, at])):
            top = close[row, at] if math.isnan(high[row, at]) else high[row, at]
            bottom = close[row, at] if math.isnan(low[row, at]) else low[row, at]
            if previous is not None:
                seen.append(max(top - bottom, abs(top - previous), abs(bottom - previous)))
                ranges[row, at] = seen[-1]
                if len(seen) == period:
                    average = sum(seen) / period
                elif len(seen) > period:
                    average = (average * (period - 1) + seen[-1]) / period
                averages[row, at] = nan if average is None else average
            previous = close[row, at]
    np.testing.assert_allclose(true_range(high, low, close), ranges, rtol=1e-10)
    np.testing.assert_allclose(atr(high, low, close, period), averages, rtol=1e-10)
