"""Netting in the order of Schedule D, the limit, what is carried over, the tax."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from taxes.form_8949 import rows_of
from taxes.report import NO_ADVICE, tax_report
from taxes.years import LIMIT, Rates, TaxYear, tax_years

RATES = Rates(Decimal("0.4"), Decimal("0.2"), Decimal("0.1"))


def year_of(short, long, dividends=0, limit=LIMIT):
    short, long = Decimal(short), Decimal(long)
    zero = Decimal(0)
    return TaxYear(2024, max(short, zero), min(short, zero), max(long, zero), min(long, zero), zero, zero, zero, Decimal(dividends),
                   short + long + dividends, RATES, limit)


@pytest.mark.parametrize("short, long, tax, carried", [
    (1000, 500, 500, (0, 0)), (1000, -400, 240, (0, 0)), (-400, 1000, 120, (0, 0)),
    (-1000, -500, -600, (0, 0)),                   # all of it is deducted
    (-5000, -1000, -1200, (-2000, -1000)),         # short-term losses first
    (-1000, -5000, -1200, (0, -3000)),
    (1000, -6000, -1200, (0, -2000)), (-6000, 1000, -1200, (-2000, 0)), (-5000, 1000, -1200, (-1000, 0))])
def test_the_tax_of_a_year_by_hand(short, long, tax, carried):
    year = year_of(short, long)
    assert (year.tax, (year.short_carried, year.long_carried)) == (tax, carried) and year.after_tax == short + long - tax


def test_half_the_limit_and_dividends():
    year = year_of(-2000, 0, dividends=100, limit=LIMIT / 2)
    assert (year.deduction, year.short_carried, year.tax, year.after_tax) == (1500, -500, -590, -1900 + 590)


amounts = st.decimals("-20000", "20000", places=2)


@given(amounts, amounts)
def test_a_loss_is_deducted_or_carried_and_nothing_else(short, long):
    year = year_of(short, long)
    assert year.short_carried + year.long_carried == min(year.net + year.deduction, Decimal(0))
    assert min(year.net_short, 0) <= year.short_carried <= 0 and min(year.net_long, 0) <= year.long_carried <= 0


def test_years_follow_each_other(story):
    told = story().trade("2021-01-04", 100, 20000).trade("2021-06-01", -100, 12000)    # -8000, short
    told.trade("2021-09-01", 100, 9000).trade("2023-09-04", -100, 10500)               # +1500, long
    first, second, third = tax_years(rows_of(told.disposals), {2022: Decimal("12.345")}, RATES)
    assert (first.short_carried, second.short_brought, second.dividends) == (-5000, -5000, Decimal("12.34"))
    assert (second.net, second.deduction, second.short_carried) == (-5000, 3000, -2000)
    assert (third.long_gains, third.net, third.deduction, third.short_carried) == (1500, -500, 500, 0)
    assert [year.tax for year in (first, second, third)] == [-1200, Decimal("-1198.77"), -200]


def test_a_long_term_loss_stays_one(story):
    told = story().trade("2020-01-06", 100, 20000).trade("2021-06-01", -100, 12000).trade("2022-01-04", 10, 100).trade("2022-02-01", -10, 90)
    first, second = tax_years(rows_of(told.disposals), {})
    assert (first.long_carried, second.long_brought, second.net_short, second.long_carried) == (-5000, -5000, -10, -2010)


@pytest.mark.parametrize("rate", ["-0.1", "24", "nan"])
def test_a_rate_is_a_part(rate):
    with pytest.raises(UsageError, match="the long rate is .*; write 24% or 0.24"):
        Rates(Decimal("0.1"), Decimal(rate), Decimal("0.1"))


def test_the_report_of_one_year_knows_what_came_before(story):
    told = story().trade("2021-01-04", 100, 20000).trade("2021-06-01", -100, 12000).trade("2021-09-01", 100, 9000).trade("2022-09-05", -60, 6600)
    report = tax_report(told.taxpayer, rates=RATES, capital=Decimal(20000)).of(2022)
    values = report.values()
    assert values["note"] == NO_ADVICE and [year["year"] for year in values["years"]] == [2022]
    assert (values["years"][0]["short_brought"], values["years"][0]["long_gains"], values["years"][0]["tax"]) == (-5000, 1200, -1200)
    assert (values["years"][0]["pre_tax_return"], values["years"][0]["after_tax_return"]) == (0.06, 0.12)
    assert [sale["description"] for sale in values["sales"]] == ["60 sh. X"] and values["lots"][0]["basis"] == 3600
    assert tax_report(told.taxpayer).values()["years"][0]["tax"] is None


def test_profit_before_tax_is_without_wash_sales(story):
    told = story().trade("2021-01-04", 10, 100).trade("2021-12-20", -10, 60).trade("2022-01-04", 10, 70).trade("2022-12-01", -10, 75)
    first, second = tax_years(rows_of(told.disposals), {})
    assert (first.pre_tax, first.net, first.disallowed) == (-40, 0, 40) and (second.pre_tax, second.net) == (5, -35)
