"""Sleeves: every part of an account is sized as an account of its own."""

import numpy as np
import pytest
from made_bars import bars, frame

import sizers
from core.options import Limits
from core.sleeves import Sleeves

FREE = Limits(cash_buffer=0.0)
HALVES = Sleeves.read({"funds": "0.5: SPY,QQQ", "stocks": "0.5"})


def panel():
    return bars(SPY=frame([10.0] * 3), QQQ=frame([10.0] * 3), A=frame([10.0] * 3), B=frame([10.0] * 3), C=frame([10.0] * 3))


def shares(sizer, conviction, held=None, cash=1_000.0):
    held = np.zeros(5) if held is None else np.array(held, dtype=float)
    return sizer.target_shares(conviction=np.array(conviction, dtype=float), decided=np.ones(5, bool), history=panel(),
                               held=held, value=1_000.0, cash=cash).tolist()


def test_each_sleeve_counts_its_own_universe():
    everything = [1.0] * 5
    assert shares(sizers.EqualWeight(limits=FREE), everything) == [20] * 5
    assert shares(sizers.EqualWeight(limits=FREE, sleeves=HALVES), everything) == [25, 25, 16, 16, 16]


def test_a_sleeve_that_is_out_leaves_its_part_in_cash():
    assert shares(sizers.EqualWeight(limits=FREE, sleeves=HALVES, across="chosen"), [0, 0, 1, 0, 1]) == [0, 0, 25, 0, 25]


def test_a_sleeve_does_not_spend_the_part_of_another():
    greedy = sizers.FixedFraction(fraction=0.6, limits=FREE, sleeves=HALVES)
    assert shares(greedy, [1, 1, 3, 2, 4]) == [30, 20, 20, 0, 30]


def test_symbols_in_no_sleeve_get_nothing():
    sleeves = Sleeves.read({"funds": "0.5: SPY,QQQ"})
    assert shares(sizers.EqualWeight(limits=FREE, sleeves=sleeves), [1.0] * 5) == [25, 25, 0, 0, 0]


def test_the_strategys_own_sleeves_are_the_default():
    class Strategy:
        sleeves = HALVES

    sizer = sizers.EqualWeight(limits=FREE)
    sizer.strategy = Strategy()
    assert shares(sizer, [1.0] * 5) == [25, 25, 16, 16, 16]
    none = sizers.EqualWeight(limits=FREE, sleeves=Sleeves())
    none.strategy = Strategy()
    assert shares(none, [1.0] * 5) == [20] * 5


def test_a_cost_aware_sizer_sees_the_weights_of_its_sleeve():
    seen = []

    class Watching(sizers.EqualWeight):
        def weights_from(self, conviction, history, current):
            seen.append((current.round(6).tolist(), history.tradable.tolist()))
            return self.weights(conviction, history)

    shares(Watching(limits=FREE, sleeves=HALVES), [1.0] * 5, held=[10, 0, 20, 0, 0], cash=700.0)
    assert seen == [([0.2, 0, 0, 0, 0], [True, True, False, False, False]),
                    ([0, 0, 0.4, 0, 0], [False, False, True, True, True])]


def test_a_view_of_some_symbols_keeps_what_is_computed():
    whole = panel()
    view = whole.upto(2).only(np.array([True, False, True, False, False]))
    assert view.tradable.tolist() == [True, False, True, False, False]
    assert view.close.base is not None and np.shares_memory(view.close, whole.close)
    assert view.fingerprint != whole.fingerprint and whole.tradable.all()
    with pytest.raises(ValueError, match="read-only"):
        view.tradable[0] = False
