"""Other bars made from some bars: the past untouched, nothing of the future within reach, valid rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame, ragged

from checks import variants
from core.bars import Bars
from core.series import validate

PANELS = ("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume", "dividend", "split", "open", "close", "factor")


def eventful(seed):
    """Ragged symbols with splits and dividends."""
    random = np.random.default_rng(seed)
    market = {}
    for name, made in ragged(60, 3, seed).items():
        made = made.assign(split=1.0, dividend=0.0)
        at = random.integers(1, max(len(made) - 1, 2), 3)
        made.iloc[at[:2], made.columns.get_loc("dividend")] = 0.3
        made.iloc[at[2], made.columns.get_loc("split")] = 2.0
        made.iloc[at[2] :, :4] /= 2.0
        market[name] = made
    return Bars.from_frames(market)


def futures(panel, row):
    yield variants.mirrored(panel, row)
    yield variants.shaken(panel, row, np.random.default_rng(row))


@given(seed=st.integers(0, 500), row=st.integers(0, 58))
def test_another_future_leaves_the_past_and_is_valid(seed, row):
    panel = eventful(seed)
    row = min(row, len(panel) - 2)
    for other in futures(panel, row):
        for name in PANELS:
            np.testing.assert_array_equal(getattr(other, name)[: row + 1], getattr(panel, name)[: row + 1], name)
        assert not np.array_equal(other.raw_close[row + 1 :], panel.raw_close[row + 1 :], equal_nan=True)
        assert other.traded.any(axis=1).all()
        for symbol in other.symbols:
            if other.traded[:, other.column(symbol)].any():
                validate(other.series(symbol))


@given(seed=st.integers(0, 500), row=st.integers(0, 57))
def test_a_mirrored_future_turns_every_next_move_around(seed, row):
    panel = eventful(seed)
    other = variants.mirrored(panel, row)
    for name in ("close", "raw_volume"):
        before, after, turned = getattr(panel, name)[row], getattr(panel, name)[row + 1], getattr(other, name)[row + 1]
        known = ~np.isnan(before) & ~np.isnan(after) & (np.abs(after / before - 1) > 1e-9)
        assert (np.sign(after - before)[known] == -np.sign(turned - before)[known]).all()
    announced = panel.traded[row + 1] & (panel.dividend[row + 1] == 0)
    np.testing.assert_array_equal(other.dividend[row + 1] > 0, announced)


def test_a_mirrored_future_by_hand():
    panel = bars(A=frame([[100, 100, 100, 100], [101, 110, 99, 110]], volume=8.0))
    other = variants.mirrored(panel, 0)
    kept = 1 - variants.DIVIDEND  # what the dividend, paid on the first bar of the new future, leaves of a price
    assert other.raw_close[1] == pytest.approx(100 / 1.1**3 * kept)
    assert other.raw_low[1] == pytest.approx(100 / 1.1**3 * kept)
    assert other.raw_high[1] == pytest.approx(100 / 0.99**3 * kept)
    assert other.close[1] == pytest.approx(100 / 1.1**3)


def test_a_cut_has_nothing_of_the_future_within_reach():
    panel = bars(A=frame(np.arange(1.0, 31.0)))
    assert len(panel.close) and len(panel.factor)
    part = variants.cut(panel, 9)
    for name in ("index", "session", *PANELS):
        reached = getattr(part, name)
        while reached is not None:
            assert len(reached) == 10
            reached = reached.base
    assert len(part) == 10


def test_scaling_by_a_power_of_two_rounds_nothing():
    panel = eventful(4)
    other = variants.scaled(panel, 1, 8.0)
    np.testing.assert_array_equal(other.factor, panel.factor)
    np.testing.assert_array_equal(other.close[:, 1], panel.close[:, 1] * 8.0)
    np.testing.assert_array_equal(other.close[:, [0, 2]], panel.close[:, [0, 2]])
