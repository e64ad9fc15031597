"""What the account brings along, what others do to it, and what a restart finds; always with two symbols."""

from decimal import Decimal

import backtrader as bt
import pandas as pd
import pytest
from alpaca_cerebro import agree, broker_of, buy_each, cerebro_of, judge, played, store_of
from alpaca_rest import rest_of
from broker_contract import Witness, buy, sell

from brokers.alpaca.trade_stream import TradeUpdate
from brokers.local_alpaca import AccountRules, AnswerFault, EventFault, LocalAlpaca
from brokers.local_alpaca.ledger import Entry
from brokers.local_alpaca.made_minutes import minute_frame, minutes
from brokers.local_alpaca.shapes import order_json
from core.bars import Bars

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
BARS = minutes(AAA=[CALM] * 8, BBB=[HALF] * 8)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
DONE = ["Submitted", "Accepted", "Completed"]


def play(alpaca, plan, events=True):
    """Play a plan, everything compared once a minute; returns (strategy, messages)."""
    cerebro = cerebro_of(alpaca, BARS, broker_of(alpaca, events, reconcile_s=60.0), plan, Witness)
    messages = []
    cerebro.addstorecb(lambda message, *args, **kwargs: messages.append(message))
    return cerebro.run()[0], messages


# -- the account at the start ---------------------------------------------------------------------------


def test_positions_from_before_are_there_and_close_as_trades():
    """Ten of AAA and a short position in BBB; AAA is sold, BBB is left alone."""
    with LocalAlpaca(BARS, positions={"AAA": (10, 90), "BBB": (-4, 60)}) as alpaca:
        strategy, messages = play(alpaca, {1: sell()})
        assert strategy.accounts[0] == (100_000, 100_800, {"AAA": 10, "BBB": -4})
        assert strategy.trades == [("AAA", pytest.approx(100))]
        assert "10 shares of AAA were held at the start" in messages
        assert {ref for ref, _ in strategy.told} == {strategy.placed["order"].ref}
        assert alpaca.ledger.positions == {"BBB": -4}
        judge(strategy, alpaca)


@EVENTS
def test_an_open_order_from_before_is_followed(events):
    with LocalAlpaca(BARS) as alpaca:
        alpaca.advance(to="2024-03-01T09:30-05:00")
        alpaca.liquidity = {"BBB": Decimal(3)}
        alpaca.outside_order(symbol="BBB", side="buy", qty=50)
        alpaca.advance(seconds=20)
        strategy, messages = play(alpaca, {2: buy()}, events)
        assert any("is not of this run and is followed" in message for message in messages)
        mine = strategy.placed["order"].ref
        assert [status for ref, status in strategy.told if ref != mine][:3] == ["Submitted", "Accepted", "Partial"]
        assert strategy.accounts[0][2]["BBB"] > 0 and strategy.statuses(strategy.placed["order"]) == DONE
        judge(strategy, alpaca)


def test_until_the_account_has_been_read_nothing_is_sent():
    with LocalAlpaca(BARS) as alpaca:
        broker = broker_of(alpaca, events=False)
        alpaca.faults.add(AnswerFault(method="GET", path="positions", status=503, body="<html>", times=30))
        strategy = cerebro_of(alpaca, BARS, broker, {1: buy(name="early"), 5: buy(name="later")}, Witness).run()[0]
        assert strategy.placed["early"].info["reason"] == "the account has not been read yet"
        assert strategy.statuses(strategy.placed["later"])[-1] == "Completed"
        agree(strategy, alpaca)


def test_a_purchase_waits_for_the_sale_that_pays_for_it():
    with LocalAlpaca(BARS, cash=100, positions={"AAA": (10, 100)}, account=AccountRules(multiplier=1)) as alpaca:
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
    with LocalAlpaca(BARS) as alpaca:
        plan = {2: buy_each(), 3: lambda s: alpaca.outside_order(symbol=symbol, side="buy", qty=7)}
        strategy, messages = play(alpaca, plan, events)
        assert any("is not of this run and is followed" in message for message in messages)
        adopted = {ref for ref, _ in strategy.told} - {order.ref for order in strategy.placed.values()}
        assert len(adopted) == 1 and [status for ref, status in strategy.told if ref in adopted][-1] == "Completed"
        assert [strategy.statuses(order) for order in strategy.placed.values()] == [DONE, DONE]
        assert strategy.accounts[-1][2] == {"AAA": 10, "BBB": 10} | {symbol: 17}
        judge(strategy, alpaca)


def test_an_order_from_elsewhere_without_a_feed_moves_the_value():
    with LocalAlpaca(BARS) as alpaca:
        one = BARS.select(["AAA"])
        plan = {2: lambda s: alpaca.outside_order(symbol="BBB", side="buy", qty=10)}
        strategy = cerebro_of(alpaca, one, broker_of(alpaca), plan, Witness).run()[0]
        assert strategy.accounts[-1][:2] == (99_500, 100_000)
        agree(strategy, alpaca)


def test_shares_that_nothing_explains_stop_trading_in_their_symbol():
    with LocalAlpaca(BARS) as alpaca:
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
        assert strategy.statuses(strategy.placed["BBB"])[-1] == "Completed"
        assert strategy.statuses(strategy.placed["resumed"])[-1] == "Completed"
        assert strategy.accounts[-1][2] == {"AAA": 5, "BBB": 1}


def test_shares_executed_after_an_end_that_was_told_are_found():
    """A cancellation is told that never was; the fill that follows is told by nobody."""
    bars = minutes(AAA=[CALM, CALM, CALM, (98, 98, 97, 98), CALM, CALM, CALM])
    with LocalAlpaca(bars) as alpaca:
        def mislead(s):
            raw = order_json(alpaca.ledger.sent()[0]) | {"status": "canceled"}
            s.broker.on_update(TradeUpdate.read({"event": "canceled", "order": raw}))
            alpaca.faults.add(EventFault(event="fill"))

        broker = broker_of(alpaca, reconcile_s=60.0)
        strategy = cerebro_of(alpaca, bars, broker, {1: buy(exectype=Order.Limit, price=98), 2: mislead},
                              Witness).run()[0]
        assert strategy.statuses(strategy.placed["order"])[-1] == "Canceled"
        assert strategy.accounts[-1][:2] == (99_020, 100_020)
        agree(strategy, alpaca)


def test_a_booked_split_is_adopted_and_trading_goes_on():
    with LocalAlpaca(BARS) as alpaca:
        def split(s):
            held = alpaca.account.positions["AAA"]
            held.qty, held.average = held.qty * 2, held.average / 2
            alpaca.ledger.entries.append(Entry(alpaca.stamp(), "SPLIT", "AAA", Decimal(10), Decimal(0), Decimal(2),
                                               "s"))

        strategy, messages = play(alpaca, {1: buy(), 3: split, 5: sell(size=20, name="out")})
        assert any("booked as SPLIT and adopted" in message for message in messages)
        assert strategy.statuses(strategy.placed["out"])[-1] == "Completed"
        agree(strategy, alpaca)


def test_money_that_comes_is_adopted_and_reported():
    outcome = played(BARS, lambda alpaca: {2: buy_each(), 3: lambda s: alpaca.transfer(500)}, reconcile_s=60.0)
    assert outcome.strategy.accounts[-1][0] == 100_500 - 1_500
    assert any("+500.00 USD" in message for message in outcome.messages)
    assert outcome.told("AAA") == outcome.told("BBB") == DONE


@EVENTS
def test_a_dividend_overnight_comes_in_cash(events):
    """AAA pays 0.50 a share on the second day; BBB pays nothing."""
    rows, starts = [CALM] * 4, ("2024-02-29 09:30", "2024-03-01 09:30")
    paid = pd.concat([minute_frame(rows, starts[0]).assign(dividend=0.0),
                      minute_frame(rows, starts[1]).assign(dividend=[0.5, 0, 0, 0])])
    bars = Bars.from_frames({"AAA": paid, "BBB": pd.concat([minute_frame(rows, start) for start in starts])},
                            interval="1m")
    outcome = played(bars, {1: buy_each()}, events=events, reconcile_s=60.0,
                     venue=dict(now="2024-02-29T09:29:59-05:00"))
    assert [(entry.kind, entry.symbol, entry.cash) for entry in outcome.ledger.entries] == [("DIV", "AAA", 5)]
    assert outcome.strategy.accounts[-1] == (98_005, 100_005, {"AAA": 10, "BBB": 10})
    assert sum("+5.00 USD" in message for message in outcome.messages) == 1


@EVENTS
def test_trading_that_is_blocked_in_the_middle_goes_on_afterwards(events):
    """What rests keeps its place; what is new is refused, by the venue, then by us, until trading is allowed."""
    def plan(alpaca):
        limits = buy_each(exectype=Order.Limit, price=45)
        return {1: limits, 2: lambda s: (alpaca.block_trading(), buy(name="refused")(s)), 4: buy(name="known"),
                5: lambda s: alpaca.block_trading(False), 7: buy(size=3, name="again")}

    outcome = played(BARS, plan, events=events)
    assert "blocked" in outcome.reason("refused") and "blocked" in outcome.reason("known")
    assert outcome.told("AAA") == outcome.told("BBB") == ["Submitted", "Accepted"] and outcome.told("again") == DONE
    assert len(outcome.ledger.sent()) == 3


@EVENTS
def test_polling_stays_within_the_rate_limit(events):
    """Twenty orders rest in two symbols, and the venue allows forty requests a minute."""
    def limited(alpaca):
        store = store_of(alpaca)
        store.rest = rest_of(alpaca, per_minute=40)
        return store

    plan = dict.fromkeys(range(1, 5),
                         lambda s: [s.buy(data, size=1, exectype=Order.Limit,
                                          price=40 + at) for data in s.datas for at in range(5)])
    bars = minutes(AAA=[CALM] * 15, BBB=[HALF] * 15)
    outcome = played(bars, plan | {6: buy_each()}, events=events, store_of=limited, poll_s=1.0,
                     venue=dict(account=AccountRules(rate_limit=40)))
    assert outcome.told("AAA") == outcome.told("BBB") == DONE and len(outcome.ledger.sent()) == 42
    assert outcome.ledger.busiest_minute() <= 40
    assert not [each for each in outcome.ledger.requests if each.status == 429]


def test_a_paper_account_that_was_reset_ends_its_orders():
    with LocalAlpaca(BARS) as alpaca:
        def forget(s):
            alpaca.book._orders.clear()
            alpaca.book._open.clear()

        strategy, _ = play(alpaca, {1: buy(exectype=Order.Limit, price=90), 2: forget})
        assert strategy.statuses(strategy.placed["order"])[-1] == "Canceled"
