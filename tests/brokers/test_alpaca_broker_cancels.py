"""Cancelling two orders at once, and replacements: the end is what the venue says, whichever comes first."""

import backtrader as bt
import pytest
from alpaca_cerebro import CANCEL_EACH, buy_each, played

from brokers.local_alpaca import AnswerFault, OrderFault
from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM = (100, 101, 99, 100)
BOTH = minutes(AAA=[CALM] * 8, BBB=[CALM] * 8)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
LIMITS = buy_each(exectype=Order.Limit, price=98)
PLAN = {1: LIMITS, 2: CANCEL_EACH}
RESTING = ["Submitted", "Accepted"]


def only_bbb_ended(outcome):
    assert outcome.told("BBB") == [*RESTING, "Canceled"] and not outcome.traded("BBB")


@pytest.mark.parametrize(("do", "end"), [("cancel_slow", "Canceled"), ("cancel_lost", "Canceled"),
                                         ("cancel_filled", "Completed")])
def test_a_cancellation_is_told_when_the_venue_confirms_it(do, end):
    outcome = played(BOTH, PLAN, OrderFault(do=do, symbol="AAA", seconds=70))
    assert outcome.told("AAA") == [*RESTING, end]
    only_bbb_ended(outcome)
    heard = {name: bar for bar, _, name, _ in outcome.strategy.seen}
    assert heard == {"AAA": 4, "BBB": 3}  # bars of the last notification


@EVENTS
def test_a_cancellation_that_loses_against_the_last_fill_ends_completed(events):
    outcome = played(BOTH, PLAN, OrderFault(do="cancel_filled", symbol="AAA"), events=events)
    assert outcome.told("AAA") == [*RESTING, "Completed"] and outcome.traded("AAA") == [(10, 100)]
    only_bbb_ended(outcome)


@EVENTS
def test_shares_filled_during_a_cancellation_are_kept(events):
    outcome = played(BOTH, PLAN, OrderFault(do="cancel_filled", symbol="AAA", qty=4, seconds=30), events=events)
    assert outcome.told("AAA") == [*RESTING, "Partial", "Canceled"] and outcome.traded("AAA") == [(4, 100)]
    only_bbb_ended(outcome)


@EVENTS
def test_a_cancellation_that_stays_stuck_is_asked_for_again_and_never_told(events):
    outcome = played(BOTH, PLAN, OrderFault(do="cancel_stuck", symbol="AAA"), events=events)
    assert outcome.told("AAA") == RESTING
    asked = [request for request in outcome.ledger.asked("DELETE")
             if request.path.endswith(outcome.ledger.sent("AAA")[0].id)]
    assert len(asked) > 2
    only_bbb_ended(outcome)


@EVENTS
@pytest.mark.parametrize("how", [dict(lost=True), dict(reset=True), dict(accepted=False, lost=True),
                                 dict(status=504, body="<html>"),
                                 dict(accepted=False, status=500, body="<html>", times=3)],
                         ids=["lost", "reset", "lost before", "504", "500 before"])
def test_a_lost_answer_to_a_cancellation_is_asked_for_again(how, events):
    outcome = played(BOTH, PLAN, AnswerFault(method="DELETE", path="/orders", **how), events=events)
    assert outcome.told("AAA") == [*RESTING, "Canceled"]
    only_bbb_ended(outcome)
    assert len(outcome.ledger.orders) == 2


# -- replacements, which others ask for -------------------------------------------------------------------


def replaced(alpaca, **change):
    """Ask for AAA's order to be replaced, as from the dashboard."""
    def act(s):
        with alpaca.lock:
            alpaca.desk.replace(alpaca.ledger.sent("AAA")[0].id, change)
            alpaca.settle()
    return act


@EVENTS
def test_an_order_replaced_elsewhere_ends_and_its_successor_is_followed(events):
    outcome = played(BOTH, lambda alpaca: {1: LIMITS, 2: replaced(alpaca, limit_price="101")}, events=events,
                     reconcile_s=60.0)
    assert outcome.told("AAA") == [*RESTING, "Canceled"] and outcome.reason("AAA") == "alpaca: replaced"
    assert outcome.strategy.accounts[-1][2] == {"AAA": 10, "BBB": 0} and outcome.told("BBB") == RESTING


@EVENTS
def test_a_replacement_that_loses_against_a_fill_changes_nothing(events):
    outcome = played(BOTH, lambda alpaca: {1: LIMITS, 2: replaced(alpaca, limit_price="97")},
                     OrderFault(do="replace_filled", symbol="AAA"), events=events)
    assert outcome.told("AAA") == [*RESTING, "Completed"] and outcome.traded("AAA") == [(10, 98)]
    assert [order.status for order in outcome.ledger.orders if order.replaces] == ["rejected"]
    assert outcome.strategy.accounts[-1][2] == {"AAA": 10, "BBB": 0} and outcome.told("BBB") == RESTING


@EVENTS
def test_a_successor_is_for_what_the_part_has_left(events):
    """AAA is filled in part, replaced, and its successor is filled: ten shares, not more."""
    def raise_limit(alpaca):
        def act(s):
            alpaca.fill(alpaca.ledger.sent("AAA")[0].id, 4, 98)
            replaced(alpaca, limit_price="101")(s)
        return {1: LIMITS, 2: act}

    outcome = played(BOTH, raise_limit, events=events, reconcile_s=60.0)
    assert outcome.told("AAA") == [*RESTING, "Partial", "Canceled"]
    assert outcome.strategy.placed["AAA"].executed.size == 4
    assert outcome.strategy.accounts[-1][2] == {"AAA": 10, "BBB": 0} and outcome.told("BBB") == RESTING


@EVENTS
def test_a_cancellation_from_elsewhere_is_told(events):
    def plan(alpaca):
        return {1: LIMITS, 2: lambda s: alpaca.cancel_externally(alpaca.ledger.sent("AAA")[0].id)}

    outcome = played(BOTH, plan, events=events)
    assert outcome.told("AAA") == [*RESTING, "Canceled"] and outcome.reason("AAA") == "alpaca: canceled"
    assert outcome.told("BBB") == RESTING
