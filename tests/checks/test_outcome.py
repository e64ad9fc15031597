"""Comparing outcomes: the first bar and symbol that differ, and nothing else."""

import math

import numpy as np

from checks.outcome import Decisions, Difference, Orders, Placed

nan = math.nan


def decisions(*rows):
    return Decisions(("A", "B"), np.array(rows, dtype=float))


def test_the_same_decisions_do_not_differ():
    one = decisions([nan, 1.0], [0.0, -2.0])
    assert one.difference(decisions([nan, 1.0 + 1e-12], [0.0, -2.0]), 0, 1) is None
    assert one.difference(decisions([nan, 1.0]), 0, 0) is None


def test_the_first_row_and_symbol_that_differ_are_named():
    one, two = decisions([nan, 1.0], [0.0, -2.0], [5.0, 5.0]), decisions([nan, 1.0], [nan, 2.0], [1.0, 1.0])
    assert one.difference(two, 0, 2) == Difference(1, "A", "0", "no decision")
    assert one.difference(two, 2, 2) == Difference(2, "A", "5", "1")
    assert one.difference(two, 0, 0) is None


def test_a_sign_is_exact_however_small():
    assert decisions([1e-300, 0.0]).difference(decisions([0.0, 0.0]), 0, 0) == Difference(0, "A", "1e-300", "0")
    assert decisions([1e-300, 0.0]).difference(decisions([-1e-300, 0.0]), 0, 0).row == 0


def test_rows_of_decisions_that_begin_later_are_counted_from_the_whole():
    whole, part = decisions([1.0, 1.0], [2.0, 2.0], [3.0, 3.0]), decisions([9.0, 9.0], [3.0, 4.0])
    assert whole.difference(part.beginning(1), 2, 2) == Difference(2, "B", "3", "4")
    assert decisions([nan, nan], [nan, 0.0]).beginning(3).rows == [4]


def orders(*placed, raised=None):
    return Orders([Placed(*each) for each in placed], raised)


def test_orders_are_compared_one_by_one():
    one = orders((2, "A", 10.0, "Market"), (5, "A", -10.0, "Stop", 90.0))
    assert one.difference(orders((2, "A", 10.0, "Market"), (5, "A", -10.0, "Stop", 90.0)), 0, 9) is None
    assert one.difference(orders((2, "A", 10.0, "Market")), 0, 4) is None
    missing = Difference(5, "A", "sell 10 Stop at 90", "no order")
    assert one.difference(orders((2, "A", 10.0, "Market")), 0, 9) == missing
    assert one.difference(orders((1, "B", 3.0, "Market")), 0, 9) == Difference(1, "B", "no order", "buy 3")
    assert one.difference(orders((2, "B", 10.0, "Market")), 0, 9) == Difference(2, "A", "buy 10", "buy 10 of B")
    assert one.difference(orders((2, "A", 10.0, "cancel")), 0, 9) == Difference(2, "A", "buy 10", "cancel: buy 10")


def test_what_follows_an_exception_is_not_compared():
    one, two = orders((2, "A", 10.0, "Market")), orders(raised=(2, "IndexError"))
    assert one.difference(two, 0, 9) is None
    assert one.difference(orders(raised=(3, "IndexError")), 0, 9).row == 2


def test_prices_of_scaled_bars():
    one, two = orders((2, "A", 10.0, "Limit", 50.0)), orders((2, "A", 10.0, "Limit", 400.0))
    assert one.difference(two.priced(8.0), 0, 9) is None
    assert one.difference(two, 0, 9).row == 2
