"""The shipped strategies against slow, obvious re-statements of their rules."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame, ragged, walk

from core.bars import Bars
from core.errors import BadSpec
from strategies import BuyAndHold, GoldenCross


class P:
    """Parameters as attributes."""

    def __init__(self, **values):
        self.__dict__.update(values)


def golden_cross_by_hand(closes, fast, slow):
    """Decisions of one symbol, day by day, from its own closes."""
    decisions, last = [], 0.0
    for at in range(len(closes)):
        decision = math.nan
        if at + 1 >= slow:
            gap = math.fsum(closes[at + 1 - fast : at + 1]) / fast - math.fsum(closes[at + 1 - slow : at + 1]) / slow
            if last < 0 < gap:
                decision = 1.0
            elif last > 0 > gap:
                decision = 0.0
            last = gap or last
        decisions.append(decision)
    return decisions


@given(seed=st.integers(0, 10_000), fast=st.integers(1, 8), extra=st.integers(1, 12))
def test_golden_cross_decides_as_the_rule_says(seed, fast, extra):
    market = ragged(80, 3, seed)
    panel = Bars.from_frames(market)
    decided = GoldenCross.signals(panel, P(fast=fast, slow=fast + extra))
    for column, symbol in enumerate(panel.symbols):
        own = panel.traded[:, column]
        expected = np.full(len(panel), math.nan)
        expected[own] = golden_cross_by_hand(panel.close[own, column].tolist(), fast, fast + extra)
        np.testing.assert_array_equal(decided[:, column], expected, err_msg=symbol)


@given(seed=st.integers(0, 10_000), row=st.integers(0, 78))
@pytest.mark.parametrize("strategy, p", [(GoldenCross, P(fast=3, slow=8)), (BuyAndHold, P(reinvest=True)),
                                         (BuyAndHold, P(reinvest=False))])
def test_cutting_off_the_future_changes_no_decision(strategy, p, seed, row):
    panel = Bars.from_frames(ragged(80, 3, seed))
    row = min(row, len(panel) - 1)
    np.testing.assert_array_equal(strategy.signals(panel.upto(row), p), strategy.signals(panel, p)[: row + 1])


def test_golden_cross_leaves_reference_symbols_alone():
    panel = Bars.from_frames({"A": walk(60), "I": walk(60)}, reference=("I",))
    decided = GoldenCross.signals(panel, P(fast=3, slow=8))
    assert np.isnan(decided[:, 1]).all() and not np.isnan(decided[:, 0]).all()


@pytest.mark.parametrize("fast, slow", [(50, 50), (60, 50), (0, 5)])
def test_golden_cross_refuses_averages_in_the_wrong_order(fast, slow):
    with pytest.raises(BadSpec, match=f"fast={fast} is not below slow={slow}"):
        GoldenCross.check(P(fast=fast, slow=slow))


def test_golden_cross_shows_its_averages():
    panel = bars(A=walk(60))
    shown = GoldenCross.features(panel, P(fast=3, slow=8))
    assert list(shown) == ["average of 3", "average of 8"] and all(each.shape == panel.shape for each in shown.values())


def test_buy_and_hold_weighs_symbols_as_they_drift():
    made = frame([100.0, 100.0, 98.0, 98.0, 98.0, 98.0, 98.0, 97.0], dividend=[0, 0, 2.0, 0, 0, 0, 0, 1.0])
    panel = bars(A=made, B=frame([10.0, 10.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0]))
    decided = BuyAndHold.signals(panel, P(reinvest=True))
    assert decided[0].tolist() == [0.5, 0.5]
    assert decided[2].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert np.isnan(decided[5]).all() and np.isnan(decided[7, 1])
    assert decided[7, 0] == pytest.approx(1 / 3)
    assert np.isnan(BuyAndHold.signals(panel, P(reinvest=False))[7]).all()


def test_buy_and_hold_keeps_the_share_of_a_symbol_that_lists_later():
    panel = bars(A=frame([10.0] * 8), B=frame([10.0] * 8).iloc[3:])
    decided = BuyAndHold.signals(panel, P(reinvest=True))
    assert decided[0, 0] == 0.5 and decided[3, 1] == 0.5 and np.isnan(decided[2, 1])
