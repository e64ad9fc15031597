"""Certificates of what a spec may say beside its strategy: exits, slices, guards, fractions, cash accounts; nothing stays unexplained."""

import numpy as np
import pytest
from live_days import panel
from streamed_runs import SYMBOLS, two_days

from checks.parity import Injection, certify
from checks.parity.causes import Causes
from checks.parity.certificate_page import page_of
from checks.parity.story import Asked, Fill, State, Story, renewed
from core.errors import BadSpec
from core.spec import RunSpec

MINUTES = RunSpec(strategy="GoldenCross", params={"fast": 3, "slow": 8}, symbols=SYMBOLS, interval="1m", limits={"cash_buffer": 0.1})
DAYS = MINUTES.replace(symbols=("AAA", "BBB", "CCC"), interval="1d")
FRACTIONS = {"fractional": True, "exits": {"stop": 0.01}}
TERMS = {
    "exits": {"exits": {"stop": 0.01, "profit": 0.01}}, "time": {"exits": {"bars": 3}}, "fractions": FRACTIONS,
    "twap": {"execution": "twap:10", "exits": {"stop": 0.003}}, "participation": {"execution": "participation:0.0001:5"},
    "one order a minute": {"guard": {"orders_per_minute": 1}}, "a quantity": {"quantity": 10, "limits": {}},
    "a loss": {"guard": {"max_daily_loss": 0.0005}},
}


def hour(seed=5):
    return two_days(rows=60, seed=seed)


def alike(certificate):
    assert [str(each) for each in certificate.verdict.differences] == [] and certificate.passed


@pytest.mark.parametrize(("name", "account"), [*((name, "margin") for name in TERMS), ("exits", "cash"), ("a quantity", "cash")])
def test_minutes_are_traded_alike(name, account):
    """Where a protective order rests, an exit waits for its end, and is in time for the next bar's first trade."""
    certificate = certify(MINUTES.replace(**TERMS[name]), hour(), account=account)
    alike(certificate)
    assert certificate.verdict.fills > 4


def test_days_with_a_limit_that_is_reached_are_traded_alike():
    """Protective orders are at the venue as soon as the entry has filled, whoever else the feeds wait for."""
    alike(certify(DAYS.replace(exits={"profit": 0.01}), panel(rows=52, seed=5), days=10))


def test_protection_of_fractions_lasts_longer_than_its_orders():
    """An order for a part of a share is good for one session; on either side another one follows."""
    alike(certify(DAYS.replace(**FRACTIONS), panel(rows=46, seed=5), days=6))


# -- what differs for a reason --------------------------------------------------------------------------------------


def test_a_trailing_stop_is_explained_by_the_trades_that_it_follows():
    certificate = certify(MINUTES.replace(exits={"trail": 0.0005}), hour())
    why = [each.explanation for each in certificate.verdict.differences if not each.explanation.startswith("follows from")]
    assert certificate.passed and why and all(each.startswith("a trailing stop follows every trade at Alpaca, the best at ") for each in why)


def test_a_short_sale_on_a_cash_account_is_explained():
    spec = MINUTES.replace(strategy="steady_decisions:SteadyMinutes", params={"seed": 2, "density": 0.2, "shorts": 0.5}, sizer="EqualWeight")
    certificate = certify(spec, hour(), account="cash")
    assert certificate.passed and any("may not sell short" in each.explanation for each in certificate.verdict.differences)


def test_a_session_that_goes_on_is_explained():
    spec = RunSpec(strategy="ShortTermMomentum", params={"threshold": 0.002}, symbols=SYMBOLS, interval="1m", exits={"bars": 3},
                   limits={"cash_buffer": 0.1})
    certificate = certify(spec, two_days(rows=100))
    assert certificate.passed and {each.explanation.split(" minutes ")[0] for each in certificate.verdict.differences} == {"the bars end 290"}


def test_a_pair_of_which_one_is_filled_at_once_is_explained():
    bars, end = hour(), State(0.0, 0.0, {})
    at = int(bars.index[-5])
    stop, profit = asked(at, "Completed", [Fill(at, -1.5, 99.0)]), asked(at, "Canceled", intent="profit")
    causes = Causes(Story("simulated", [stop], end), Story("alpaca", [stop, profit], end), None, bars, {})
    assert causes.partner(profit).startswith("the stop order placed with it was filled in the entry's own bar")
    assert causes.partner(asked(at + 1, "Canceled", intent="profit")) == causes.partner(stop) == causes.partner(asked(at, "open", intent="exit")) == ""


# -- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_says_first_what_came_of_it():
    certificate = certify(MINUTES, hour(), inject=[Injection.read("slippage=5bp")])
    page = page_of(certificate)
    assert page.splitlines()[2].startswith("**Pass**: backtest and live path differ in ") and "-0.00" not in page
    assert "- bars: given: AAA, BBB; fingerprint `" in page and "- planted gaps: slippage=5bp" in page and "### Unexplained" not in page
    assert "| fill | 1" in page.split("## Differences")[1]


def test_a_page_without_differences_has_no_tables_of_them():
    page = page_of(certify(MINUTES, hour()))
    assert "**Pass**: backtest and live path did the same to the last order." in page and "## Differences" not in page
    quiet = page_of(certify(MINUTES.replace(params={"fast": 40, "slow": 500}), hour()))
    assert quiet.splitlines()[2].startswith("**Nothing traded**: no order was filled on both sides")


@pytest.mark.parametrize(("text", "words"), [
    ("slippage=", "names no amount: write slippage=5bp"), ("rejection=5", "rejection takes no amount"), ("lost_event=x", "lost_event takes no amount"),
    ("lost_answer=", "'lost_answer=': write lost_answer"), ("partial=nan", "a number above 0")])
def test_amounts_that_are_none(text, words):
    with pytest.raises(BadSpec, match=words):
        Injection.read(text)


# -- one protective order after the other -----------------------------------------------------------------------------


def asked(bar, status, fills=(), intent="stop", size=-1.5):
    return Asked(bar, "AAA", size, "Stop", intent, status, fills=list(fills))


def test_protective_orders_that_follow_each_other_count_as_one():
    sold = Fill(4, -1.5, 99.0)
    orders = [asked(1, "Expired"), asked(2, "Expired"), asked(3, "Completed", [sold]), asked(5, "Expired"), asked(6, "open", size=-2.0)]
    one, *others = renewed(orders)
    assert (one.bar_ns, one.status, one.fills) == (1, "Completed", [sold]) and [each.bar_ns for each in others] == [5, 6]


def test_other_orders_and_those_taken_back_stand_alone():
    orders = [asked(1, "Canceled"), asked(2, "Expired"), asked(3, "Expired", intent="enter"), asked(4, "open", intent="enter")]
    assert renewed(orders) == orders and np.array_equal([each.bar_ns for each in orders], [1, 2, 3, 4])
