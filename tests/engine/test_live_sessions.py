"""The daily run around sessions' edges: holidays, half days, closures, auctions, halts, the change of the clocks."""

import datetime as dt

import numpy as np
import pytest
from alpaca_days import judge_days
from live_days import SPEC, Days, panel, venue

from brokers.local_alpaca import OrderFault
from brokers.local_alpaca.moments import new_york_text


def spec(date, **changes):
    """A run that decides on every symbol, every session, from a date on."""
    return SPEC.replace(params={"seed": 3, "density": 1.0}, signal_start=date, **changes)


@pytest.fixture(name="bars", scope="module")
def _bars():
    return panel(rows=220)


def times(alpaca):
    """New York times of the executions, to the minute."""
    return {new_york_text(each.time)[:16] for each in alpaca.ledger.executions}


@pytest.mark.parametrize(("date", "close", "offset", "following"), [
    ("2024-03-08", "16:25", "-05:00", "2024-03-11"), ("2024-11-01", "16:25", "-04:00", "2024-11-04"),
    ("2024-02-16", "16:25", "-05:00", "2024-02-20"), ("2024-07-03", "13:25", "-04:00", "2024-07-05"),
    ("2024-03-28", "16:25", "-04:00", "2024-04-01"),
], ids=["spring", "autumn", "long weekend", "half day", "good friday"])
def test_what_is_decided_before_days_without_trading_is_traded_at_the_next_open(bars, tmp_path, date, close, offset,
                                                                                following):
    with venue(bars, now=f"{date}T{close}{offset}") as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec(date))
        decided = days.once()
        assert decided.session == date and not alpaca.ledger.orders
        days.at("19:00")
        days.once()
        sent = len(alpaca.ledger.orders)
        days.at("12:00", np.datetime64(following).item() - dt.timedelta(days=1))
        days.once()  # on a day off: nothing is added
        days.at("09:31", days.session_after(np.datetime64(date)))
        report = days.once()
        assert str(days.today) == following and len(alpaca.ledger.orders) == sent == len(alpaca.ledger.executions) >= 2
        assert times(alpaca) == {f"{following}T09:30"}
        assert {order.time_in_force for order in alpaca.ledger.orders} == {"opg"}
        row = int(np.searchsorted(bars.session, np.datetime64(following)))
        opens = dict(zip(bars.symbols, bars.raw_open[row].tolist(), strict=True))
        assert all(float(each.price) == opens[each.symbol] for each in alpaca.ledger.executions)
        judge_days(days, report)


@pytest.mark.parametrize(("time", "tif", "filled"), [
    ("12:49:59", "cls", "13:00"), ("12:50:00", "day", "13:00"), ("12:59:00", "day", "13:00"), ("13:00:00", None, None)])
def test_the_closing_auction_of_a_half_day(bars, tmp_path, time, tif, filled):
    """It takes orders until 12:50, later ones go into the market, and after 13:00 it is too late."""
    with venue(bars, now="2024-07-02T16:25-04:00") as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-07-02", fill="session_close"))
        days.once()
        days.at(time, days.session_after(days.today))
        days.once()
        assert {order.time_in_force for order in alpaca.ledger.orders} == ({tif} if tif else set())
        days.at("13:05")
        report = days.once()
        if tif:
            assert times(alpaca) == {f"2024-07-03T{filled}"}
            judge_days(days, report)
        else:
            assert {order.reason for order in report.orders} == {"its session has passed"}


@pytest.mark.parametrize(("evening", "tif"), [("18:59:59", None), ("19:00:00", "opg")])
def test_the_window_of_the_opening_auction_begins_in_the_evening(bars, tmp_path, evening, tif):
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        days.once()
        days.at(evening)
        assert bool(days.once().waiting) is (tif is None)
        assert {order.time_in_force for order in alpaca.ledger.orders} == ({tif} if tif else set())
        days.at("09:27:59", days.session_after(days.today))
        days.once()
        days.at("09:31")
        judge_days(days, days.once())
        assert {order.time_in_force for order in alpaca.ledger.orders} == {"opg"}


@pytest.mark.parametrize(("morning", "tif"), [("09:27:59", "opg"), ("09:28:00", None), ("09:29:59", None),
                                              ("09:30:00", "day")])
def test_the_window_of_the_opening_auction_ends_in_the_morning(bars, tmp_path, morning, tif):
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        days.once()
        days.at(morning, days.session_after(days.today))
        report = days.once()
        assert {order.time_in_force for order in alpaca.ledger.orders} == ({tif} if tif else set())
        assert bool(report.waiting) is (tif is None)
        days.at("09:31")
        days.once()
        days.at("16:05")
        judge_days(days, days.once())


def test_a_window_that_closes_on_the_way_costs_the_auction_only(bars, tmp_path):
    """The clock is told two seconds late: what is sent at 09:27:59 is refused at 09:28:01, and sent at the open."""
    with venue(bars) as alpaca:
        alpaca.clock_error_s = -2.0
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        days.once()
        days.at("09:28:01", days.session_after(days.today))
        report = days.once()
        assert not alpaca.ledger.orders and all("7:00pm and before 9:28am" in text for text in report.waiting)
        assert len(report.waiting) == 3
        days.at("09:31")
        days.once()
        days.at("16:05")
        judge_days(days, days.once())
        assert {order.time_in_force for order in alpaca.ledger.orders} == {"day"}


def closed(alpaca, days):
    """Orders are sent, and the exchange stays closed on the day they are for; returns that evening's report."""
    days.once()
    days.at("19:05")
    days.once()
    days.at("08:00", days.session_after(days.today))
    alpaca.close_unscheduled()
    days.at("16:25")
    return days.once()


@pytest.mark.parametrize("fault", [None, OrderFault(do="cancel_slow", symbol="AAA", seconds=20),
                                   OrderFault(do="cancel_lost", symbol="AAA")],
                         ids=["told", "slow", "lost"])
def test_a_closure_before_the_open_leaves_orders_that_the_next_decision_takes_back(bars, tmp_path, fault):
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        if fault:
            alpaca.faults.add(fault)
        assert closed(alpaca, days).new and not alpaca.ledger.executions
        assert [order.status for order in alpaca.ledger.orders] == ["canceled"] * 3
        days.at("19:05")
        days.once()
        days.at("09:31", days.session_after(days.today))
        judge_days(days, days.once())
        assert times(alpaca) == {"2024-02-22T09:30"}


def test_an_order_that_cannot_be_taken_back_bars_its_symbol_and_the_others_trade(bars, tmp_path):
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        alpaca.faults.add(OrderFault(do="cancel_stuck", symbol="AAA"))
        second = closed(alpaca, days)
        assert any("does not end (status pending_cancel): AAA is left as it is" in text for text in second.warnings)
        assert set(second.targets) == {"BBB", "CCC"}
        days.at("19:05")
        days.once()
        days.at("09:31", days.session_after(days.today))
        report = days.once()
        bought = {order.symbol: order.filled for order in report.orders}
        assert set(bought) == {"BBB", "CCC"}
        assert all(alpaca.ledger.positions[symbol] == qty for symbol, qty in bought.items())
        assert sorted(order.symbol for order in alpaca.ledger.sent()) == ["AAA", "BBB", "BBB", "CCC", "CCC"]


def test_a_cancellation_that_loses_against_a_fill_is_counted_in_the_next_decision(bars, tmp_path):
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        alpaca.faults.add(OrderFault(do="cancel_filled", symbol="AAA"))
        closed(alpaca, days)
        days.at("19:05")
        days.once()
        days.at("09:31", days.session_after(days.today))
        judge_days(days, days.once())


@pytest.mark.parametrize("resumes", [True, False], ids=["resumes", "to the close"])
def test_a_symbol_that_is_halted_over_the_open(bars, tmp_path, resumes):
    """The auction fills the others; the halted one is tried in the open market, then left to the next decision."""
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec("2024-02-20"))
        days.once()
        days.at("19:05")
        days.once()
        alpaca.halt("AAA")
        days.at("09:33", days.session_after(days.today))
        first = days.once()
        assert {each.symbol for each in alpaca.ledger.executions} == {"BBB", "CCC"} and not first.done
        assert {order.tif for order in first.orders if order.symbol == "AAA"} == {"opg", "day"}
        days.at("11:00")
        days.once()
        if resumes:
            alpaca.resume("AAA")
            alpaca.quote("AAA", 51)
            judge_days(days, days.once())
        days.at("16:05")
        report = days.once()
        assert report.done and len(alpaca.ledger.sent()) == 4
        assert ("AAA" in alpaca.ledger.positions) is resumes
        alpaca.resume("AAA")
        days.at("16:25")
        days.once()
        days.at("19:05")
        days.once()
        days.at("09:31", days.session_after(days.today))
        judge_days(days, days.once())
