"""What the venue does to a daily run's orders and account: nothing is lost, doubled or believed wrongly."""

from decimal import Decimal

import numpy as np
import pytest
from alpaca_days import judge_days
from live_days import FIRST, SPEC, SYMBOLS, Days, panel, venue
from made_bars import walk

from brokers.alpaca.errors import BrokerUnavailable
from brokers.local_alpaca import AnswerFault, OrderFault
from core.bars import Bars
from core.calendars import get_calendar
from core.errors import CerebrolabError

EVERY = SPEC.replace(params={"seed": 3, "density": 1.0})


@pytest.fixture(name="bars", scope="module")
def _bars():
    return panel()


@pytest.fixture(name="days")
def _days(bars, tmp_path):
    with venue(bars) as alpaca:
        yield Days(alpaca, bars, tmp_path / "journal.db", EVERY)


def sent(days):
    """Decide, and send in the evening."""
    days.once()
    days.at("19:05")
    return days.once()


def opened(days):
    """The morning after."""
    days.at("09:31", days.session_after(days.today))
    return days.once()


@pytest.mark.parametrize("do", ["reject", "reject_after_new"])
def test_an_order_that_is_rejected_after_it_was_taken(days, do):
    """The others trade; the next decision asks for it again."""
    days.alpaca.faults.add(OrderFault(do=do, symbol="AAA"))
    sent(days)
    report = opened(days)
    assert {order.symbol: order.status for order in report.orders} == {"AAA": "rejected", "BBB": "filled",
                                                                       "CCC": "filled"}
    assert report.done and set(days.alpaca.ledger.positions) == {"BBB", "CCC"}
    judge_days(days)
    days.at("16:25")
    sent(days)
    judge_days(days, opened(days))


def test_what_the_auction_fills_in_part_is_completed_in_the_open_market(days):
    days.alpaca.liquidity = {"AAA": Decimal(100)}
    sent(days)
    days.at("09:33", days.session_after(days.today))
    first = days.once()
    parts = [(order.tif, order.filled) for order in first.orders if order.symbol == "AAA"]
    assert parts[0] == ("opg", 100) and parts[1][0] == "day" and not first.done
    days.alpaca.liquidity = {}
    days.at("16:05")
    judge_days(days, days.once())
    assert len(days.alpaca.ledger.sent()) == 4


def test_an_order_that_stays_stuck_is_left_to_the_next_decision(days):
    """It is neither filled by the auction nor repeated beside the one that may still be."""
    days.alpaca.faults.add(OrderFault(do="stuck", symbol="AAA"))
    sent(days)
    report = opened(days)
    assert {order.symbol: order.status for order in report.orders} == {"AAA": "accepted", "BBB": "filled",
                                                                       "CCC": "filled"}
    assert not report.done and "AAA" not in days.alpaca.ledger.positions
    days.at("16:25")
    sent(days)
    judge_days(days, opened(days))


@pytest.mark.parametrize("how", [
    dict(method="GET", path="by_client_order_id", status=503, body="<html>", times=4),
    dict(method="GET", path="/v2/account$", reset=True, times=3), dict(method="GET", path="/v2/positions", status=429,
                                                                       body={}, times=3),
    dict(method="GET", path="/v2/orders", lost=True, times=2), dict(method="GET", path="/v2/assets", status=500,
                                                                    body="<html>", times=2),
    dict(method="GET", path="/v2/(clock|calendar)", status=502, body="<html>", times=2)], ids=lambda how: how["path"])
def test_questions_that_are_answered_late(days, how):
    days.once()
    fault = days.alpaca.faults.add(AnswerFault(**how))
    days.at("19:05")
    days.once()
    days.once()
    report = opened(days)
    assert fault.struck
    judge_days(days, report)


def test_an_outage_of_minutes_is_an_error_in_one_line_and_the_next_call_goes_on(days):
    days.once()
    days.at("19:05")
    days.alpaca.outage(600)
    with pytest.raises(BrokerUnavailable, match="did not answer") as caught:
        days.once()
    assert "\n" not in str(caught.value) and not days.alpaca.ledger.orders
    days.alpaca.advance(seconds=600)
    days.once()
    judge_days(days, opened(days))


def test_trading_that_is_blocked_between_decision_and_sending_is_said_and_made_up_for(days):
    days.once()
    days.at("19:05")
    days.alpaca.block_trading()
    with pytest.raises(CerebrolabError, match="blocked from trading"):
        days.once()
    days.alpaca.block_trading(False)
    days.once()
    judge_days(days, opened(days))


def test_a_dividend_is_cash_of_the_next_decision(tmp_path):
    """AAA goes ex on the day after its purchase; the account and the next decision have the cash."""
    sessions = get_calendar("XNYS").between("2024-01-02", "2025-12-31")[:60]
    index = sessions.astype("datetime64[ns]")
    frames = {symbol: walk(60, 5 + at).round(2).set_axis(index) for at, symbol in enumerate(SYMBOLS)}
    frames["AAA"] = frames["AAA"].assign(dividend=np.where(sessions == np.datetime64("2024-02-22"), 1.25, 0.0))
    bars = Bars.from_frames(frames)
    with venue(bars) as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", EVERY)
        sent(days)
        bought = opened(days).targets["AAA"]
        days.at("16:25")
        sent(days)
        held = alpaca.ledger.positions["AAA"]
        opened(days)
        paid, = [entry for entry in alpaca.ledger.entries if entry.kind == "DIV"]
        assert (paid.symbol, float(paid.cash)) == ("AAA", pytest.approx(1.25 * float(held))) and float(held) == bought
        days.at("16:25")
        report = days.once()
        assert report.new and float(report.cash) == pytest.approx(float(alpaca.ledger.cash))
        judge_days(days)


def test_positions_that_others_change_overnight_are_what_the_next_decision_starts_from(days):
    """Somebody buys BBB and sells all of AAA between two decisions."""
    sent(days)
    opened(days)
    alpaca = days.alpaca
    days.at("10:00")
    alpaca.outside_order(symbol="BBB", side="buy", qty=11)
    alpaca.outside_order(symbol="AAA", side="sell", qty=str(alpaca.ledger.positions["AAA"]))
    alpaca.quote("AAA", 50)
    alpaca.quote("BBB", 50)
    days.at("16:25")
    assert "AAA" not in alpaca.ledger.positions
    sent(days)
    judge_days(days, opened(days))
    assert days.spec.signal_start == FIRST
