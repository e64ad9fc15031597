"""The same number of shares for every position: all of them, or none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame

from core.errors import BadSpec
from core.options import Limits
from sizers import FixedQuantity

FREE = Limits(cash_buffer=0.0)


def shares(prices, conviction, held=None, cash=1_000.0, decided=None, fractional=False, limits=FREE, quantity=5.0):
    """Shares to hold, on an account of `cash` and what is held."""
    count = len(prices)
    held = np.zeros(count) if held is None else np.array(held, dtype=float)
    history = bars(**{f"S{at}": frame([float(price)] * 3) for at, price in enumerate(prices)})
    sizer = FixedQuantity(quantity=quantity, limits=limits, fractional=fractional)
    value = cash + float((held * np.array(prices, dtype=float)).sum())
    decided = np.ones(count, bool) if decided is None else np.array(decided)
    return sizer.target_shares(conviction=np.array(conviction, dtype=float), decided=decided, history=history, held=held,
                               value=value, cash=cash).tolist()


@pytest.mark.parametrize(("prices", "conviction", "terms", "expected"), [
    ([10, 20], [1, 0.2], {}, [5, 5]),
    ([10, 20], [1, -0.2], {}, [5, -5]),
    ([10, 20], [1, 0], dict(held=[0, 9]), [5, 0]),
    ([10, 20], [1, 1], dict(held=[3, 9]), [5, 5]),
    ([10, 20], [1, 1], dict(held=[3, 9], decided=[True, False]), [5, 9]),
    ([10, 20], [1, -1], dict(held=[-5, 5]), [5, -5]),
    ([10, 20], [1, 1], dict(quantity=2.5, fractional=True), [2.5, 2.5]),
    ([100, 90, 10], [1, 2, 0.5], {}, [5, 5, 5]),
    ([100, 90, 10], [1, 2, 0.5], dict(cash=900.0), [0, 5, 5]),
    ([100, 90, 10], [2, 1, 0.5], dict(cash=540.0), [5, 0, 0]),
    ([100, 90, 10], [1, 1, 1], dict(cash=550.0), [5, 0, 5]),
    ([100, 90], [1, 1], dict(cash=100.0, held=[3, 0]), [3, 0]),
    ([100, 90], [1, 0], dict(cash=0.0, held=[0, 6]), [5, 0]),
    ([100, 90], [1, 1], dict(cash=0.0, held=[-5, 14]), [0, 5]),
    ([100, 10], [1, 1], dict(limits=Limits(max_position=400.0)), [0, 5]),
    ([100, 10], [1, 1], dict(held=[6, 0], limits=Limits(max_position=400.0)), [4, 5]),
    ([100, 10, 10], [2, 1, 1], dict(limits=Limits(max_positions=2, max_position=400.0)), [0, 5, 5]),
    ([100, 10], [1, 1], dict(limits=Limits(min_position=60.0)), [5, 0]),
], ids=str)
def test_every_position_has_the_quantity_or_is_left(prices, conviction, terms, expected):
    assert shares(prices, conviction, **terms) == expected


@given(data=st.data(), count=st.integers(1, 6))
def test_buys_are_served_in_order_of_conviction_as_far_as_they_can_be_paid_in_full(data, count):
    def drawn(values):
        return data.draw(st.lists(values, min_size=count, max_size=count))

    prices, held = drawn(st.integers(1, 99).map(lambda price: price + 0.37)), drawn(st.integers(0, 9).map(float))
    conviction, cash = drawn(st.sampled_from([0.0, 0.5, 1.0])), data.draw(st.integers(0, 999)) + 0.11
    left = cash + sum(max(have - (5 if want else 0), 0) * price for want, have, price in zip(conviction, held, prices, strict=True))
    gross = sum(min(have, 5 if want else 0) * price for want, have, price in zip(conviction, held, prices, strict=True))
    value = cash + sum(have * price for have, price in zip(held, prices, strict=True))
    budget, expected = min(left, value - gross), [min(have, 5.0) if want else 0.0 for want, have in zip(conviction, held, strict=True)]
    for at in sorted(range(count), key=lambda at: -conviction[at]):
        cost = (5 - expected[at]) * prices[at]
        if conviction[at] and cost <= budget + 1e-9:
            expected[at], budget = 5.0, budget - cost
    assert shares(prices, conviction, held, cash) == expected


@pytest.mark.parametrize(("params", "words"), [
    (dict(quantity=0), "sizer.quantity is 0"), (dict(quantity=-2), "sizer.quantity is -2"),
    (dict(quantity=float("nan")), "sizer.quantity is nan"), (dict(quantity=2.5), "sizer.quantity is 2.5"),
    (dict(quantity=2, rounding="lp"), "sizer.rounding is lp"),
])
def test_a_quantity_that_is_none_is_named(params, words):
    with pytest.raises(BadSpec, match=words):
        FixedQuantity(**params)


def test_why_nothing_could_be_bought_is_said():
    history = bars(A=frame([100.0] * 3))
    sizer = FixedQuantity(quantity=5.0)
    assert sizer.target_shares(conviction=np.ones(1), decided=np.ones(1, bool), history=history, held=np.zeros(1), value=400.0,
                               cash=400.0).tolist() == [0]
    assert "the largest wish is 500.00" in sizer.notes[0].text
