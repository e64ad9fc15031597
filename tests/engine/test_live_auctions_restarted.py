"""A run that trades in the auctions, ended at any moment and started again, trades as if it had never ended: as the backtest does."""

from contextlib import nullcontext

import pytest
from minute_sessions import minute_bars, new_york
from streamed_runs import SYMBOLS, lived, venue

import engine
from brokers.local_alpaca.moments import moment
from core.errors import AccountLeft
from core.spec import RunSpec
from journal import Journal

BEFORE, DAY, NEXT = DAYS = "2024-11-26", "2024-11-27", "2024-11-29"  # the last one a half day, after a holiday
BARS = minute_bars(DAYS)
SPEC = RunSpec(strategy="BuyCloseSellOpen", symbols=SYMBOLS, interval="1m", quantity=10, on_stop="keep", start=BEFORE)
BOUGHT = [(f"{DAY} 16:00", 10.0)] * 2
SOLD = [(f"{NEXT} 09:30", -10.0)] * 2


def ny(time, date=DAY):
    return f"{date}T{time}-05:00"


class Killed(BaseException):
    """Nothing of ours catches it."""


def killed(live):
    raise Killed


def lives(alpaca, folder, *runs):
    """One run after another, (when it begins, when it ends, how): "stopped", "killed", or "left" where it says that something is open."""
    with Journal(folder / "journal.db") as journal:
        for begins, ends, how in runs:
            alpaca.advance(to=begins)
            known = DAY if moment(begins) > moment(ny("16:00")) else BEFORE
            until, at_time = (ny("20:00:00", NEXT), [(ends, killed)]) if how == "killed" else (ends, [])
            with pytest.raises({"killed": Killed, "left": AccountLeft}[how]) if how != "stopped" else nullcontext():
                lived(alpaca, until, SPEC, bars=BARS.between(BEFORE, known), journal=journal, at_time=at_time)


def done(alpaca):
    return [(new_york(each.time), float(each.signed)) for each in alpaca.ledger.executions]


@pytest.fixture(name="alpaca")
def _alpaca():
    with venue(BARS, ny("15:42:30")) as alpaca:
        yield alpaca


def test_ended_again_and_again_it_trades_as_the_backtest_does(alpaca, tmp_path):
    """Killed with an order for the close sent, ended where it cannot be taken back, ended before and after 19:00, with and without orders sent."""
    lives(alpaca, tmp_path, (ny("15:43:00"), ny("15:46:20"), "killed"), (ny("15:48:00"), ny("15:55:00"), "left"), (ny("15:56:00"), ny("16:10:00"), "stopped"),
          (ny("16:20:00"), ny("18:30:00"), "killed"), (ny("18:59:00"), ny("19:01:30"), "killed"), (ny("22:00:00"), ny("22:30:00"), "stopped"),
          (ny("09:27:00", NEXT), ny("09:33:00", NEXT), "stopped"))
    fills = [fill for fill in engine.run(SPEC.replace(rules="alpaca", signal_start=DAY), bars=BARS).fills if fill.time < alpaca.now]
    assert sorted((each.symbol, float(each.signed), float(each.price)) for each in alpaca.ledger.executions) == sorted(
        (fill.symbol, fill.size, fill.price) for fill in fills)
    sent = [(order.side, order.time_in_force, order.status) for order in alpaca.ledger.orders]
    assert sent == [("buy", "cls", "filled")] * 2 + [("sell", "opg", "canceled")] * 2 + [("sell", "opg", "filled")] * 2


@pytest.mark.parametrize(("begins", "sold"), [
    (ny("16:20:00"), "09:30"), (ny("09:29:00", NEXT), "09:31"), pytest.param(ny("09:30:20", NEXT), "09:31", marks=pytest.mark.soak)])
def test_it_is_sold_in_the_opening_auction_or_once_that_takes_no_orders_on_the_first_bar(alpaca, tmp_path, begins, sold):
    lives(alpaca, tmp_path, (ny("15:43:00"), ny("16:10:00"), "stopped"), (begins, ny("09:33:00", NEXT), "stopped"))
    assert done(alpaca) == BOUGHT + [(f"{NEXT} {sold}", -10.0)] * 2


def test_a_last_bar_that_comes_late_is_sold_on_in_the_opening_auction_all_the_same(alpaca):
    """The connection is lost over the close; the bar on which the sale is decided is one of the past."""
    lived(alpaca, ny("09:33:00", NEXT), SPEC, bars=BARS.between(BEFORE, BEFORE), at_time=[(ny("15:59:20"), lambda live: live.outage(300))])
    assert done(alpaca) == BOUGHT + SOLD


def test_an_entry_at_the_close_that_was_not_sent_is_not_made_up(alpaca, tmp_path):
    """The first run is killed before the bar on which it is decided."""
    lives(alpaca, tmp_path, (ny("15:42:40"), ny("15:43:40"), "killed"), (ny("15:52:00"), ny("16:01:00"), "stopped"))
    assert not alpaca.ledger.orders
