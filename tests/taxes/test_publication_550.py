"""Worked examples of IRS Publication 550, chapter 4, edition by edition; where it gives no dates, dates that fit are chosen."""

import datetime as dt
from decimal import Decimal

import pytest

from taxes.form_8949 import rows_of
from taxes.holding import is_long_term
from taxes.years import tax_years


def test_wash_sales_example_1(story):
    """Edition 2025, Wash Sales, example 1: 100 shares for $1,000, sold for $750, 100 bought for $800 within 30 days."""
    told = story().trade("2025-01-06", 100, 1000).trade("2025-03-10", -100, 750).trade("2025-04-09", 100, 800)
    sale, = told.disposals
    assert (sale.realized, sale.disallowed, sale.gain, sale.code) == (-250, 250, 0, "W") and told.bases == {"2025-04-09": 1050}


def test_wash_sales_example_2(story):
    """Edition 2025, Wash Sales, example 2: ten shares of a bonus sold at a loss, another ten within 30 days: no deduction."""
    told = story().trade("2025-02-03", 10, 500).trade("2025-05-01", -10, 400).trade("2025-05-20", 10, 420)
    assert told.gains == [0]


def test_more_or_less_stock_bought_than_sold_example_1(story):
    """Edition 2025: 75 bought within 30 days before 100 are sold for $1,000 less: $750 is disallowed, $250 is deductible."""
    told = story().trade("2024-09-20", 100, 5000).trade("2024-12-13", 50, 2750).trade("2024-12-20", 25, 1125).trade("2025-01-03", -100, 4000)
    sale, = told.disposals
    assert (sale.realized, sale.disallowed, sale.gain) == (-1000, 750, -250)
    assert told.bases == {"2024-12-13": 3250, "2024-12-20": 1375}


def test_more_or_less_stock_bought_than_sold_example_2(story):
    """Edition 2025: 100 sold, 50 bought on each of four days: the first two days' shares take the loss over, half each."""
    told = story().trade("2024-09-16", 100, 2000).trade("2025-01-29", -100, 1000)
    for day in (3, 4, 5, 6):
        told.trade(f"2025-02-0{day}", 50, 500)
    assert told.gains == [0]
    assert told.bases == {"2025-02-03": 1000, "2025-02-04": 1000, "2025-02-05": 500, "2025-02-06": 500}


def test_loss_and_gain_on_same_day(story):
    """Edition 2025: blocks at $158, $100 and $95 sold at $125, 250 bought back: the loss of $33 a share reduces no gain."""
    told = story().trade("2019-03-01", 100, 15800).trade("2019-06-03", 100, 10000).trade("2019-09-03", 100, 9500)
    told.trade("2024-12-27", -300, 37500).trade("2025-01-10", 250, 31250)
    assert told.gains == [0, 2500, 3000] and [each.disallowed for each in told.disposals] == [3300, 0, 0]
    assert sum(lot.basis for lot in told.taxpayer.open_lots) == 31250 + 3300


@pytest.mark.parametrize("sold, is_long", [((2009, 2, 5), False), ((2009, 2, 6), True)])
def test_long_term_or_short_term(sold, is_long):
    """Edition 2009, Holding Period: bought on February 5, 2008, sold on February 5 or 6, 2009."""
    assert is_long_term(dt.date(2008, 2, 5), dt.date(*sold)) is is_long


def test_short_sale_closed_with_shares_bought_for_it(story):
    """Short Sales, Ace Corporation: sold short, closed 13 months later with shares bought that day: a short-term loss."""
    told = story().trade("2023-01-10", -100, 1000).trade("2024-02-12", 100, 1500)
    assert told.gains == [-500] and told.terms == ["short"]
    row, = rows_of(told.disposals)
    assert row.acquired == row.sold == dt.date(2024, 2, 12) and (row.proceeds, row.cost) == (1000, 1500)


def test_short_sale_with_shares_held_for_a_year_or_less(story):
    """Edition 1995, Short Sales, example 2 (Able Corporation): the shares' holding period begins when the short sale is closed."""
    told = story().trade("1995-05-04", 100, 1000, run="long").trade("1995-10-02", -100, 1600, run="short")
    told.trade("1995-11-02", 100, 1800, run="short").trade("1996-06-03", -100, 1800, run="long")
    assert told.gains == [-200, 800] and told.terms == ["short", "short"]
    assert told.disposals[1].held_since == dt.date(1995, 11, 2)


@pytest.mark.parametrize("loss, deducted, carried", [(7000, 3000, -4000), (2000, 2000, 0)])
def test_capital_loss_carryover(story, loss, deducted, carried):
    """Capital Losses, Bob and Gloria (figures as in Publication 544 of 2000): $7,000 of loss, $3,000 deducted, $4,000 carried over."""
    told = story().trade("2009-01-05", 100, 10000).trade("2009-06-01", -100, 10000 - loss)
    year, = tax_years(rows_of(told.disposals), {})
    assert (year.net, year.deduction, year.short_carried, year.long_carried) == (-loss, deducted, carried, Decimal(0))
