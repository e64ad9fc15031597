"""Which order is which: every order is in one pair, and orders alike are paired."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from checks.parity.matching import NEAR, matched
from checks.parity.story import Asked

ROWS = {bar * 60: bar for bar in range(20)}
ORDERS = st.lists(st.builds(
    Asked, st.sampled_from(sorted(ROWS)), st.sampled_from(["AAA", "BBB"]), st.sampled_from([-5.0, 3.0, 7.0]), st.sampled_from(["Market", "Limit"]),
    st.sampled_from(["", "enter", "stop"]), st.just("Completed")), max_size=12)


def numbered(orders, first):
    return [replace(order, ref=first + at) for at, order in enumerate(orders)]


@given(ORDERS, ORDERS)
def test_every_order_is_in_one_pair_of_the_same_symbol_and_side(ours, theirs):
    ours, theirs = numbered(ours, 100), numbered(theirs, 200)
    pairs = matched(ours, theirs, ROWS)
    assert sorted(pair[0].ref for pair in pairs if pair[0]) == [order.ref for order in ours]
    assert sorted(pair[1].ref for pair in pairs if pair[1]) == [order.ref for order in theirs]
    for one, other in ((one, other) for one, other in pairs if one and other):
        assert (one.symbol, one.size > 0) == (other.symbol, other.size > 0) and abs(ROWS[one.bar_ns] - ROWS[other.bar_ns]) <= NEAR


@given(ORDERS)
def test_the_same_orders_are_paired_with_themselves(orders):
    pairs = matched(numbered(orders, 0), numbered(orders, 0), ROWS)
    assert len(pairs) == len(orders) and all(one and other and one.bar_ns == other.bar_ns and one.kind == other.kind for one, other in pairs)
