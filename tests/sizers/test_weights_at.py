"""Many decisions sized at once are sized as one after the other, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import ragged

import sizers
from core.bars import Bars
from core.options import Limits
from core.sleeves import Sleeves

SIZERS = ("EqualWeight", "TargetWeight", "FixedFraction", "ByConfidence", "InverseVolatility", "AtrRisk")


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 6), name=st.sampled_from(SIZERS),
       sleeves=st.sampled_from([None, {"a": "0.6: S0,S1", "b": "0.3"}, {"a": "0.9: S0"}]),
       limits=st.sampled_from([Limits(), Limits(max_correlation=0.2, correlation_bars=10.0), Limits(max_gross=0.4)]),
       together=st.sampled_from([1, 7, 2**18]))
def test_at_once_is_one_by_one(seed, symbols, name, sleeves, limits, together):
    bars = Bars.from_frames(ragged(50, symbols, seed))
    random = np.random.default_rng(seed)
    rows = np.flatnonzero(random.random(50) < 0.4)
    conviction = np.round(random.normal(0, 1, (len(rows), symbols)), 1)
    read = Sleeves.read(sleeves, flexible=True) if sleeves else None
    sizer = getattr(sizers, name)(limits=limits, sleeves=read)
    expected = [sizer.wished(each, bars.upto(int(row))) for each, row in zip(conviction, rows, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sizers.base.AT_ONCE", together)
        np.testing.assert_array_equal(sizer.wished_at(conviction, bars, rows), np.array(expected).reshape(conviction.shape))


def test_a_class_that_restates_weights_is_asked_one_by_one():
    class Half(sizers.EqualWeight):
        def weights(self, conviction, history):
            return np.full(len(conviction), 0.5)

    bars = Bars.from_frames(ragged(20, 2, 3))
    made = Half().wished_at(np.ones((2, 2)), bars, np.array([18, 19]))
    np.testing.assert_array_equal(made[~np.isnan(bars.last_close[[18, 19]])], 0.5)


@pytest.mark.parametrize("name", SIZERS)
def test_no_decision_needs_no_rows(name):
    bars = Bars.from_frames(ragged(20, 2, 3))
    assert getattr(sizers, name)().wished_at(np.empty((0, 2)), bars, np.empty(0, np.int64)).shape == (0, 2)
