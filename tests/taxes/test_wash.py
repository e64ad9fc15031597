"""Wash sales: by hand, against shares told one by one, and what must stay whole whatever happens."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from restated_wash_sales import told_by_shares

from taxes import METHODS, Taxpayer, Trade
from taxes.holding import is_long_term

DAY = 86_400 * 10**9
START = dt.date(2023, 1, 2)
NOON = int(dt.datetime(2023, 1, 2, 17, tzinfo=dt.UTC).timestamp()) * 10**9


@pytest.mark.parametrize("day, disallowed", [("2024-03-01", 40), ("2024-03-31", 40), ("2024-04-01", 0)])
def test_thirty_days_after(story, day, disallowed):
    told = story().trade("2023-01-02", 10, 100).trade("2024-03-01", -10, 60, hour=14).trade(day, 10, 70)
    assert told.disposals[0].disallowed == disallowed


@pytest.mark.parametrize("day, disallowed", [("2024-01-31", 40), ("2024-01-30", 0)])
def test_thirty_days_before(story, day, disallowed):
    told = story().trade("2023-01-02", 10, 100).trade(day, 10, 70).trade("2024-03-01", -10, 60)
    assert told.disposals[0].disallowed == disallowed


def test_across_runs_and_accounts_and_groups(story):
    told = story(groups={"VOO": "sp", "SPY": "sp"}).trade("2024-01-02", 10, 100, symbol="SPY").trade("2024-03-01", -10, 60, symbol="SPY")
    told.trade("2024-03-04", 4, 30, run="other", account="B", symbol="VOO").trade("2024-03-05", 10, 70, symbol="QQQ")
    assert told.disposals[0].disallowed == 16 and told.bases == {"2024-03-04": 46, "2024-03-05": 70}


def test_the_holding_period_of_the_sold_shares_is_added(story):
    told = story().trade("2023-01-03", 10, 100).trade("2023-12-29", -10, 60).trade("2024-01-10", 10, 70).trade("2024-01-17", -10, 120)
    assert told.terms == ["short", "long"] and told.gains == [0, 120 - 70 - 40]  # 360 days and 7


def test_the_shares_that_were_sold_replace_nothing(story):
    told = story().trade("2024-03-01", 10, 100, order="b").trade("2024-03-08", -10, 60)
    assert told.gains == [-40]
    told = story().trade("2024-03-01", 10, 100, order="b", hour=15).trade("2024-03-01", 10, 99, order="b", hour=16).trade("2024-03-08", -10, 60)
    assert told.gains == [-40]  # nor do the others of the same purchase
    told = story().trade("2024-03-01", 10, 100).trade("2024-03-04", 5, 50).trade("2024-03-08", -15, 90)
    assert told.gains == [-40, -20]  # nor what was sold with them


def test_each_share_replaces_once_and_the_earliest_sale_comes_first(story):
    told = story().trade("2023-01-03", 20, 200).trade("2024-03-01", -10, 60).trade("2024-03-05", -10, 50).trade("2024-03-08", 15, 90)
    assert [each.disallowed for each in told.disposals] == [40, 25]
    assert [(lot.qty, lot.carried) for lot in told.taxpayer.open_lots] == [(10, 40), (5, 25)]


def test_a_loss_moves_on_and_on(story):
    told = story().trade("2024-01-02", 10, 100).trade("2024-02-01", -10, 60).trade("2024-02-05", 10, 60).trade("2024-02-12", -10, 55)
    told.trade("2024-02-20", 10, 50).trade("2024-06-03", -10, 50)
    assert told.gains == [0, 0, -45] and [each.disallowed for each in told.disposals] == [40, 45, 0]


def test_a_short_sale_is_replaced_by_a_short_sale(story):
    told = story().trade("2024-03-01", -10, 100).trade("2024-03-08", 10, 130).trade("2024-03-12", 5, 60, run="other")
    assert told.disposals[0].disallowed == 0
    told.trade("2024-03-15", -4, 50).trade("2024-05-01", 4, 44)
    assert told.gains == [-18, 50 - 44 - 12] and told.disposals[1].carried == 12


def test_a_split_between_sale_and_purchase(story, moment):
    told = story().trade("2024-01-02", 10, 100, run="b").trade("2024-01-02", 10, 100, run="c")
    told.trade("2024-01-02", 10, 100).trade("2024-03-01", -10, 60)
    for run in "bc":  # each run that holds it is told of the split
        told.taxpayer.hold("A", run, "X", Decimal(20), moment("2024-03-04"))
    told.trade("2024-03-08", 5, 17)
    assert told.disposals[0].disallowed == 10  # five new shares are two and a half old ones


def test_a_loss_on_a_short_sale_beside_shares_held_for_more_than_a_year_is_long_term(story):
    told = story().trade("2022-01-03", 6, 60, run="long").trade("2024-03-01", -10, 100, run="short").trade("2024-05-01", 10, 130, run="short")
    assert [(each.qty, each.gain, each.term) for each in told.disposals] == [(6, -18, "long"), (4, -12, "short")]
    told.trade("2024-06-03", -6, 90, run="long")
    assert told.terms[-1] == "long"  # they keep their holding period


def test_shares_sold_while_the_short_sale_is_open_are_short_term(story):
    told = story().trade("2023-01-03", 10, 100, run="long").trade("2023-06-01", -6, 100, run="short").trade("2024-03-01", -10, 200, run="long")
    assert [(each.qty, each.term) for each in told.disposals] == [(6, "short"), (4, "long")]
    told = story().trade("2023-01-03", -6, 100, run="short").trade("2023-02-01", 10, 100, run="long").trade("2024-03-01", 6, 90, run="short")
    told.trade("2024-04-01", -10, 200, run="long")  # bought while it was open
    assert [(each.qty, each.term) for each in told.disposals] == [(6, "short"), (6, "short"), (4, "long")]


def test_a_gain_on_a_short_sale_is_short_term_whatever_was_held(story):
    told = story().trade("2022-01-03", 6, 60, run="long").trade("2024-03-01", -6, 100, run="short").trade("2024-05-01", 6, 80, run="short")
    assert told.gains == [20] and told.terms == ["short"]


def test_shares_held_for_more_than_a_year_stand_against_one_short_sale(story):
    told = story().trade("2022-01-03", 6, 60, run="long").trade("2024-03-01", -4, 40, run="one").trade("2024-03-04", -4, 40, run="two")
    told.trade("2024-05-01", 4, 60, run="one").trade("2024-06-10", 4, 60, run="two")
    assert [(each.run, each.qty, each.term) for each in told.disposals] == [("one", 4, "long"), ("two", 2, "long"), ("two", 2, "short")]


def test_shares_that_wait_for_a_short_sale_are_not_held_for_a_year_by_waiting(story):
    told = story().trade("2023-01-03", 4, 40, run="long").trade("2023-02-01", -4, 40, run="one").trade("2024-03-04", -4, 40, run="two")
    told.trade("2024-05-01", 4, 60, run="two")
    assert told.gains == [-20] and told.terms == ["short"]


def test_a_short_sale_that_is_closed_waits_for_no_shares(story):
    told = story().trade("2023-01-03", -4, 40, run="short").trade("2023-02-01", 4, 30, run="short").trade("2023-02-02", 4, 40, run="long")
    told.trade("2024-03-01", -4, 80, run="long")
    assert told.terms == ["short", "long"]


def test_a_split_while_a_short_sale_is_open(story, moment):
    told = story().trade("2023-01-03", -4, 40, run="short")
    told.taxpayer.hold("A", "short", "X", Decimal(-8), moment("2023-02-01"))
    told.trade("2023-03-01", 10, 50, run="long").trade("2024-04-01", -10, 80, run="long")
    assert [(each.qty, each.term) for each in told.disposals] == [(8, "short"), (2, "long")]


def test_the_highest_cost_is_that_with_losses_taken_over(story):
    told = story(method="highest_cost").trade("2024-01-02", 10, 100, run="other").trade("2024-03-01", -10, 60, run="other")
    told.trade("2024-03-05", 10, 70).trade("2024-03-06", 10, 80).trade("2024-06-03", -10, 200)
    assert told.disposals[-1].basis == 110 and told.bases == {"2024-03-06": 80}


days = st.lists(st.tuples(st.integers(0, 25), st.sampled_from("ab"), st.sampled_from("XY"), st.integers(-6, 6).filter(bool), st.integers(5, 15)),
                min_size=2, max_size=14)


def dated(steps, with_shorts):
    """Steps as trades on days; without short sales what would be one is left out."""
    day, held, trades = 0, Counter(), []
    for gap, run, symbol, qty, price in steps:
        day += gap
        if with_shorts or held[run, symbol] + qty >= 0:
            held[run, symbol] += qty
            trades.append((day, run, symbol, qty, price))
    return trades


def played(trades, method):
    taxpayer = Taxpayer(method, groups={"X": "same", "Y": "same"})
    for order, (day, run, symbol, qty, price) in enumerate(trades):
        taxpayer.trade(Trade("A", run, symbol, Decimal(qty), Decimal(price), NOON + day * DAY + order, order=f"{order}"))
    return taxpayer


def assert_near(found, expected):
    assert found.keys() == expected.keys() and all(abs(Fraction(found[key]) - expected[key]) < Fraction(1, 10**5) for key in expected)


@given(days, st.sampled_from(METHODS[:3]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_lots_are_as_shares_one_by_one(steps, method, with_shorts):
    trades = dated(steps, with_shorts)
    taxpayer, (sold, still_open) = played(trades, method), told_by_shares(trades, method)
    found, expected, bases, wanted = Counter(), Counter(), Counter(), Counter()
    for each in taxpayer.disposals:
        key = each.run, each.symbol, (each.sold - START).days, with_shorts or each.term
        found[key] += each.gain
        found[*key, "disallowed"] += each.disallowed
    for share in sold:
        since, until = START + dt.timedelta(days=share.since), START + dt.timedelta(days=share.sold)
        key = share.run, share.symbol, share.sold, with_shorts or ("long" if is_long_term(since, until) else "short")
        expected[key] += share.gain + share.disallowed
        expected[*key, "disallowed"] += share.disallowed
    for lot in taxpayer.open_lots:
        bases[lot.run, lot.symbol, lot.order] += lot.basis
    for share in still_open:
        wanted[share.run, share.symbol, f"{share.order}"] += share.basis
    assert_near(found, expected)
    assert_near(bases, wanted)


money = st.decimals("0.01", "500", places=2)
moves = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.decimals("-9", "9", places=3).filter(bool), money,
                           st.decimals("0", "2", places=2), st.sampled_from([None, None, None, "2", "0.333", "3"])), min_size=1, max_size=20)


@given(moves, st.sampled_from(METHODS))
@settings(max_examples=30, deadline=None)
def test_what_counts_and_what_is_still_held_are_all_there_was(steps, method):
    taxpayer, day, cash = Taxpayer(method), 0, Decimal(0)
    for at, (gap, run, qty, price, commission, ratio) in enumerate(steps):
        day += gap
        taxpayer.trade(Trade("A", run, "X", qty, price, NOON + day * DAY + at, commission))
        cash -= qty * price + commission
        held = sum(lot.qty for lot in taxpayer.book.lots("A", run, "X"))
        if ratio and held:
            taxpayer.hold("A", run, "X", (held * Decimal(ratio)).quantize(Decimal("1e-9")) or held, NOON + day * DAY + at)
    still = sum((-lot.basis if lot.is_short else lot.basis) for lot in taxpayer.open_lots)
    assert sum((each.gain for each in taxpayer.disposals), Decimal(0)) == cash + still
    assert all(0 <= each.disallowed <= max(-each.realized, 0) for each in taxpayer.disposals)
    assert sum(each.disallowed - each.carried for each in taxpayer.disposals) == sum(lot.carried for lot in taxpayer.open_lots)
