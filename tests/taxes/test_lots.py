"""Lots, which of them a sale takes, holding periods, splits."""

import datetime as dt
from decimal import Decimal

import pytest

from core.errors import UnknownName, UsageError
from taxes import LotBook, Trade
from taxes.holding import is_long_term, trade_date


@pytest.mark.parametrize("method, cost, left", [
    ("fifo", 100 + 240, {"2024-01-03": 240, "2024-01-04": 150}), ("lifo", 150 + 240, {"2024-01-02": 100, "2024-01-03": 240}),
    ("highest_cost", 480, {"2024-01-02": 100, "2024-01-04": 150})])
def test_each_method_takes_its_lots(story, method, cost, left):
    told = story(method=method).trade("2024-01-02", 10, 100).trade("2024-01-03", 20, 480).trade("2024-01-04", 10, 150)
    told.trade("2024-06-03", -20, 1000)
    assert sum(each.cost for each in told.disposals) == cost and told.bases == left


def test_the_short_sale_that_received_least_has_the_highest_cost(story):
    told = story(method="highest_cost").trade("2024-01-02", -10, 100).trade("2024-01-03", -10, 90).trade("2024-03-04", 10, 95)
    assert told.gains == [-5] and told.bases == {"2024-01-02": 100}


def test_commission_is_in_the_cost_and_out_of_the_proceeds(story):
    told = story().trade("2024-01-02", 10, 100, commission="0.3").trade("2024-06-03", -4, 60, commission="0.2")
    sale, = told.disposals
    assert (sale.cost, sale.proceeds) == (Decimal("40.12"), Decimal("59.8")) and told.bases == {"2024-01-02": Decimal("60.18")}


def test_a_sale_of_more_than_is_held_turns_the_position(story):
    told = story().trade("2024-01-02", 10, 100).trade("2024-06-03", -15, 180, commission=3)
    sale, = told.disposals
    lot, = told.taxpayer.open_lots
    assert (sale.qty, sale.proceeds, lot.qty, lot.cost) == (10, 118, -5, 59)


def test_each_run_sells_its_own_shares(story):
    told = story().trade("2024-01-02", 10, 100, run="a").trade("2024-01-03", 10, 200, run="b").trade("2024-06-03", -10, 210, run="b")
    assert told.gains == [10] and told.bases == {"2024-01-02": 100}


def test_chosen_lots_are_sold_over_several_executions(story):
    told = story(method="specific", chosen={"s": {"second": Decimal(10), "first": Decimal(2)}})
    told.trade("2024-01-02", 10, 100, order="first").trade("2024-01-03", 10, 200, order="second")
    told.trade("2024-06-03", -7, 70, order="s").trade("2024-06-03", -5, 50, order="s", hour=16)
    assert [(each.lot_order, each.qty) for each in told.disposals] == [("second", 7), ("first", 2), ("second", 3)]
    told.trade("2024-06-04", -3, 30, order="another")  # of which nothing was chosen: first in, first out
    assert told.disposals[-1].lot_order == "first"


@pytest.mark.parametrize("chosen, message", [
    ({"first": 5, "third": 5}, "sale s: 5 X are chosen of lot third, which has 0; there are first, second"),
    ({"first": 11}, "sale s: 11 X are chosen of lot first, which has 10; there are first, second"),
    ({"first": 5}, "sale s: the chosen lots are 7 X fewer than are sold; choose lots for all of it")])
def test_chosen_lots_that_are_not_there(story, chosen, message):
    told = story(method="specific", chosen={"s": {lot: Decimal(shares) for lot, shares in chosen.items()}})
    told.trade("2024-01-02", 10, 100, order="first").trade("2024-01-03", 10, 200, order="second")
    with pytest.raises(UsageError) as caught:
        told.trade("2024-06-03", -12, 70, order="s")
    assert str(caught.value) == message and sum(lot.qty for lot in told.taxpayer.open_lots) == 20


def test_wrong_books_and_trades():
    with pytest.raises(UnknownName, match="unknown lot method 'fito': did you mean 'fifo'"):
        LotBook("fito")
    with pytest.raises(UsageError, match="the method is 'fifo': use \"specific\""):
        LotBook("fifo", {"s": {"b": Decimal(1)}})
    for qty, price in ((0, 1), (1, -1), ("nan", 1), (1, "inf")):
        with pytest.raises(UsageError, match="an execution needs shares and a price"):
            Trade("A", "r", "X", Decimal(qty), Decimal(price), 0)


@pytest.mark.parametrize("since, first_long", [
    ("2023-03-15", "2024-03-16"), ("2019-02-28", "2020-03-01"), ("2020-02-28", "2021-03-01"), ("2020-02-29", "2021-03-01"),
    ("2019-03-01", "2020-03-02"), ("2023-12-31", "2025-01-01")])
def test_more_than_a_year_also_in_leap_years(since, first_long):
    long = dt.date.fromisoformat(first_long)
    assert is_long_term(dt.date.fromisoformat(since), long) and not is_long_term(dt.date.fromisoformat(since), long - dt.timedelta(days=1))


def test_the_trade_date_is_that_of_new_york(moment):
    assert trade_date(moment("2024-01-03", 4)) == dt.date(2024, 1, 2) and trade_date(moment("2024-07-03", 4)) == dt.date(2024, 7, 3)


def test_a_split_keeps_cost_and_holding_period(story, moment):
    told = story().trade("2024-01-02", 10, 100).trade("2024-01-03", 5, 90)
    told.taxpayer.hold("A", "r", "X", Decimal(10), moment("2024-05-01"))
    assert [(str(lot.acquired), lot.qty, lot.cost) for lot in told.taxpayer.open_lots] == [
        ("2024-01-02", Decimal("6.666666667"), 100), ("2024-01-03", Decimal("3.333333333"), 90)]
    with pytest.raises(UsageError, match="10 shares of r cannot become -3 by a split"):
        told.taxpayer.hold("A", "r", "X", Decimal(-3), moment("2024-05-01"))


def test_a_split_that_leaves_nothing_of_a_lot_keeps_its_cost(story, moment):
    told = story().trade("2024-01-02", 10, 100)
    told.taxpayer.trade(Trade("A", "r", "X", Decimal("1e-9"), Decimal(5 * 10**9), moment("2024-01-03")))
    told.taxpayer.hold("A", "r", "X", Decimal(1), moment("2024-05-01"))
    assert sum(lot.cost for lot in told.taxpayer.open_lots) == 105 and all(lot.qty for lot in told.taxpayer.open_lots)


def test_a_new_name_keeps_the_lots_and_the_memory_of_losses(story):
    told = story().trade("2024-01-02", 10, 100).trade("2024-01-03", 10, 120).trade("2024-03-01", -10, 60)
    told.taxpayer.rename("X", "Y")
    told.trade("2024-03-20", 10, 70, symbol="Y")
    assert told.disposals[0].disallowed == 40 and [(lot.symbol, lot.basis) for lot in told.taxpayer.open_lots] == [("Y", 120), ("Y", 110)]
