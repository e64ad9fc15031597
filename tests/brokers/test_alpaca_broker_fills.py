"""Fills of two orders at once, in parts, told wrongly or not at all: shares and cash are the venue's in the end."""

import threading

import backtrader as bt
import pytest
from alpaca_cerebro import CANCEL_EACH, broker_of, buy_each, cerebro_of, judge, played, sell_each
from broker_contract import Witness

from brokers.local_alpaca import EventFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
BOTH = minutes(AAA=[CALM] * 10, BBB=[HALF] * 10)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
PARTS = ["Submitted", "Accepted", "Partial"]


@EVENTS
def test_several_parts_make_a_whole(events):
    outcome = played(BOTH, {1: buy_each(12), 5: sell_each(12, "out")}, events=events, liquidity=dict(AAA=4, BBB=12))
    assert outcome.told("AAA") == outcome.told("outAAA") == [*PARTS, "Completed"]
    assert outcome.told("BBB") == outcome.told("outBBB") == ["Submitted", "Accepted", "Completed"]
    assert outcome.traded("AAA") == [(4, 100)] * 3 + [(-4, 100)] * 3 and outcome.traded("BBB") == [(12, 50), (-12, 50)]
    assert outcome.ledger.positions == {}


@EVENTS
def test_what_is_left_after_parts_is_cancelled(events):
    outcome = played(BOTH, {1: buy_each(12), 2: CANCEL_EACH}, events=events, liquidity=dict(AAA=4))
    assert outcome.told("AAA") == [*PARTS, "Canceled"] and outcome.told("BBB") == ["Submitted", "Accepted", "Completed"]
    assert outcome.traded("AAA") == [(4, 100)] * 2 and outcome.traded("BBB") == [(12, 50)]


@pytest.mark.parametrize("event", ["new", "fill", "partial_fill", "canceled"])
@pytest.mark.parametrize("do", ["lose", "duplicate", "delay", "shuffle", "swap", "rename", "status", "alien"])
def test_events_that_go_wrong_do_no_harm(event, do):
    """Both are bought in parts, AAA's events go wrong; what is left is cancelled on bar 4."""
    fault = EventFault(event=event, symbol="AAA", do=do, seconds=40)
    plan = {1: buy_each(12 if event == "fill" else 90), 4: CANCEL_EACH}
    outcome = played(BOTH, plan, fault, liquidity=dict(AAA=4, BBB=4), venue=dict(seed=3))
    assert outcome.told("AAA") == outcome.told("BBB") == [*PARTS, "Completed" if event == "fill" else "Canceled"]
    assert sum(shares for shares, _ in outcome.traded("AAA")) == sum(shares for shares, _ in outcome.traded("BBB"))


@pytest.mark.parametrize("do", ["lose", "duplicate", "shuffle", "rename", "status"])
def test_every_event_of_a_symbol_goes_wrong(do):
    fault = EventFault(symbol="AAA", do=do, seconds=40, times=0)
    outcome = played(BOTH, {1: buy_each(12), 6: sell_each(5, "out")}, fault, liquidity=dict(AAA=4, BBB=4))
    assert [outcome.told(name)[-1] for name in ("AAA", "BBB", "outAAA", "outBBB")] == ["Completed"] * 4
    assert outcome.ledger.positions == {"AAA": 7, "BBB": 7}


def test_a_part_that_nobody_told_is_read_when_the_next_one_shows_it():
    def plan(alpaca):
        def part(qty, price):
            return lambda s: alpaca.fill(alpaca.ledger.sent("AAA")[0].id, qty, price)

        return {1: buy_each(exectype=Order.Limit, price=45), 3: part(4, 44), 5: part(3, 43)}

    outcome = played(BOTH, plan, EventFault(event="partial_fill", symbol="AAA"))
    assert outcome.told("AAA") == PARTS and outcome.told("BBB") == ["Submitted", "Accepted"]
    assert outcome.strategy.placed["AAA"].executed.size == 7 and outcome.traded("AAA") == [(4, 44), (3, 43)]


@EVENTS
def test_a_day_order_expires_after_a_part_and_the_other_goes_on(events):
    def place(s):
        s.keep("AAA", s.buy(s.datas[0], size=10, exectype=Order.Limit, price=100, valid=Order.DAY))
        s.keep("BBB", s.buy(s.datas[1], size=10, exectype=Order.Limit, price=45))

    bars = minutes(AAA=[CALM] * 2 + [None] * 387 + [(101, 101, 101, 101)], BBB=[HALF] * 2 + [None] * 387 + [HALF])
    outcome = played(bars, {1: place}, events=events, liquidity=dict(AAA=2))
    assert outcome.told("AAA") == [*PARTS, "Expired"] and outcome.reason("AAA") == "alpaca: expired"
    assert outcome.told("BBB") == ["Submitted", "Accepted"]
    assert [order.status for order in outcome.ledger.sent("BBB")] == ["new"]


def test_updates_from_another_thread_are_applied_in_cerebros():
    with LocalAlpaca(BOTH) as alpaca:
        broker = broker_of(alpaca)
        seen = []
        original = alpaca.updates.listeners.pop()
        queue, done = [], threading.Event()
        alpaca.updates.listeners.append(queue.append)

        def deliver():
            while not done.wait(0.001):
                while queue:
                    original(queue.pop(0))

        thread = threading.Thread(target=deliver)
        thread.start()

        class Watching(Witness):
            def notify_order(self, order):
                seen.append(threading.current_thread())
                super().notify_order(order)

        strategy = cerebro_of(alpaca, BOTH, broker, {1: buy_each(), 4: sell_each(4, "out")}, Watching).run()[0]
        done.set()
        thread.join()
        broker.next()
        judge(strategy, alpaca)
        assert set(seen) == {threading.main_thread()} and alpaca.ledger.positions == {"AAA": 6, "BBB": 6}
