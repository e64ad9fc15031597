"""A run that is told to stop while its orders wait for an auction: from 15:50 and 09:28 on nobody can take them back."""

import backtrader as bt
import pytest
from minute_sessions import minute_bars, new_york
from scripted_minutes import Script
from streamed_runs import lived, venue

from brokers.local_alpaca import OrderFault
from brokers.local_alpaca.moments import moment
from core.errors import AccountLeft
from core.spec import RunSpec

BEFORE, DAY, NEXT = DAYS = "2024-02-20", "2024-02-21", "2024-02-22"
BARS = minute_bars(DAYS)
PENDING = OrderFault(do="cancel_stuck", times=0)  # as Alpaca's support describes it: the order stays pending_cancel


class Leaves(Script):
    """Out in the closing auction."""

    exit_fill = "session_close"


class Overnight(Script):
    """In at the close, out at the open."""

    fill, exit_fill = "session_close", "session_open"


class Adds(bt.Strategy):
    """Holds 10 and buys more at the close, on one symbol; no strategy of ours."""

    def next(self):
        time = self.data.datetime.datetime().strftime("%H:%M")  # UTC
        if time in ("20:45", "20:46"):
            self.buy(self.data, size=10, exectype=bt.Order.Close if time == "20:46" else bt.Order.Market)


SPEC = RunSpec(strategy=f"{__name__}:Leaves", symbols=("AAA", "BBB"), interval="1m", quantity=10, start=BEFORE, stop_within=600)
EXIT = SPEC.replace(params={"a": "375:1,376:0", "b": "375:1"})  # bought at 15:45; AAA is to leave at the close
ENTRY = SPEC.replace(strategy=f"{__name__}:Overnight", params={"a": "376:1,390:0"})
TEXT = "(Close) cannot be taken back any more: executed in the closing auction at 2024-02-21 21:00 UTC, it leaves"


def ny(time, date=DAY):
    return f"{date}T{time}-05:00"


@pytest.fixture(name="alpaca")
def _alpaca():
    with venue(BARS, ny("15:43:30")) as alpaca:
        yield alpaca


def ended(alpaca, spec, until=f"{DAY}T15:58:20-05:00", **options):
    """(outcome, code, alert) of a run that is told to stop."""
    events, code = [], 0
    try:
        lived(alpaca, until, spec, bars=BARS.between(BEFORE, BEFORE), heard=events, **options)
    except AccountLeft as left:
        code = left.exit_code
    [outcome] = [event.facts for event in events if event.kind == "outcome"]
    alerts = [event.text for event in events if event.kind == "alert"]
    assert outcome["code"] == code and len(alerts) == bool(code)
    return outcome, code, "".join(alerts)


def held(alpaca):
    return {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items() if qty}


def done(alpaca):
    return [(each.symbol, float(each.signed), new_york(each.time)[11:]) for each in alpaca.ledger.executions]


@pytest.mark.parametrize("policy, faults", [("flatten", []), ("flatten_at_open", [PENDING])], ids=["refused", "pending"])
def test_an_exit_is_waited_for(alpaca, policy, faults):
    for each in faults:
        alpaca.faults.add(each)
    facts, code, _ = ended(alpaca, EXIT.replace(on_stop=policy))
    assert done(alpaca)[2:] == [("BBB", -10.0, "15:59"), ("AAA", -10.0, "16:00")]
    assert code == 0 and facts["flat"] and not facts["open_orders"] and 95 <= facts["seconds"] < 105


def test_an_exit_beyond_the_deadline_is_left_and_said_at_once(alpaca):
    facts, code, alert = ended(alpaca, EXIT.replace(stop_within=60))
    assert code == 3 and facts["positions"] == {"AAA": 10.0} and facts["seconds"] < 45 and f"sell 10 AAA {TEXT} nothing of AAA" in alert
    alpaca.advance(to=ny("16:01"))
    assert not held(alpaca)


def test_an_exit_that_the_auction_does_not_execute_is_an_alert(alpaca):
    facts, code, alert = ended(alpaca, EXIT, at_time=[(ny("15:57"), lambda live: live.alpaca.halt("AAA"))])
    assert code == 3 and facts["positions"] == {"AAA": 10.0} and not facts["open_orders"] and "the market is closed, and opens at" in alert


@pytest.mark.parametrize("within", [60, pytest.param(600, marks=pytest.mark.soak)])
def test_an_entry_is_held_over_night_and_said(alpaca, within):
    facts, code, alert = ended(alpaca, ENTRY.replace(stop_within=within))
    assert code == 3
    if within == 60:
        assert facts["seconds"] < 5 and facts["flat"] and f"buy 10 AAA {TEXT} 10 of AAA" in alert
        alpaca.advance(to=ny("16:01"))
    else:
        assert facts["positions"] == {"AAA": 10.0} and "the market is closed, and opens at 2024-02-22 14:30 UTC" in alert
    assert held(alpaca) == {"AAA": 10.0} and len(alpaca.ledger.orders) == 1


def test_a_position_that_an_entry_keeps_from_being_closed_is_an_alert(alpaca):
    facts, code, alert = ended(alpaca, ENTRY.replace(strategy=f"{__name__}:Adds", params={}, sizer=None, quantity=None, stop_within=60))
    assert code == 3 and facts["positions"] == {"AAA": 10.0} and f"buy 10 AAA {TEXT} 20 of AAA" in alert
    assert "AAA: an open market order to buy AAA could trade with it" in alert


def test_what_is_kept_is_what_the_auction_brings_and_is_protected(alpaca):
    facts, code, _ = ended(alpaca, ENTRY.replace(on_stop="keep", exits={"stop": 0.05}))
    assert code == 0 and facts["positions"] == held(alpaca) == {"AAA": 10.0}
    assert [order.type for order in alpaca.ledger.orders if order.is_open] == ["stop"]


def test_an_order_of_an_earlier_process_is_bound_as_well(alpaca):
    """The venue says what it is for."""
    ended(alpaca, EXIT.replace(on_stop="keep", stop_within=60))
    facts, code, _ = ended(alpaca, EXIT, ny("15:59:30"))
    assert code == 0 and facts["flat"] and done(alpaca)[-1] == ("AAA", -10.0, "16:00")


# -- the opening auction ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy, within, code", [("flatten", 180, 0), ("flatten", 30, 3), ("flatten_at_open", 30, 0)])
def test_an_exit_at_the_open_stands_from_0928_on(alpaca, policy, within, code):
    _, found, alert = ended(alpaca, ENTRY.replace(on_stop=policy, stop_within=within), ny("09:28:20", NEXT))
    assert found == code and [order.time_in_force for order in alpaca.ledger.orders] == ["cls", "opg"]
    assert "executed in the opening auction at 2024-02-22 14:30 UTC, it leaves nothing of AAA" in alert or code == 0
    alpaca.advance(to=ny("09:31", NEXT))
    assert done(alpaca)[-1] == ("AAA", -10.0, "09:30") and not held(alpaca)


# -- said twice -------------------------------------------------------------------------------------------


def impatient(when):
    """A second signal, at a moment of the end."""
    def interrupt(live):
        raise KeyboardInterrupt

    return [(ny("15:45"), lambda live: live.todo.append((moment(when), interrupt)))]


@pytest.mark.parametrize("spec, until, again, left", [
    (EXIT, ny("15:58:20"), ny("15:59:10"), "10 AAA"), pytest.param(ENTRY.replace(on_stop="keep"), ny("15:58:20"), ny("15:59:10"), "buy 10 AAA", marks=pytest.mark.soak),
    (ENTRY.replace(stop_within=86_400), ny("16:40:00"), ny("16:40:30"), "10 AAA")],
    ids=["an exit at the close", "an entry at the close", "an exit held back until 19:00"])
def test_the_second_signal_ends_it_at_once_and_says_what_is_left(alpaca, spec, until, again, left):
    events = []
    with pytest.raises(KeyboardInterrupt):
        lived(alpaca, until, spec, bars=BARS.between(BEFORE, BEFORE), heard=events, at_time=impatient(again))
    [outcome] = [event.facts for event in events if event.kind == "outcome"]
    [alert] = [event.text for event in events if event.kind == "alert"]
    assert outcome["code"] == 130 and outcome["why"] == "interrupted" and left in alert
    assert moment(again) <= alpaca.now < moment(again) + 70 * 10**9
