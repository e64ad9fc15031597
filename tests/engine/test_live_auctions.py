"""The intraday strategies and orders for the auctions, live on the local Alpaca; its ledger judges."""

import datetime as dt

import numpy as np
import pytest
from live_days import SPEC as DAILY
from live_days import Days, panel
from live_days import venue as daily_venue
from minute_sessions import THREE_DAYS, closing, minute_bars, new_york
from streamed_runs import SYMBOLS, held, lived, venue

import engine
from brokers.local_alpaca import EventFault
from brokers.local_alpaca.moments import moment
from core.errors import BadSpec
from core.spec import RunSpec
from engine.build import build
from engine.live.wanted import check_daily
from strategies import TargetStrategy

EVENING, FIRST, *_, LAST = "2024-11-26", *THREE_DAYS
BARS = minute_bars((EVENING, *THREE_DAYS))
SPEC = RunSpec(symbols=SYMBOLS, interval="1m", quantity=10, on_stop="keep", start=EVENING)


def ny(time, date=FIRST):
    return f"{date}T{time}-05:00"


def played(spec, until, bars=BARS, **options):
    """Stream a spec from the first open on; (the venue's orders, its executions, the strategy)."""
    with venue(bars, ny("09:29:30")) as alpaca:
        strategy, _ = lived(alpaca, until, spec, bars=bars.between(EVENING, EVENING), **options)
        assert held(strategy) == {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items()}
        return list(alpaca.ledger.orders), list(alpaca.ledger.executions), strategy


def times(executions, symbol=""):
    """When, by New York's clocks."""
    return [new_york(each.time) for each in executions if each.symbol == symbol or not symbol]


def trades(executions):
    """(symbol, size, price), sorted."""
    return sorted((each.symbol, float(each.signed), float(each.price)) for each in executions)


def backtest(spec, bars=BARS, **changes):
    """(symbol, size, price) of the fills of the same days."""
    result = engine.run(spec.replace(rules="alpaca", signal_start=FIRST, **changes), bars=bars)
    return sorted((fill.symbol, fill.size, fill.price) for fill in result.fills)


@pytest.mark.parametrize(("name", "forces"), [
    ("BuyCloseSellOpen", {"cls", "opg"}), pytest.param("ShortTermMomentum", {"day", "cls"}, marks=pytest.mark.soak),
    pytest.param("TimeOfDay", {"day"}, marks=pytest.mark.soak)])
def test_three_days_live_are_the_backtest_fill_by_fill(name, forces):
    """A day before a holiday, a half day, a weekend, and the day after it."""
    spec = SPEC.replace(strategy=name, params={"threshold": 0.001} if name == "ShortTermMomentum" else {})
    orders, done, _ = played(spec, ny("16:01:00", LAST))
    assert trades(done) == backtest(spec)
    assert {order.time_in_force for order in orders} == forces and {order.status for order in orders} == {"filled"}
    assert len(done) == (10 if name == "BuyCloseSellOpen" else 12)
    rows, kinds = [new_york(at) for at in BARS.index], {order.id: order.time_in_force for order in orders}
    for each in done:
        day, at, found = new_york(each.time)[:10], BARS.column(each.symbol), (new_york(each.time), float(each.price))
        closes = f"{day} {closing(day)}"
        if kinds[each.order_id] == "cls":
            assert found == (closes, BARS.raw_close[rows.index(closes), at])
        elif kinds[each.order_id] == "opg":
            assert found == (f"{day} 09:30", BARS.raw_open[rows.index(f"{day} 09:31"), at])


def test_an_order_for_the_open_waits_in_the_broker_until_its_window():
    orders, done, _ = played(SPEC.replace(strategy="BuyCloseSellOpen"), ny("09:35:00", THREE_DAYS[1]))
    sent = sorted(new_york(order.created_at) for order in orders if order.time_in_force == "opg")
    assert [time[:13] for time in sent] == [f"{FIRST} 19"] * 2 and sent[-1] <= f"{FIRST} 19:01"
    assert times(done)[2:] == [f"{THREE_DAYS[1]} 09:30"] * 2


def test_a_run_that_ends_while_it_waits_sends_nothing():
    orders, done, _ = played(SPEC.replace(strategy="BuyCloseSellOpen"), ny("16:30:00"))
    assert {order.time_in_force for order in orders} == {"cls"} and len(done) == 2


def test_a_fill_that_is_told_late_is_sold_in_the_opening_auction_all_the_same():
    """The closing auction's fills are told a minute after the bar on which the sale is decided."""
    spec, day = SPEC.replace(strategy="BuyCloseSellOpen"), THREE_DAYS[1]
    with venue(BARS, ny("15:30:30")) as alpaca:
        alpaca.faults.add(EventFault(event="fill", do="delay", seconds=60, times=2))
        lived(alpaca, ny("09:35:00", day), spec, bars=BARS.between(EVENING, EVENING))
        done = [(new_york(each.time), float(each.signed)) for each in alpaca.ledger.executions]
        orders = [(order.side, order.time_in_force, order.status) for order in alpaca.ledger.orders]
    assert done == [(f"{FIRST} 16:00", 10.0)] * 2 + [(f"{day} 09:30", -10.0)] * 2
    assert orders == [("buy", "cls", "filled")] * 2 + [("sell", "opg", "filled")] * 2


def test_what_an_ended_run_should_have_sold_is_sold_by_the_next_one():
    """The first run ends at 16:30 with its exits unsent; the next one begins after the open, on a half day."""
    spec, day = SPEC.replace(strategy="BuyCloseSellOpen"), THREE_DAYS[1]
    with venue(BARS, ny("15:30:30")) as alpaca:
        history = BARS.between(EVENING, EVENING)
        lived(alpaca, ny("16:30:00"), spec, bars=history)
        alpaca.advance(to=ny("10:30:30", day))
        lived(alpaca, ny("10:40:00", day), spec, bars=BARS.between(EVENING, FIRST))
        done = [(new_york(each.time), float(each.signed)) for each in alpaca.ledger.executions]
    assert done == [(f"{FIRST} 16:00", 10.0)] * 2 + [(f"{day} 10:31", -10.0)] * 2


def test_what_the_closing_auction_does_not_fill_is_sold_as_soon_as_it_trades():
    """AAA is halted from 15:50 on until the next morning."""
    spec = SPEC.replace(strategy="ShortTermMomentum", params={"threshold": -1.0})
    halts = [(ny("15:50:00"), lambda live: live.alpaca.halt("AAA")), (ny("09:40:00", THREE_DAYS[1]), lambda live: live.alpaca.resume("AAA"))]
    orders, done, _ = played(spec, ny("09:45:00", THREE_DAYS[1]), at_time=halts)
    mine = [(order.time_in_force, order.status) for order in orders if order.symbol == "AAA"]
    assert mine == [("day", "filled"), ("cls", "expired"), ("day", "filled")]
    assert [time[:15] for time in times(done, "AAA")] == [f"{FIRST} 10:0", f"{THREE_DAYS[1]} 09:4"]
    assert times(done, "BBB") == [f"{FIRST} 10:00", f"{FIRST} 16:00"]


def test_an_exit_that_comes_too_late_for_the_close_is_sold_in_the_market():
    """No symbol trades from 15:44 to 15:51: live and simulated alike."""
    bars = minute_bars((EVENING, FIRST), silent=[("", FIRST, "15:44", "15:51")])
    spec = SPEC.replace(strategy="ShortTermMomentum", params={"threshold": -1.0})
    orders, done, strategy = played(spec, ny("16:01:00"), bars)
    assert times(done) == [f"{FIRST} 10:00"] * 2 + [f"{FIRST} 15:53"] * 2
    assert trades(done) == backtest(spec, bars)
    refused = [order for order in strategy.broker.orders if order.getstatusname() == "Rejected"]
    assert len(refused) == 2 and all("ten minutes before the close" in order.info["reason"] for order in refused)
    assert {order.time_in_force for order in orders} == {"day"}


@pytest.mark.parametrize(("changes", "words"), [
    ({"fractional": True}, "Alpaca's auctions take whole shares only"), ({"interval": "1d"}, "trades in the next one|decides within the day"),
    ({"strategy": "TimeOfDay", "interval": "1d"}, "TimeOfDay decides within the day and the bars are 1d"),
    ({"strategy": "ShortTermMomentum", "fractional": True}, "whole shares"), ({"interval": "30m"}, "too coarse")])
def test_what_cannot_reach_its_auction_does_not_begin(changes, words):
    with venue(BARS, ny("09:29:30")) as alpaca, pytest.raises(BadSpec, match=words):
        lived(alpaca, ny("09:40:00"), SPEC.replace(**{"strategy": "BuyCloseSellOpen", **changes}))
    assert not alpaca.ledger.orders and moment(ny("09:29:30")) <= alpaca.now < moment(ny("09:31"))


def test_a_plain_fill_needs_no_whole_shares():
    with venue(BARS, ny("09:29:30")) as alpaca:
        from alpaca_minutes_live import Live

        live = Live(alpaca, ny("09:30"))
        build(SPEC.replace(strategy="TimeOfDay", fractional=True), broker=live.store)
        live.store.stop()


class LeavesAtTheClose(TargetStrategy):
    """In at the open, out at the close, turn and turn about, on daily bars."""

    exit_fill = "session_close"

    @classmethod
    def signals(cls, bars, p):
        return np.repeat(bars.session.astype(int)[:, None] % 2, len(bars.symbols), axis=1).astype(float)


def test_the_daily_run_sends_by_intent_too(tmp_path):
    bars = panel(rows=220)
    spec = DAILY.replace(strategy=f"{__name__}:LeavesAtTheClose", params={}, signal_start="2024-02-14")
    with daily_venue(bars, now="2024-02-14T16:25-05:00") as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec)
        for date in ("2024-02-14", "2024-02-15", "2024-02-16"):
            days.at("16:30", dt.date.fromisoformat(date))
            days.once()
            days.at("19:30")
            days.once()
        forces = {(order.client_order_id.split("-")[3], order.time_in_force) for order in alpaca.ledger.orders}
    assert forces >= {("enter", "opg"), ("exit", "cls")} and not forces & {("enter", "cls"), ("exit", "opg")}


def test_a_daily_run_of_minutes_is_refused():
    with pytest.raises(BadSpec, match="TimeOfDay decides within the day and the bars are 1d"):
        check_daily(RunSpec(strategy="TimeOfDay", symbols=SYMBOLS))
