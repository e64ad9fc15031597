"""What the account brings along, what others do to it, and what a restart finds."""

from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_cerebro import agree, broker_of, cerebro_of, store_of
from broker_contract import Witness, buy, sell
from fake_alpaca import AccountRules, AnswerFault, EventFault, FakeAlpaca
from fake_alpaca.ledger import Entry
from fake_alpaca.made_minutes import minutes
from fake_alpaca.shapes import order_json

from brokers.alpaca.trade_stream import TradeUpdate

Order = bt.Order
CALM = (100, 101, 99, 100)
BARS = minutes(AAA=[CALM] * 8, BBB=[(50, 51, 49, 50)] * 8)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])


def play(alpaca, plan, events=True, **params):
    """Play a plan; returns (strategy, messages)."""
    cerebro = cerebro_of(alpaca, BARS, broker_of(alpaca, events, **params), plan, Witness)
    messages = []
    cerebro.addstorecb(lambda message, *args, **kwargs: messages.append(message))
    return cerebro.run()[0], messages


# -- the account at the start ---------------------------------------------------------------------------


def test_a_position_from_before_is_there_and_closes_as_a_trade():
    with FakeAlpaca(BARS, positions={"AAA": (10, 90)}) as alpaca:
        strategy, messages = play(alpaca, {1: sell()})
        assert strategy.accounts[0] == (100_000, 101_000, {"AAA": 10, "BBB": 0})
        assert strategy.trades == [("AAA", pytest.approx(100))] and "10 shares of AAA were held at the start" in messages
        assert {ref for ref, _ in strategy.told} == {strategy.placed["order"].ref}
        agree(strategy, alpaca)


@EVENTS
def test_an_open_order_from_before_is_followed(events):
    with FakeAlpaca(BARS) as alpaca:
        alpaca.advance(to="2024-03-01T09:30-05:00")
        alpaca.liquidity = {"BBB": Decimal(3)}
        alpaca.outside_order(symbol="BBB", side="buy", qty=50)
        alpaca.advance(seconds=20)
        strategy, messages = play(alpaca, {}, events)
        assert any("is not of this run and is followed" in message for message in messages)
        assert [status for _, status in strategy.told[:3]] == ["Submitted", "Accepted", "Partial"]
        assert strategy.accounts[0][2]["BBB"] > 0
        agree(strategy, alpaca)


def test_until_the_account_has_been_read_nothing_is_sent():
    with FakeAlpaca(BARS) as alpaca:
        broker = broker_of(alpaca, events=False)
        alpaca.faults.add(AnswerFault(method="GET", path="positions", status=503, body="<html>", times=30))
        strategy = cerebro_of(alpaca, BARS, broker, {1: buy(name="early"), 5: buy(name="later")}, Witness).run()[0]
        assert strategy.placed["early"].info["reason"] == "the account has not been read yet"
        assert strategy.statuses(strategy.placed["later"])[-1] == "Completed"
        agree(strategy, alpaca)


def test_a_purchase_waits_for_the_sale_that_pays_for_it():
    with FakeAlpaca(BARS, cash=100, positions={"AAA": (10, 100)}, account=AccountRules(multiplier=1)) as alpaca:
        def rotate(s):
            s.keep("out", s.sell(s.getdatabyname("AAA"), size=10))
            s.keep("in", s.buy(s.getdatabyname("BBB"), size=20))
            s.keep("withdrawn", s.buy(s.getdatabyname("BBB"), size=19))

        strategy, _ = play(alpaca, {2: rotate, 3: lambda s: s.cancel(s.placed["withdrawn"])})
        assert strategy.statuses(strategy.placed["in"])[-1] == "Completed"
        assert strategy.placed["withdrawn"].status in (Order.Rejected, Order.Canceled)
        assert strategy.accounts[-1][2] == {"AAA": 0, "BBB": 20}
        agree(strategy, alpaca)


# -- what others do -------------------------------------------------------------------------------------


@EVENTS
@pytest.mark.parametrize("symbol", ["AAA", "BBB"])
def test_orders_from_elsewhere_are_adopted(events, symbol):
    with FakeAlpaca(BARS) as alpaca:
        plan = {2: buy(), 3: lambda s: alpaca.outside_order(symbol=symbol, side="buy", qty=7)}
        strategy, messages = play(alpaca, plan, events)
        assert any("is not of this run and is followed" in message for message in messages)
        adopted = {ref for ref, _ in strategy.told} - {strategy.placed["order"].ref}
        assert len(adopted) == 1 and [status for ref, status in strategy.told if ref in adopted][-1] == "Completed"
        agree(strategy, alpaca)


def test_an_order_from_elsewhere_without_a_feed_moves_the_value():
    with FakeAlpaca(BARS) as alpaca:
        one = BARS.select(["AAA"])
        plan = {2: lambda s: alpaca.outside_order(symbol="BBB", side="buy", qty=10)}
        strategy = cerebro_of(alpaca, one, broker_of(alpaca), plan, Witness).run()[0]
        assert strategy.accounts[-1][:2] == (99_500, 100_000)
        agree(strategy, alpaca)


@EVENTS
def test_a_cancellation_from_elsewhere_is_told(events):
    with FakeAlpaca(BARS) as alpaca:
        plan = {1: buy(exectype=Order.Limit, price=90),
                2: lambda s: alpaca.cancel_externally(alpaca.ledger.sent()[0].id)}
        strategy, _ = play(alpaca, plan, events)
        order = strategy.placed["order"]
        assert strategy.statuses(order) == ["Submitted", "Accepted", "Canceled"] and order.info["reason"] == "alpaca: canceled"


@EVENTS
def test_an_order_replaced_elsewhere_ends_and_its_successor_is_followed(events):
    with FakeAlpaca(BARS) as alpaca:
        def replace(s):
            with alpaca.lock:
                alpaca.desk.replace(alpaca.ledger.sent()[0].id, {"limit_price": "101"})
                alpaca.settle()

        strategy, _ = play(alpaca, {1: buy(exectype=Order.Limit, price=90), 2: replace}, events)
        order = strategy.placed["order"]
        assert strategy.statuses(order)[-1] == "Canceled" and order.info["reason"] == "alpaca: replaced"
        assert strategy.accounts[-1][2]["AAA"] == 10
        agree(strategy, alpaca)


def test_shares_that_nothing_explains_stop_trading_in_their_symbol():
    with FakeAlpaca(BARS) as alpaca:
        def steal(s):
            alpaca.account.positions["AAA"].qty = Decimal(4)

        def buy_both(s):
            for data in s.datas:
                s.keep(data._name, s.buy(data, size=1))

        def resume(s):
            s.broker.resume("AAA")
            s.keep("resumed", s.buy(size=1))

        plan = {1: buy(), 3: steal, 5: buy_both, 6: resume}
        strategy, messages = play(alpaca, plan)
        told = "AAA: 10 shares were expected and Alpaca has 4, which nothing explains"
        assert sum(message.startswith(told) for message in messages) == 1
        assert strategy.placed["AAA"].info["reason"].startswith(told)
        assert strategy.statuses(strategy.placed["BBB"])[-1] == strategy.statuses(strategy.placed["resumed"])[-1] == "Completed"
        assert strategy.accounts[-1][2] == {"AAA": 5, "BBB": 1}


def test_shares_executed_after_an_end_that_was_told_are_found():
    """A cancellation is told that never was; the fill that follows is told by nobody."""
    bars = minutes(AAA=[CALM, CALM, CALM, (98, 98, 97, 98), CALM, CALM, CALM])
    with FakeAlpaca(bars) as alpaca:
        def mislead(s):
            raw = order_json(alpaca.ledger.sent()[0]) | {"status": "canceled"}
            s.broker.on_update(TradeUpdate.read({"event": "canceled", "order": raw}))
            alpaca.faults.add(EventFault(event="fill"))

        broker = broker_of(alpaca)
        strategy = cerebro_of(alpaca, bars, broker, {1: buy(exectype=Order.Limit, price=98), 2: mislead}, Witness).run()[0]
        assert strategy.statuses(strategy.placed["order"])[-1] == "Canceled"
        assert strategy.accounts[-1][:2] == (99_020, 100_020)
        agree(strategy, alpaca)


def test_a_booked_split_is_adopted_and_trading_goes_on():
    with FakeAlpaca(BARS) as alpaca:
        def split(s):
            held = alpaca.account.positions["AAA"]
            held.qty, held.average = held.qty * 2, held.average / 2
            alpaca.ledger.entries.append(Entry(alpaca.stamp(), "SPLIT", "AAA", Decimal(10), Decimal(0), Decimal(2), "s"))

        strategy, messages = play(alpaca, {1: buy(), 3: split, 5: sell(size=20, name="out")})
        assert any("booked as SPLIT and adopted" in message for message in messages)
        assert strategy.statuses(strategy.placed["out"])[-1] == "Completed"
        agree(strategy, alpaca)


def test_money_that_comes_is_adopted_and_reported():
    with FakeAlpaca(BARS) as alpaca:
        strategy, messages = play(alpaca, {2: lambda s: alpaca.transfer(500)})
        assert strategy.accounts[-1][0] == 100_500 and any("+500.00 USD" in message for message in messages)


def test_a_paper_account_that_was_reset_ends_its_orders():
    with FakeAlpaca(BARS) as alpaca:
        def forget(s):
            alpaca.book._orders.clear()
            alpaca.book._open.clear()

        strategy, _ = play(alpaca, {1: buy(exectype=Order.Limit, price=90), 2: forget})
        assert strategy.statuses(strategy.placed["order"])[-1] == "Canceled"


# -- a second run ---------------------------------------------------------------------------------------


def rerun(alpaca, plan):
    """The same plan on the same bars and account, as after a restart within the bar; the venue's time goes on."""
    return cerebro_of(alpaca, BARS, broker_of(alpaca), plan, Witness).run()[0]


@pytest.mark.parametrize(("terms", "reason"), [(dict(), "was filled in an earlier run: it is not repeated"),
                                               (dict(exectype=Order.Limit, price=90), "is still open")])
def test_a_decision_sent_by_an_earlier_run_is_not_repeated(terms, reason):
    with FakeAlpaca(BARS) as alpaca:
        plan = {1: buy(intent="enter", **terms)}
        rerun(alpaca, plan)
        alpaca.advance(seconds=1)
        second = rerun(alpaca, plan)
        assert reason in second.placed["order"].info["reason"] and len(alpaca.ledger.sent()) == 1
        agree(second, alpaca)


def test_a_decision_whose_order_came_to_nothing_has_another_attempt():
    with FakeAlpaca(BARS) as alpaca:
        plan = {1: buy(intent="enter", exectype=Order.Limit, price=90), 2: lambda s: s.cancel(s.placed["order"])}
        first = rerun(alpaca, plan)
        second = rerun(alpaca, {1: plan[1], 2: lambda s: alpaca.advance(seconds=1)})
        assert first.statuses(first.placed["order"])[-1] == "Canceled"
        assert second.statuses(second.placed["order"])[-1] == "Accepted"
        assert len({order.client_order_id for order in alpaca.ledger.sent()}) == 2


# -- the store ------------------------------------------------------------------------------------------


def test_two_stores_share_nothing_and_show_no_secret():
    with FakeAlpaca(BARS) as one, FakeAlpaca(BARS, cash=5_000, seed=1) as other:
        first, second = store_of(one), store_of(other)
        assert first.endpoints.paper and first.getbroker() is first.getbroker()
        assert (first.getbroker().getcash(), second.getbroker().getcash()) == (100_000, 5_000)
        assert one.secret_key not in repr(first) and one.key_id not in repr(first)
        first.put_notification("hello", 1, at=2)
        assert first.get_notifications() == [("hello", (1,), {"at": 2})] and second.get_notifications() == []
        first.stop(), second.stop()
