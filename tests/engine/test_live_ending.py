"""A run that is told to stop, at every phase of its life: the venue's books are as asked, or a human is told what is left."""

from decimal import Decimal

import numpy as np
import pytest
from scripted_minutes import SCRIPT, Script, at, flat
from streamed_runs import lived, two_days, venue

from brokers.local_alpaca import AnswerFault, EventFault, OrderFault
from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import AccountLeft, BadSpec, UnknownName
from engine.live.market import Market
from journal import Journal
from journal.account_log import ALERT, OUTCOME

FLAT = SCRIPT.replace(on_stop=None, exits={})
STOPPED = FLAT.replace(exits={"stop": 0.05})
OCO = FLAT.replace(exits={"stop": 0.05, "profit": 0.2})
OPEN = ("new", "accepted", "held", "partially_filled", "pending_new", "pending_cancel", "pending_replace", "accepted_for_bidding")
FRIDAY, TUESDAY = DAYS = "2024-02-16", "2024-02-20"


def ended(alpaca, until, spec, **options):
    """(outcome, code, alerts) of a run that is stopped."""
    events, code = [], 0
    try:
        lived(alpaca, until, spec, heard=events, **options)
    except AccountLeft as left:
        code = left.exit_code
        assert str(left)
    [outcome] = [event for event in events if event.kind == "outcome"]
    assert outcome.facts["code"] == code and outcome.facts["seconds"] <= spec.stop_within + 1.5
    return outcome.facts, code, [event.text for event in events if event.kind == "alert"]


def open_orders(alpaca):
    return [order for order in (alpaca.order(each.id) for each in alpaca.ledger.orders) if order.status in OPEN]


def held(alpaca):
    return {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}


def judge(alpaca, facts, code, alerts):
    """The books are flat and nothing is open, or an alert names everything that is left."""
    left = held(alpaca)
    assert facts["flat"] is (not left) and {symbol: float(qty) for symbol, qty in left.items()} == facts["positions"]
    assert len(open_orders(alpaca)) == len(facts["open_orders"])
    if code == 0:
        assert not left and not open_orders(alpaca) and not alerts
    else:
        assert code == 3 and len(alerts) == 1 and all(symbol in alerts[0] for symbol in left)
    names = [order.client_order_id for order in alpaca.ledger.orders]
    assert len(set(names)) == len(names)


# phase -> (spec, stopped at, faults before, what happens on the way)
PHASES = {
    "entry pending": (FLAT, "09:36:03", [OrderFault(side="buy", do="slow_new", seconds=30)], []),
    "entry partly filled": (FLAT.replace(stop_within=200), "09:37:20", [], [(at("09:35:30"), lambda live: live.alpaca.liquidity.update(AAA=Decimal(70)))]),
    "stops resting": (STOPPED, "09:40:20", [], []),
    "oco resting": (OCO, "09:40:20", [], []),
    "stops that end slowly": (STOPPED, "09:40:20", [OrderFault(type="stop", do="cancel_slow", seconds=20, times=0)], []),
    "a cancel that loses against a fill": (OCO, "09:40:20", [OrderFault(type="limit", do="cancel_filled", qty=30)], []),
    "a stop whose cancel is lost": (STOPPED, "09:40:20", [OrderFault(type="stop", do="cancel_lost")], []),
    "a stop whose cancel fills all of it": (STOPPED, "09:40:20", [OrderFault(type="stop", do="cancel_filled")], []),
    "a reversal between its orders": (FLAT.replace(params={"a": "6:1,10:-1", "b": "6:1"}), "09:40:02",
                                      [OrderFault(side="sell", symbol="AAA", do="slow_new", seconds=15)], []),
    "an exit under way": (STOPPED.replace(params={"a": "6:1,10:0", "b": "6:1"}), "09:40:02",
                          [OrderFault(type="stop", do="cancel_slow", seconds=20, times=0)], []),
    "closing orders refused": (FLAT, "09:40:20", [AnswerFault(method="POST", path="/orders", nth=3, times=3, accepted=False, status=403,
                               body={"code": 40310000, "message": "potential wash trade detected"})], []),
    "closing orders rejected": (FLAT, "09:40:20", [OrderFault(side="sell", type="market", do="reject_after_new", times=3)], []),
    "fills that nobody tells": (FLAT, "09:40:20", [EventFault(event="fill", do="lose", nth=3, times=0)], []),
    "answers lost": (FLAT, "09:40:20", [AnswerFault(method="POST", path="/orders", nth=3, times=1, lost=True)], []),
    "answers lost for long": (FLAT, "09:40:20", [AnswerFault(method="POST", path="/orders", nth=3, times=4, accepted=True, lost=True)], []),
    "an outage that passes": (STOPPED, "09:40:20", [], [(at("09:40:15"), lambda live: live.outage(25))]),
    "the socket down": (STOPPED, "09:40:20", [], [(at("09:40:10"), lambda live: live.drop())]),
    "an entry in slices": (FLAT.replace(execution="twap:10"), "09:40:20", [], []),
    "parts at a time": (FLAT, "09:50:20", [], [(at("09:50:05"), lambda live: live.alpaca.liquidity.update(AAA=Decimal(400)))]),
}


@pytest.mark.parametrize("phase", PHASES)
def test_flat_within_the_deadline(phase):
    spec, until, faults, todo = PHASES[phase]
    with venue(flat(), at("09:34:30")) as alpaca:
        for fault in faults:
            alpaca.faults.add(fault)
        facts, code, alerts = ended(alpaca, at(until), spec, at_time=todo)
        judge(alpaca, facts, code, alerts)
    assert code == 0 and facts["policy"] == "flatten" and facts["why"] == "stopped"
    assert len(alpaca.ledger.orders) >= 2


KEPT = {"stop": (STOPPED, ["stop"]), "oco": (OCO, ["limit", "stop"]), "trail": (FLAT.replace(exits={"trail": 0.05}), ["trailing_stop"])}


@pytest.mark.parametrize("kind", KEPT)
def test_what_is_kept_stays_protected(kind):
    spec, kinds = KEPT[kind]
    with venue(flat(), at("09:34:30")) as alpaca:
        facts, code, alerts = ended(alpaca, at("09:40:20"), spec.replace(on_stop="keep"))
        assert sorted(order.type for order in open_orders(alpaca)) == sorted(kinds * 2) and set(held(alpaca)) == {"AAA", "BBB"}
    assert code == 0 and not alerts and not facts["flat"] and len(facts["open_orders"]) == len(kinds) * 2


@pytest.mark.parametrize("until, todo", [
    ("09:40:20", [(at("09:40:15"), lambda live: [live.alpaca.cancel_externally(order.id) for order in live.alpaca.ledger.orders if order.type == "stop"])]),
    ("09:40:02", [(at("09:35:10"), lambda live: live.alpaca.faults.add(OrderFault(type="stop", do="cancel_slow", seconds=20, times=0)))]),
], ids=["lost its stop", "an exit under way"])
def test_what_is_kept_gets_its_protection_back(until, todo):
    spec = STOPPED.replace(on_stop="keep", params={"a": "6:1,10:0", "b": "6:1"} if todo[0][0] == at("09:35:10") else STOPPED.params)
    with venue(flat(), at("09:34:30")) as alpaca:
        facts, code, _ = ended(alpaca, at(until), spec, at_time=todo)
        assert sorted((order.symbol, order.type, order.qty) for order in open_orders(alpaca)) == sorted(
            (symbol, "stop", qty) for symbol, qty in held(alpaca).items())
    assert code == 0 and not facts["unprotected"]


def test_a_kept_position_that_cannot_be_protected_is_an_alert():
    with venue(flat(), at("09:34:30")) as alpaca:
        lose_stops = lambda live: (
            live.alpaca.faults.add(OrderFault(type="stop", do="reject", times=0)),
            [live.alpaca.cancel_externally(order.id) for order in live.alpaca.ledger.orders if order.type == "stop"])
        facts, code, alerts = ended(alpaca, at("09:40:20"), STOPPED.replace(on_stop="keep", stop_within=10), at_time=[(at("09:40:15"), lose_stops)])
    assert code == 3 and facts["unprotected"] == ["AAA", "BBB"] and "AAA lacks a protective order" in alerts[0]


# -- other reasons, and other phases -----------------------------------------------------------------------


HELD = {"AAA": (50, 100.0), "BBB": (-30, 100.0)}


@pytest.mark.parametrize("spec", [FLAT, OCO], ids=["plain", "oco"])
@pytest.mark.parametrize("bars", [True, False], ids=["while it reads the past", "before its first bar"])
def test_positions_of_an_earlier_process_are_closed_before_the_feeds_are_live(spec, bars):
    with venue(flat(), at("09:45:30"), positions=HELD) as alpaca:
        facts, code, alerts = ended(alpaca, at("09:45:31") if bars else at("09:45:30"), spec)
        judge(alpaca, facts, code, alerts)
        assert code == 0 and [each.client_order_id.split("-")[3] for each in alpaca.ledger.executions] == ["end", "end"]


def test_before_the_open_with_nothing_held():
    with venue(flat(), at("08:00:00")) as alpaca:
        facts, code, _ = ended(alpaca, at("08:30:00"), FLAT)
        assert code == 0 and facts["flat"] and facts["seconds"] < 2 and not alpaca.ledger.orders


def test_the_trading_days_are_over():
    spec = FLAT.replace(start=FRIDAY, trading_days=1, params={"a": "372:1", "b": "372:1"})
    with venue(two_days(rows=390, days=DAYS), f"{FRIDAY}T15:40:30-05:00") as alpaca:
        facts, code, _ = ended(alpaca, f"{TUESDAY}T10:00-05:00", spec.replace(on_stop="flatten_at_open"))
        assert code == 0 and facts["why"] == "its trading days are over" and sorted(order.symbol for order in open_orders(alpaca)) == ["AAA", "BBB"]


class Fails(Script):
    """Has a mistake in it, which shows at minute 12; and sends an order whenever it hears of one."""

    def next(self):
        super().next()
        if self.data.datetime.time().minute == 42:
            raise ZeroDivisionError("a mistake")

    def notify_order(self, order):
        super().notify_order(order)
        if order.status == order.Completed:
            self.buy(size=7)


def test_an_error_inside_the_run_is_an_end_too():
    events = []
    with venue(flat(), at("09:34:30")) as alpaca:
        with pytest.raises(ZeroDivisionError):
            lived(alpaca, at("09:50:30"), FLAT.replace(strategy=f"{__name__}:Fails"), heard=events)
        assert not held(alpaca) and not open_orders(alpaca)
    [outcome] = [event.facts for event in events if event.kind == "outcome"]
    assert outcome["why"] == "ZeroDivisionError: a mistake" and outcome["flat"] and outcome["code"] == 0


def test_an_error_and_an_account_that_is_not_as_asked():
    with venue(flat(), at("09:34:30")) as alpaca:
        alpaca.faults.add(OrderFault(side="sell", do="reject", times=0))
        with pytest.raises(AccountLeft, match="holds .* AAA, 400 BBB.*rejected") as raised:
            lived(alpaca, at("09:50:30"), FLAT.replace(strategy=f"{__name__}:Fails"))
    assert isinstance(raised.value.__cause__, ZeroDivisionError) and raised.value.exit_code == 3


def test_an_account_that_could_not_be_read_is_not_called_flat():
    with venue(flat(), at("09:34:30"), positions=HELD) as alpaca:
        alpaca.faults.add(AnswerFault(method="GET", path="/positions", accepted=False, status=500, times=0))
        _, code, alerts = ended(alpaca, at("09:36:30"), FLAT.replace(stop_within=10))
        assert code == 3 and len(alerts) == 1 and "could not be read" in alerts[0]


def test_an_outage_that_does_not_end_in_time():
    with venue(flat(), at("09:34:30")) as alpaca:
        facts, code, alerts = ended(alpaca, at("09:40:20"), STOPPED.replace(stop_within=20), at_time=[(at("09:40:15"), lambda live: live.outage(3600))])
        judge(alpaca, facts, code, alerts)
        assert code == 3 and facts["seconds"] < 22


def test_orders_and_shares_of_somebody_else_are_left_alone():
    with venue(flat(), at("09:34:30")) as alpaca:
        facts, code, _ = ended(alpaca, at("09:40:20"), FLAT, at_time=[(at("09:38:20"), lambda live: live.alpaca.outside_order(
            symbol="BBB", side="sell", qty="10", type="limit", limit_price="150", time_in_force="gtc") and None)])
        [left] = open_orders(alpaca)
    assert (left.type, float(left.limit_price)) == ("limit", 150.0)
    assert facts["positions"] == {"BBB": 400.0} and code == 3  # its order holds some of them


def test_an_end_is_written_down(tmp_path):
    with venue(flat(), at("09:34:30")) as alpaca, Journal(tmp_path / "journal.db") as journal:
        ended(alpaca, at("09:40:20"), OCO.replace(name="mine"), journal=journal)
        alpaca.faults.add(OrderFault(side="sell", type="market", do="reject", times=0))
        facts, code, _ = ended(alpaca, at("09:50:20"), FLAT.replace(name="mine", stop_within=5, params={"a": "15:1"}), journal=journal)
        notes = journal.account_log.notes(alpaca.account_id, "mine", kinds=(OUTCOME, ALERT))
        done = journal.account_log.executions(alpaca.account_id, "mine")
    assert [(note.kind, note.facts["code"], note.facts["flat"]) for note in notes] == [(OUTCOME, 0, True), (ALERT, 3, False), (OUTCOME, 3, False)]
    assert code == 3 and notes[-1].facts["positions"] == facts["positions"] and len(done) == 5


@pytest.mark.parametrize("changes, words", [
    ({"start": "2099-01-02"}, "start 2099-01-02 is ahead"), ({"signal_start": "2099-01-02"}, "the run would never decide"),
])
def test_a_session_that_never_opens(changes, words):
    with venue(flat(), at("09:34:30")) as alpaca, pytest.raises(BadSpec, match=words):
        lived(alpaca, at("09:36:30"), FLAT.replace(**changes))


def test_a_calendar_without_sessions_ahead_and_one_with_a_far_one():
    calendar = get_calendar("XNYS")
    with pytest.raises(BadSpec, match="ends on 2035-12-31: no session is ahead"):
        Market(ManualClock(int(calendar.closes[-1])), "XNYS").check(FLAT)
    far = int(np.flatnonzero(np.diff(calendar.opens) > 6 * 86_400 * 10**9)[-1])  # September 2001
    assert "in 7 days: the run waits for it" in Market(ManualClock(int(calendar.closes[far]) + 1), "XNYS").check(FLAT.replace(start=None))


@pytest.mark.parametrize("changes, words", [({"on_stop": "flat"}, "did you mean 'flatten'"), ({"stop_within": 0}, "stop_within"),
                                            ({"stop_within": -5}, "stop_within"), ({"stop_within": float("nan")}, "stop_within")])
def test_how_it_ends_is_checked_before_it_begins(changes, words):
    with pytest.raises((BadSpec, UnknownName), match=words):
        FLAT.replace(**changes)


# -- a closed market ------------------------------------------------------------------------------------

def overnight(spec, until, since=f"{FRIDAY}T15:40:30-05:00", **options):
    """A run that enters on Friday afternoon, before a long weekend."""
    alpaca = venue(two_days(rows=390, days=DAYS), since)
    with alpaca:
        facts, code, alerts = ended(alpaca, until, spec.replace(start=FRIDAY, params={"a": "372:1", "b": "372:1"}), **options)
        yield alpaca, facts, code, alerts


@pytest.mark.parametrize("until", [f"{FRIDAY}T16:00:30-05:00", f"{FRIDAY}T18:00-05:00", "2024-02-18T12:00-05:00", f"{TUESDAY}T09:00-05:00"])
def test_flatten_while_the_market_is_closed_is_said_at_once(until):
    for alpaca, facts, code, alerts in overnight(STOPPED, until):
        judge(alpaca, {**facts, "open_orders": open_orders(alpaca)}, code, alerts)
        assert sorted(order.type for order in open_orders(alpaca)) == ["stop", "stop"] and len(held(alpaca)) == 2
        assert code == 3 and facts["seconds"] < 5 and "the market is closed, and opens at 2024-02-20 14:30 UTC" in alerts[0]


@pytest.mark.parametrize("until", [f"{FRIDAY}T16:00:30-05:00", f"{FRIDAY}T18:59-05:00", "2024-02-18T12:00-05:00", f"{TUESDAY}T09:29-05:00"])
@pytest.mark.parametrize("spec", [FLAT, STOPPED, OCO], ids=["plain", "stop", "oco"])
def test_flatten_at_open_leaves_orders_for_the_open(spec, until):
    for alpaca, facts, code, alerts in overnight(spec.replace(on_stop="flatten_at_open"), until):
        assert sorted((order.symbol, order.side, order.qty) for order in open_orders(alpaca)) == sorted(
            (symbol, "sell", qty) for symbol, qty in held(alpaca).items())
        assert code == 0 and not alerts and not facts["flat"] and facts["seconds"] < 30
        alpaca.advance(to=f"{TUESDAY}T09:35-05:00")
        assert not held(alpaca) and not open_orders(alpaca)


def test_flatten_at_open_closes_at_once_in_an_open_market():
    with venue(flat(), at("09:34:30")) as alpaca:
        facts, code, alerts = ended(alpaca, at("09:40:20"), OCO.replace(on_stop="flatten_at_open"))
        judge(alpaca, facts, code, alerts)
    assert code == 0 and facts["flat"]


def test_an_open_that_comes_in_time_is_waited_for():
    for alpaca, facts, code, alerts in overnight(STOPPED, f"{TUESDAY}T09:29:30-05:00"):
        judge(alpaca, facts, code, alerts)
        assert code == 0 and 30 <= facts["seconds"] < 60


def test_a_close_that_comes_between_leaves_the_position_protected():
    halted = [(f"{FRIDAY}T15:59:20-05:00", lambda live: [live.alpaca.halt(symbol) for symbol in ("AAA", "BBB")])]
    for alpaca, facts, code, alerts in overnight(STOPPED, f"{FRIDAY}T15:59:40-05:00", at_time=halted):
        assert sorted((order.symbol, order.type) for order in open_orders(alpaca)) == [("AAA", "stop"), ("BBB", "stop")]
        assert code == 3 and not facts["unprotected"] and "the market is closed" in alerts[0]
