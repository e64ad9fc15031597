"""Dates below the figures, and curves thinned to what can be seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import axes


@pytest.mark.parametrize(("options", "labels"), [
    (dict(count=252, start="2019-01-02"), ["Mar 2019", "May 2019", "Jul 2019", "Sep 2019", "Nov 2019"]),
    (dict(count=5000, start="2000-01-03"), ["2005", "2010", "2015"]),
    (dict(count=10, start="2019-01-02"), ["7 Jan", "14 Jan"]),
    (dict(count=20, start="2019-01-02", minutes=True), ["15:09\n2 Jan", "16:01\n2 Jan", "17:06\n2 Jan", "18:11\n2 Jan"]),
    (dict(count=1), ["2019-01-02"]),
])
def test_dates_below_the_axis(make_bars, options, labels):
    assert axes.date_ticks(make_bars(**options), 5)[1] == labels


@given(st.integers(1, 3000), st.integers(2, 12), st.booleans())
def test_there_are_never_too_many_dates(make_bars_once, count, most, minutes):
    market = make_bars_once(minutes).upto(count - 1)
    rows, labels = axes.date_ticks(market, most)
    assert 1 <= len(rows) == len(labels) <= max(most, 4)
    assert all(0 <= row < count for row in rows)


@pytest.fixture(scope="module")
def make_bars_once(request):
    make = request.getfixturevalue("make_bars")
    made = {minutes: make(3000, ("A",), minutes=minutes) for minutes in (False, True)}
    return made.__getitem__


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 40))
def test_thinning_keeps_the_ends_and_the_extremes(values, times):
    curve = np.tile(values, times)
    rows = axes.extremes(curve)
    assert rows[0] == 0 and rows[-1] == len(curve) - 1
    assert (np.diff(rows) > 0).all() and len(rows) <= max(2 * axes.STRETCHES * 2, len(values))
    kept = curve[rows]
    assert (kept.min(), kept.max()) == (curve.min(), curve.max())
