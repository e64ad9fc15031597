"""The broker where answers, events and cancellations go wrong; the venue's ledger is the judge."""

import threading

import backtrader as bt
import pytest
from alpaca_cerebro import agree, broker_of, cerebro_of, store_of
from broker_contract import Witness, bracket, buy, pair, sell
from fake_alpaca import AnswerFault, EventFault, FakeAlpaca, OrderFault
from fake_alpaca.made_minutes import minutes

Order = bt.Order
CALM = (100, 101, 99, 100)
ROWS = [CALM] * 8
BOTH = dict(AAA=ROWS, BBB=ROWS)


def play(plan, *faults, prices=None, events=True, check=True, **params):
    """Play a plan with faults on; returns (strategy, store's messages, ledger). In the end broker and venue agree."""
    bars = minutes(**(prices or BOTH))
    with FakeAlpaca(bars, cash=100_000) as alpaca:
        for fault in faults:
            alpaca.faults.add(fault)
        store = store_of(alpaca)
        cerebro = cerebro_of(alpaca, bars, broker_of(alpaca, events, store, **params), plan, Witness)
        messages = []
        cerebro.addstorecb(lambda message, *args, **kwargs: messages.append(message))
        strategy = cerebro.run()[0]
        assert all(fault.struck for fault in faults)
        if check:
            agree(strategy, alpaca)
        return strategy, messages, alpaca.ledger


def both(action):
    """The action, on both symbols at once; orders are kept by symbol."""
    def act(strategy):
        for data in strategy.datas:
            action(strategy, data)
    return act


BUY_BOTH = both(lambda s, data: s.keep(data._name, s.buy(data, size=10)))
LIMIT_BOTH = both(lambda s, data: s.keep(data._name, s.buy(data, size=10, exectype=Order.Limit, price=98)))
CANCEL_BOTH = both(lambda s, data: s.cancel(s.placed[data._name]))


# -- submission -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [
    dict(lost=True), dict(reset=True), dict(events_first=True), dict(status=504, body="<html>"),
    dict(accepted=False, status=500, body="<html>"), dict(accepted=False, status=429, body={}, times=2),
], ids=["lost", "reset", "events first", "504", "500 before", "429"])
def test_an_order_reaches_the_venue_once(trouble):
    strategy, _, ledger = play({1: BUY_BOTH}, AnswerFault(method="POST", path="/orders", **trouble))
    assert [strategy.statuses(order) for order in strategy.placed.values()] == [["Submitted", "Accepted", "Completed"]] * 2
    assert [order.symbol for order in ledger.sent()] == ["AAA", "BBB"]


@pytest.mark.parametrize("order", [buy(), lambda s: bracket(s, size=10, exectype=Order.Market, stopprice=90, limitprice=120)],
                         ids=["simple", "bracket"])
def test_an_order_whose_answer_stays_lost_is_found_later(order):
    lost = AnswerFault(method="POST", path="/orders", lost=True)
    mute = AnswerFault(method="GET", path="by_client_order_id", status=503, body="<html>", times=20)
    strategy, messages, ledger = play({1: order}, lost, mute, prices=dict(AAA=ROWS))
    entry = strategy.placed.get("order") or strategy.placed["entry"]
    assert strategy.statuses(entry) == ["Submitted", "Accepted", "Completed"] and len(ledger.sent()) == 1
    assert any("may or may not exist" in message for message in messages)
    for name in {"stop", "profit"} & set(strategy.placed):
        assert strategy.statuses(strategy.placed[name]) == ["Submitted", "Accepted"]


def test_an_order_that_never_arrived_is_refused_in_the_end():
    gone = AnswerFault(method="POST", path="/orders", accepted=False, status=503, body="<html>", times=30)
    strategy, _, ledger = play({1: buy()}, gone, prices=dict(AAA=ROWS))
    order = strategy.placed["order"]
    assert strategy.statuses(order) == ["Submitted", "Rejected"] and "has no order cl-AAA" in order.info["reason"]
    assert not ledger.sent()


@pytest.mark.parametrize("do", ["reject", "reject_after_new"])
def test_a_rejection_after_acceptance_is_told(do):
    strategy, _, _ = play({1: BUY_BOTH}, OrderFault(do=do, symbol="AAA"))
    assert strategy.statuses(strategy.placed["AAA"])[-1] == "Rejected"
    assert strategy.placed["AAA"].info["reason"] == "alpaca: rejected"
    assert strategy.statuses(strategy.placed["BBB"])[-1] == "Completed"


def test_an_order_that_is_stuck_is_not_accepted_and_can_be_cancelled():
    strategy, _, _ = play({1: BUY_BOTH, 3: CANCEL_BOTH}, OrderFault(do="stuck", symbol="AAA"))
    assert strategy.statuses(strategy.placed["AAA"]) == ["Submitted", "Accepted", "Canceled"] or (
        strategy.statuses(strategy.placed["AAA"]) == ["Submitted", "Canceled"])


# -- events ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["new", "fill", "partial_fill", "canceled"])
@pytest.mark.parametrize("do", ["lose", "duplicate", "delay", "shuffle", "swap", "rename", "status", "alien"])
def test_events_that_go_wrong_do_no_harm(event, do):
    """Each symbol is bought in parts; what is left is cancelled on bar 4."""
    bars = minutes(AAA=[CALM] * 10, BBB=[CALM] * 10)
    with FakeAlpaca(bars, cash=100_000, seed=3) as alpaca:
        alpaca.faults.add(EventFault(event=event, symbol="AAA", do=do, seconds=40))
        alpaca.liquidity = {"AAA": 4, "BBB": 4}
        plan = {1: both(lambda s, data: s.keep(data._name, s.buy(data, size=12 if event == "fill" else 90))), 4: CANCEL_BOTH}
        strategy = cerebro_of(alpaca, bars, broker_of(alpaca), plan, Witness).run()[0]
        agree(strategy, alpaca)
        for order in strategy.placed.values():
            told = strategy.statuses(order)
            assert told == ["Submitted", "Accepted", "Partial", "Completed" if event == "fill" else "Canceled"]


def test_updates_from_another_thread_are_applied_in_cerebros():
    bars = minutes(AAA=ROWS)
    with FakeAlpaca(bars) as alpaca:
        broker = broker_of(alpaca)
        seen = []
        original = alpaca.updates.listeners.pop()
        queue, done = [], threading.Event()

        def told(update):
            queue.append(update)

        def deliver():
            while not done.wait(0.001):
                while queue:
                    original(queue.pop(0))

        alpaca.updates.listeners.append(told)
        thread = threading.Thread(target=deliver)
        thread.start()

        class Watching(Witness):
            def notify_order(self, order):
                seen.append(threading.current_thread())
                super().notify_order(order)

        strategy = cerebro_of(alpaca, bars, broker, {1: buy(), 4: sell(name="out")}, Watching).run()[0]
        done.set()
        thread.join()
        broker.next()
        agree(strategy, alpaca)
        assert set(seen) == {threading.main_thread()}


# -- cancelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "end"), [("cancel_slow", "Canceled"), ("cancel_lost", "Canceled"),
                                         ("cancel_filled", "Completed")])
def test_a_cancellation_is_told_when_the_venue_confirms_it(do, end):
    fault = OrderFault(do=do, symbol="AAA", seconds=70)
    strategy, _, _ = play({1: LIMIT_BOTH, 2: CANCEL_BOTH}, fault)
    assert strategy.statuses(strategy.placed["AAA"]) == ["Submitted", "Accepted", end]
    assert strategy.statuses(strategy.placed["BBB"])[-1] == "Canceled"
    heard = {name: bar for bar, _, name, _ in strategy.seen}
    assert heard == {"AAA": 4, "BBB": 3}  # bars of the last notification


def test_a_cancellation_that_stays_stuck_is_asked_for_again_and_never_told():
    strategy, _, _ = play({1: LIMIT_BOTH, 2: CANCEL_BOTH}, OrderFault(do="cancel_stuck", symbol="AAA"))
    assert strategy.statuses(strategy.placed["AAA"]) == ["Submitted", "Accepted"]


def test_a_lost_answer_to_a_cancellation_is_no_second_order():
    strategy, _, _ = play({1: LIMIT_BOTH, 2: CANCEL_BOTH}, AnswerFault(method="DELETE", path="/orders", lost=True))
    assert {strategy.statuses(order)[-1] for order in strategy.placed.values()} == {"Canceled"}


def test_a_sibling_that_ends_without_a_word_is_found():
    prices = dict(AAA=[CALM, CALM, CALM, (100, 111, 100, 111), CALM, CALM, CALM])
    strategy, _, _ = play({1: buy(), 2: pair}, OrderFault(do="silent_sibling"), prices=prices)
    assert strategy.statuses(strategy.placed["profit"])[-1] == "Completed"
    assert strategy.statuses(strategy.placed["stop"])[-1] == "Canceled"


def test_a_bracket_cancelled_after_a_part_of_its_entry_keeps_the_part():
    bars = minutes(AAA=ROWS)
    with FakeAlpaca(bars) as alpaca:
        alpaca.liquidity = {"AAA": 3}
        plan = {1: lambda s: bracket(s, size=30, exectype=Order.Market, stopprice=90, limitprice=120),
                2: lambda s: s.cancel(s.placed["entry"])}
        strategy = cerebro_of(alpaca, bars, broker_of(alpaca), plan, Witness).run()[0]
        agree(strategy, alpaca)
        assert [strategy.statuses(strategy.placed[name])[-1] for name in ("entry", "stop", "profit")] == ["Canceled"] * 3
        assert 0 < strategy.placed["entry"].executed.size < 30


# -- refusals that need a second look -------------------------------------------------------------------


def test_an_order_that_would_trade_with_our_own_is_refused():
    plan = {1: buy(exectype=Order.Limit, price=98, name="resting"), 2: sell(exectype=Order.Market)}
    strategy, _, ledger = play(plan, prices=dict(AAA=ROWS))
    assert "could trade with it" in strategy.placed["order"].info["reason"] and len(ledger.sent()) == 1


def test_shares_promised_to_an_exit_are_not_sold_twice():
    plan = {1: buy(), 3: sell(exectype=Order.Stop, price=90, name="stop"), 4: sell(name="again")}
    strategy, _, _ = play(plan, prices=dict(AAA=ROWS))
    assert "are held by open orders" in strategy.placed["again"].info["reason"]


# -- the venue is away ----------------------------------------------------------------------------------


def test_an_outage_ends_no_run():
    bars = minutes(**BOTH)
    with FakeAlpaca(bars, cash=100_000) as alpaca:
        plan = {1: BUY_BOTH, 3: lambda s: alpaca.outage(150), 4: sell(name="away"), 7: sell(name="back", size=1)}
        strategy = cerebro_of(alpaca, bars, broker_of(alpaca, events=False), plan, Witness).run()[0]
        strategy.broker.reconcile()
        agree(strategy, alpaca)
        assert strategy.placed["away"].status in (Order.Rejected, Order.Completed)


def test_revoked_keys_end_no_run():
    bars = minutes(**BOTH)
    with FakeAlpaca(bars, cash=100_000) as alpaca:
        plan = {1: BUY_BOTH, 3: lambda s: (alpaca.revoke_keys(), s.keep("late", s.sell(size=1)))}
        strategy = cerebro_of(alpaca, bars, broker_of(alpaca, events=False), plan, Witness).run()[0]
        assert strategy.statuses(strategy.placed["late"]) == ["Submitted"] and len(strategy.accounts) == 8
        alpaca.revoke_keys(False)
        strategy.broker.reconcile()
        agree(strategy, alpaca)
