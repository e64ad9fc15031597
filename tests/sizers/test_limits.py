"""What the second stage of a sizer may and may not do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.options import Limits
from sizers.limits import limit_weights, shares_of

EVERYTHING = Limits(cash_buffer=0.0)


def limited(weights, current=None, conviction=None, decided=None, value=1_000.0, cash=None, limits=EVERYTHING):
    """`limit_weights` with lists; cash defaults to what is not invested."""
    weights = np.array(weights, dtype=float)
    current = np.zeros(len(weights)) if current is None else np.array(current, dtype=float)
    conviction = weights if conviction is None else np.array(conviction, dtype=float)
    decided = np.ones(len(weights), bool) if decided is None else np.array(decided)
    cash = value * (1 - current.sum()) if cash is None else cash
    return limit_weights(weights, current, conviction, decided, value, cash, limits).tolist()


@pytest.mark.parametrize("case, wished, expected", [
    ("what fits stays", dict(weights=[0.5, 0.5]), [0.5, 0.5]),
    ("strongest conviction first", dict(weights=[0.7, 0.7], conviction=[1, 2]), [0.3, 0.7]),
    ("ties by symbol order", dict(weights=[0.7, 0.7], conviction=[1, 1]), [0.7, 0.3]),
    ("the undecided consume budget", dict(weights=[0, 1], current=[0.6, 0], decided=[False, True]), [0.6, 0.4]),
    ("a sale pays for a buy", dict(weights=[0, 1], current=[1, 0]), [0, 1]),
    ("buffer of the cash at hand", dict(weights=[1], limits=Limits(cash_buffer=0.1)), [0.9]),
    ("the buffer spares what is invested", dict(weights=[1], current=[0.5], limits=Limits(cash_buffer=0.1)), [0.95]),
    ("cash always kept", dict(weights=[1], limits=EVERYTHING._replace(min_cash=100)), [0.9]),
    ("largest weight", dict(weights=[1, -1], limits=EVERYTHING._replace(max_weight=0.3)), [0.3, -0.3]),
    ("largest position", dict(weights=[1], limits=EVERYTHING._replace(max_position=300)), [0.3]),
    ("too small becomes nothing", dict(weights=[0.04, 0.5], limits=EVERYTHING._replace(min_position=50)), [0, 0.5]),
    ("a rest too small is not bought", dict(weights=[0.98, 0.5], conviction=[2, 1],
                                            limits=EVERYTHING._replace(min_position=50)), [0.98, 0]),
    ("number of positions", dict(weights=[0.2, 0.2, 0.2], conviction=[1, 3, 2],
                                 limits=EVERYTHING._replace(max_positions=2)), [0, 0.2, 0.2]),
    ("held ones count", dict(weights=[0, 0.2, 0.2], current=[0.2, 0, 0], decided=[False, True, True],
                             limits=EVERYTHING._replace(max_positions=2)), [0.2, 0.2, 0]),
    ("a short takes budget", dict(weights=[-0.7, 0.7], conviction=[-2, 1]), [-0.7, 0.3]),
    ("a reversal sells first", dict(weights=[-0.5], current=[0.5]), [-0.5]),
    ("gross exposure", dict(weights=[1, 1], limits=EVERYTHING._replace(max_gross=0.5)), [0.5, 0]),
    ("a wish that is no number is nothing", dict(weights=[math.nan, 0.5], conviction=[1, 1]), [0, 0.5]),
    ("an account without value buys nothing", dict(weights=[1.0], value=0.0, cash=0.0), [0]),
])
def test_one_rule_at_a_time(case, wished, expected):
    assert limited(**wished) == pytest.approx(expected), case


weights = st.floats(-2, 2) | st.sampled_from([0.0, 0.25, 1.0, math.nan])


@settings(max_examples=1_000)
@given(data=st.data(), count=st.integers(1, 6), value=st.floats(100, 1e6))
def test_limits_hold_for_any_input(data, count, value):
    def draw(elements):
        return np.array(data.draw(st.lists(elements, min_size=count, max_size=count)), dtype=float)

    wished, conviction = draw(weights), draw(st.floats(-3, 3))
    current = np.abs(draw(st.floats(0, 1)))
    current /= max(current.sum(), 1.0)
    decided = draw(st.booleans()).astype(bool)
    limits = Limits(cash_buffer=data.draw(st.floats(0, 0.5)), min_cash=data.draw(st.floats(0, value / 2)),
                    max_weight=data.draw(st.floats(0.1, 1)), max_position=data.draw(st.floats(value / 10, value)),
                    min_position=data.draw(st.floats(0, value / 20)), max_positions=data.draw(st.integers(1, 4)))
    cash = value * (1 - current.sum())
    after = limit_weights(wished, current, conviction, decided, value, cash, limits)
    slack = 1e-9
    assert (after[~decided] == current[~decided]).all()
    held, kept = np.abs(after[decided]), np.abs(current[decided])
    most = max(1.0, np.abs(current).sum()) + slack
    assert np.abs(after).sum() <= most
    assert (held <= min(limits.max_weight, limits.max_position / value) + slack).all()
    assert ((held == 0) | (held * value >= limits.min_position - 1e-6) | (held <= kept)).all()
    assert (after != 0).sum() <= max(limits.max_positions, (current[~decided] != 0).sum())
    spent = (np.maximum(after - current, 0).sum() - np.maximum(current - after, 0).sum()) * value
    assert spent <= max(cash - limits.min_cash, 0) + 1e-6 * value or spent <= 0


def test_shares_are_rounded_towards_zero_and_only_where_decided():
    held = np.array([3.0, 7.0, 0.0, 0.0])
    weights_, decided = np.array([0.25, 0.5, -0.25, 0.5]), np.array([True, False, True, True])
    prices = np.array([30.0, 10.0, 30.0, math.nan])
    assert shares_of(weights_, held, decided, 1_000.0, prices, False).tolist() == [8, 7, -8, 0]
    fractional = shares_of(weights_, held, decided, 1_000.0, prices, True)
    assert fractional.tolist() == [8.333333, 7, -8.333333, 0]
