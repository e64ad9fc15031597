"""Two orders are submitted where answers go wrong: each reaches the venue once, the other one undisturbed."""

import threading

import backtrader as bt
import pytest
from alpaca_cerebro import CANCEL_EACH, buy_each, each, played, sell_each, store_of
from alpaca_rest import rest_of
from broker_contract import bracket, buy

from brokers.local_alpaca import AnswerFault, OrderFault
from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM = (100, 101, 99, 100)
BOTH = minutes(AAA=[CALM] * 8, BBB=[(50, 51, 49, 50)] * 8)
DONE = ["Submitted", "Accepted", "Completed"]
HTML = "<html>down</html>"


def post(**how):
    return AnswerFault(method="POST", path="/orders", **how)


def once(outcome):
    """Both orders were sent, filled and told once."""
    assert [outcome.told(symbol) for symbol in ("AAA", "BBB")] == [DONE, DONE]
    assert sorted(order.symbol for order in outcome.ledger.sent()) == ["AAA", "BBB"]
    assert (outcome.traded("AAA"), outcome.traded("BBB")) == ([(10, 100)], [(10, 50)])


@pytest.mark.parametrize("how", [
    dict(lost=True), dict(lost=True, nth=2), dict(reset=True), dict(events_first=True), dict(status=504, body=HTML),
    dict(status=502, body=HTML),
    dict(accepted=False, lost=True), dict(accepted=False, reset=True), dict(accepted=False, status=500, body=HTML),
    dict(accepted=False, status=503, body={"message": "busy"}, times=2),
    dict(accepted=False, status=429, body={}, times=3),
    dict(accepted=False, status=503, body={"message": "busy"}, times=2, nth=2),
], ids=["lost", "second lost", "reset", "events first", "504", "502 HTML", "lost before", "reset before",
        "500 HTML before", "503 burst", "429 burst", "503 burst from the second on"])
def test_an_order_reaches_the_venue_once(how):
    once(played(BOTH, {1: buy_each()}, post(**how)))


def test_an_answer_that_comes_after_its_time_is_no_second_order():
    late = threading.Event()

    def impatient(alpaca):
        store = store_of(alpaca)
        store.rest = rest_of(alpaca, timeout_s=(1.0, 0.2))
        alpaca.on_request(lambda when, request: late.set() if "by_client_order_id" in request.path else None)
        return store

    once(played(BOTH, {1: buy_each()}, post(until=late), store_of=impatient))


@pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
@pytest.mark.parametrize("group", [False, True], ids=["simple", "bracket"])
def test_an_order_whose_answer_stays_lost_is_found_later(group, events):
    """Nothing can be asked for a while either; the other order waits its turn and is sent."""
    def place(s):
        if group:
            bracket(s, size=10, exectype=Order.Market, stopprice=90, limitprice=120)
        else:
            buy(name="entry")(s)
        s.keep("BBB", s.buy(s.datas[1], size=10))

    mute = AnswerFault(method="GET", path="by_client_order_id", status=503, body=HTML, times=20)
    outcome = played(BOTH, {1: place}, post(lost=True), mute, events=events)
    assert outcome.told("entry") == outcome.told("BBB") == DONE
    assert [order.symbol for order in outcome.ledger.sent()] == ["AAA", "BBB"]
    assert any("may or may not exist" in message for message in outcome.messages)
    if group:
        assert outcome.told("stop") == outcome.told("profit") == ["Submitted", "Accepted"]


def test_an_order_that_never_arrived_is_refused_in_the_end():
    """A minute of silence on every POST, then the venue answers again."""
    gone = post(accepted=False, status=503, body=HTML, times=6)  # more than it is tried
    outcome = played(BOTH, {1: buy(), 5: buy_each()}, gone)
    assert outcome.told("order") == ["Submitted", "Rejected"] and "has no order cl-AAA" in outcome.reason("order")
    once(outcome)


@pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
@pytest.mark.parametrize(("status", "body"), [
    (403, {"code": 40310000, "message": "insufficient day trading buying power"}),
    (422, {"code": 42210000, "message": "invalid qty"})], ids=["403", "422"])
def test_a_refusal_is_told_once_with_its_reason(status, body, events):
    outcome = played(BOTH, {1: buy_each()}, post(accepted=False, status=status, body=body), events=events)
    assert outcome.told("AAA") == ["Submitted", "Rejected"] and outcome.reason("AAA") == body["message"]
    assert outcome.told("BBB") == DONE and [order.symbol for order in outcome.ledger.sent()] == ["BBB"]


@pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
@pytest.mark.parametrize("do", ["reject", "reject_after_new"])
def test_a_rejection_after_acceptance_is_told(do, events):
    outcome = played(BOTH, {1: buy_each()}, OrderFault(do=do, symbol="AAA"), events=events)
    assert outcome.told("AAA")[-1] == "Rejected" and outcome.reason("AAA") == "alpaca: rejected"
    assert outcome.told("BBB") == DONE and not outcome.traded("AAA")


@pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
def test_an_order_that_stays_pending_is_not_accepted_and_can_be_cancelled(events):
    outcome = played(BOTH, {1: buy_each(), 4: CANCEL_EACH}, OrderFault(do="stuck", symbol="AAA"), events=events)
    assert outcome.told("AAA") == ["Submitted", "Canceled"] and outcome.told("BBB") == DONE
    assert not outcome.traded("AAA")


@pytest.mark.parametrize("do", [dict(do="slow_new", seconds=90), dict(do="reject", seconds=90)],
                         ids=["new", "rejected"])
def test_what_becomes_of_a_pending_order_late_is_told(do):
    outcome = played(BOTH, {1: buy_each()}, OrderFault(symbol="AAA", **do))
    assert outcome.told("AAA") == (DONE if do["do"] == "slow_new" else ["Submitted", "Rejected"])
    assert outcome.told("BBB") == DONE


# -- refusals on reversal and close ---------------------------------------------------------------------

HELD = dict(positions={"AAA": (10, 90), "BBB": (10, 40)})


def close_each(s):
    for data in s.datas:
        s.keep(data._name, s.close(data))


@pytest.mark.parametrize(("resting", "reason"), [
    (dict(side="sell", qty=10, type="limit", limit_price="110"), "insufficient qty available for order"),
    (dict(side="buy", qty=1, type="limit", limit_price="95"), "potential wash trade detected")],
    ids=["held", "wash trade"])
@pytest.mark.parametrize("action", [close_each, sell_each(25)], ids=["close", "reversal"])
def test_what_only_the_venue_can_know_refuses_one_of_them(resting, reason, action):
    """Somebody else's order, of which nobody has heard yet, is in the way of AAA's."""
    def plan(alpaca):
        def act(s):
            alpaca.outside_order(symbol="AAA", **resting)
            action(s)

        return {2: act, 5: lambda s: alpaca.cancel_externally(alpaca.ledger.orders[0].id)}

    outcome = played(BOTH, plan, venue=HELD)
    assert outcome.told("AAA") == ["Submitted", "Rejected"] and outcome.reason("AAA").startswith(reason)
    assert outcome.told("BBB")[-1] == "Completed" and not outcome.traded("AAA")
    assert sum(shares for shares, _ in outcome.traded("BBB")) == (-10 if action is close_each else -25)


@pytest.mark.parametrize("action", [close_each, sell_each(25)], ids=["close", "reversal"])
def test_our_own_resting_exit_is_not_sold_twice_and_makes_way(action):
    """Refused while the exit of AAA stands; carried out once its cancellation was told."""
    plan = {1: lambda s: s.keep("stop", s.sell(size=10, exectype=Order.Stop, price=90)), 2: action,
            3: lambda s: s.cancel(s.placed["stop"]),
            5: lambda s: s.keep("again", s.sell(size=25 if action is not close_each else 10))}
    outcome = played(BOTH, plan, venue=HELD)
    assert outcome.told("AAA") == ["Submitted", "Rejected"] and "are held by open orders" in outcome.reason("AAA")
    assert outcome.told("stop")[-1] == "Canceled"
    assert outcome.told("again")[-1] == outcome.told("BBB")[-1] == "Completed"
    assert outcome.ledger.positions == ({} if action is close_each else {"AAA": -15, "BBB": -15})


def test_an_order_that_would_trade_with_our_own_is_refused():
    plan = {1: buy_each(exectype=Order.Limit, price=45),
            2: each(lambda s, data: s.keep("out" + data._name, s.sell(data, size=1))
            if data._name == "AAA" else s.cancel(s.placed["BBB"])),
            4: lambda s: s.keep("outBBB", s.sell(s.datas[1], size=1))}
    outcome = played(BOTH, plan)
    assert "could trade with it" in outcome.reason("outAAA") and outcome.told("outBBB") == DONE
    assert outcome.ledger.positions == {"BBB": -1}
