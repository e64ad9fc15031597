"""The parts of a shortfall: by hand, and their sum for any fills."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.shadow_parts import Lot, Parts, exact, split, total_of

F = Fraction


def lot(qty, price, arrival=None, spread=0, fee=0):
    return Lot(F(qty), F(price), 0, None if arrival is None else F(arrival), F(spread), F(fee))


def test_a_purchase_by_hand():
    """Decided at 100, simulated at 100.10; sent at 100.30 with a spread of 0.04, filled at 100.37."""
    live, shadow = [lot(10, "100.37", "100.30", "0.02", 1)], [lot(10, "100.10", "100.10", 0, "0.5")]
    assert split(live, shadow, F(101)) == Parts(F("2.0"), F("0.2"), F("0.5"), F(0), F("0.5"))


def test_a_sale_by_hand_costs_when_it_brings_less():
    live, shadow = [lot(-10, "99.8", "99.9")], [lot(-10, 100, 100)]
    assert split(live, shadow, F(50)) == Parts(F(1), F(0), F(1), F(0), F(0))


def test_what_the_simulation_has_in_its_price_is_not_told_twice():
    """A modelled slippage of 0.05 is taken off the live one of 0.08."""
    assert split([lot(100, "10.08", 10)], [lot(100, "10.05", 10)], F(10)).slippage == F(3)


def test_missed_shares_are_valued_at_the_close():
    assert split([], [lot(10, 100, 100)], F(103)) == Parts(missed=F(30))
    assert split([lot(10, 100, 100)], [], F(103)) == Parts(missed=F(-30))
    assert split([lot(4, 100, 100)], [lot(10, 100, 100)], F(103)) == Parts(missed=F(18))
    assert split([lot(-10, 100, 100)], [], F(103)) == Parts(missed=F(30))


def test_an_order_that_waits_for_its_price_has_no_delay():
    assert split([lot(-10, 94, None)], [lot(-10, 95, None)], F(90)) == Parts(slippage=F(10))
    assert split([lot(-10, 94, 97)], [lot(-10, 95, None)], F(90)) == Parts(slippage=F(10))


def test_first_shares_are_matched_first():
    live = [lot(5, 11, 10), lot(5, 14, 12)]
    assert split(live, [lot(8, 10, 10)], F(20)) == Parts(delay=F(6), slippage=F(11), missed=F(-12))


def lots():
    prices = st.decimals("0.01", "500", places=4)
    return st.lists(st.tuples(st.decimals("0.001", "900", places=3), prices, st.none() | prices, st.decimals("0", "1", places=3),
                              st.decimals("-1", "2", places=2)), max_size=4)


@given(lots(), lots(), st.decimals("0.01", "500", places=4), st.booleans())
def test_the_parts_sum_to_the_difference_of_the_gains(live, shadow, close, sale):
    sign = -1 if sale else 1
    ours, theirs = ([lot(sign * qty, *rest) for qty, *rest in each] for each in (live, shadow))
    parts = split(ours, theirs, F(close))
    gains = [sum((each.gain(F(close)) for each in side), F(0)) for side in (theirs, ours)]
    assert parts.total == gains[0] - gains[1]


@given(st.lists(st.tuples(*[st.fractions(-1000, 1000, max_denominator=1000)] * 5)))
def test_totals_are_sums_part_by_part(rows):
    total = total_of(Parts(*row) for row in rows)
    assert total == Parts(*(sum((row[at] for row in rows), F(0)) for at in range(5)))
    assert total.total == sum((Parts(*row).total for row in rows), F(0))


@pytest.mark.parametrize("number, text", [(99.88, "99.88"), (0.1 + 0.2, "0.30000000000000004"), (-3, "-3")])
def test_a_float_is_the_decimal_it_is_written_as(number, text):
    assert exact(number) == F(text)
