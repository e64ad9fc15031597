"""What Backtrader's orders become at Alpaca, and what is refused before it is sent."""

import datetime as dt
from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_cerebro import broker_of, play_live
from broker_contract import Witness, buy, sell

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.errors import UsageError

Order = bt.Order
CALM = (100, 101, 99, 100)


def played(plan, rows=None, now=None, account=None, cash=100_000, positions=None, **params):
    """Play a plan on AAA; returns the strategy, and the orders and ledger of the venue."""
    bars = minutes(AAA=rows or [CALM] * 4)
    with LocalAlpaca(bars, cash=cash, now=now, account=account, positions=positions) as alpaca:
        strategy = play_live(alpaca, bars, plan, Witness, **params)
        return strategy, alpaca.ledger


def sent(plan, **terms):
    """The one order that a plan makes at the venue."""
    _, ledger = played(plan, **terms)
    (order,) = ledger.sent()
    return order


@pytest.mark.parametrize(("terms", "asked"), [
    (dict(), ("market", "day", None, None)),
    (dict(exectype=Order.Limit, price=98.129), ("limit", "gtc", "98.12", None)),
    (dict(exectype=Order.Limit, price=98, valid=Order.DAY), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=0), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=dt.timedelta(days=3)), ("limit", "gtc", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=dt.timedelta(hours=2)), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=Order.DAY, extended_hours=True), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=90, tif="fok"), ("limit", "fok", "90", None)),
    (dict(exectype=Order.Stop, price=105), ("stop", "gtc", None, "105")),
    (dict(exectype=Order.StopLimit, price=105, plimit=106), ("stop_limit", "gtc", "106", "105")),
    (dict(exectype=Order.Close), ("market", "cls", None, None)),
    (dict(tif="cls"), ("market", "cls", None, None)),
    (dict(size=1.5, exectype=Order.Limit, price=98), ("limit", "day", "98", None)),
], ids=str)
def test_terms_of_a_buy(terms, asked):
    order = sent({1: buy(**terms)})
    assert order.extended_hours is bool(terms.get("extended_hours"))
    assert order.qty == Decimal(str(terms.get("size", 10)))
    prices = [None if price is None else Decimal(price) for price in asked[2:]]
    assert (order.type, order.time_in_force, order.limit_price, order.stop_price) == (*asked[:2], *prices)


@pytest.mark.parametrize(("terms", "trail"), [(dict(trailamount=2.5), (Decimal("2.5"), None)),
                                              (dict(trailpercent=0.05), (None, Decimal(5)))])
def test_terms_of_a_trailing_stop(terms, trail):
    order = sent({1: sell(exectype=Order.StopTrail, **terms)}, positions={"AAA": (10, 90)})
    assert (order.trail_price, order.trail_percent, order.time_in_force) == (*trail, "gtc")


def test_a_sale_is_never_limited_below_what_was_asked():
    assert sent({1: sell(exectype=Order.Limit, price=104.001)}).limit_price == Decimal("104.01")
    assert sent({1: sell(exectype=Order.Limit, price=0.1 + 104)}).limit_price == Decimal("104.1")


def test_money_in_place_of_shares():
    strategy, ledger = played({1: buy(size=10, notional=250)})
    (order,) = ledger.sent()
    assert (order.notional, order.qty, order.time_in_force) == (250, None, "day")
    placed = strategy.placed["order"]
    assert strategy.statuses(placed)[-1] == "Completed" and placed.executed.size == 2.5 and placed.executed.remsize == 0
    assert strategy.accounts[-1][2] == {"AAA": 2.5}


def test_fractions_stay_exact():
    plan = {1: buy(size=0.1, name="a"), 2: buy(size=0.2, name="b"), 3: sell(size=0.3)}
    strategy, ledger = played(plan, rows=[CALM] * 6)
    assert strategy.accounts[-1][2] == {"AAA": 0} and ledger.positions == {}


def test_a_symbol_without_fractions_is_bought_in_whole_shares():
    strategy, ledger = played({1: buy(size=10.7)}, account=AccountRules(not_fractionable=frozenset({"AAA"})))
    assert ledger.sent()[0].qty == 10 and strategy.statuses(strategy.placed["order"])[-1] == "Completed"


# -- groups ---------------------------------------------------------------------------------------------


def test_a_bracket_is_one_request():
    plan = {1: lambda s: s.buy_bracket(size=10, price=98, stopprice=90, limitprice=110)}
    _, ledger = played(plan)
    (order,) = ledger.sent()
    assert (order.order_class, order.time_in_force, order.limit_price) == ("bracket", "gtc", 98)
    assert {leg.leg: (leg.limit_price, leg.stop_price) for leg in order.legs} == {
        "take_profit": (110, None), "stop_loss": (None, 90)}


def test_an_entry_with_one_exit_is_an_oto():
    plan = {1: lambda s: s.buy_bracket(size=10, exectype=Order.Market, stopprice=90, limitexec=None)}
    strategy, ledger = played(plan)
    (order,) = ledger.sent()
    assert order.order_class == "oto" and len(order.legs) == 1
    assert strategy.accounts[-1][2] == {"AAA": 10}


@pytest.mark.parametrize("stop", [dict(exectype=Order.StopTrail, trailamount=2, size=10),
                                  dict(exectype=Order.Stop, price=90, size=3)], ids=["trailing", "smaller"])
def test_a_group_alpaca_does_not_have_is_refused_whole(stop):
    def group(s):
        s.keep("entry", s.buy(size=10, exectype=Order.Limit, price=98, transmit=False))
        s.keep("stop", s.sell(parent=s.placed["entry"], transmit=False, **stop))
        s.keep("profit", s.sell(size=10, exectype=Order.Limit, price=110, parent=s.placed["entry"]))

    strategy, ledger = played({1: group})
    orders = strategy.placed.values()
    assert [strategy.statuses(order) for order in orders] == [["Submitted", "Rejected"]] * 3
    assert all(order.info["reason"] for order in orders) and not ledger.asked("POST")


def test_exits_that_come_too_late_or_are_too_many_are_refused():
    def three(s):
        s.placed["stop"] = s.sell(size=10, exectype=Order.Stop, price=95)
        s.placed["profit"] = s.sell(size=10, exectype=Order.Limit, price=110, oco=s.placed["stop"])
        s.placed["third"] = s.sell(size=10, exectype=Order.Limit, price=120, oco=s.placed["stop"])

    late = {3: lambda s: s.placed.update(late=s.sell(size=10, exectype=Order.Limit, price=130, oco=s.placed["stop"]))}
    strategy, ledger = played({1: three, **late}, positions={"AAA": (10, 90)})
    assert [order.order_class for order in ledger.sent()] == ["oco"]
    assert {name: strategy.statuses(strategy.placed[name])[-1] for name in ("stop", "profit", "third", "late")} == {
        "stop": "Accepted", "profit": "Accepted", "third": "Rejected", "late": "Rejected"}


def test_an_order_not_sent_yet_is_withdrawn_without_a_request():
    def think_again(s):
        s.keep("order", s.buy(size=10))
        s.cancel(s.placed["order"])

    strategy, ledger = played({1: think_again})
    assert strategy.statuses(strategy.placed["order"]) == ["Submitted", "Canceled"] and not ledger.asked("POST")


def test_a_valid_that_passes_ends_expired():
    plan = {1: buy(exectype=Order.Limit, price=90, valid=dt.timedelta(minutes=1, seconds=30))}
    strategy, ledger = played(plan, rows=[CALM] * 6)
    assert strategy.statuses(strategy.placed["order"])[-1] == "Expired" and len(ledger.cancels) == 1


# -- names ----------------------------------------------------------------------------------------------


def test_every_order_is_recorded_under_its_name_before_it_is_sent():
    bars = minutes(AAA=[CALM] * 5)
    with LocalAlpaca(bars) as alpaca:
        recorded = []

        def persist(leaving):
            for name, request, _ in leaving:
                assert name not in {order.client_order_id for order in alpaca.ledger.orders}
                recorded.append((name, request.side, request.qty, request.client_order_id))

        plan = {1: lambda s: (s.buy(size=1, intent="enter"), s.buy(size=1, intent="enter"), s.buy(size=1))}
        play_live(alpaca, bars, plan, Witness, persist=persist)
        assert [name for name, *_ in recorded] == [order.client_order_id for order in alpaca.ledger.sent()]
        assert len({name for name, *_ in recorded}) == 3 and recorded[0][0].startswith("cl-AAA-20240301-enter-")
        assert all(name == named for name, _, _, named in recorded)


def test_what_leaves_together_is_recorded_together_and_two_of_a_symbol_one_after_the_other():
    bars = minutes(AAA=[CALM] * 5, BBB=[CALM] * 5)
    with LocalAlpaca(bars) as alpaca:
        recorded = []
        plan = {1: lambda s: [s.buy(data, size=1) for data in s.datas], 2: lambda s: [s.buy(s.datas[0], size=size) for size in (1, 2)]}
        play_live(alpaca, bars, plan, Witness, persist=lambda leaving: recorded.append([each.request.symbol for each in leaving]))
        assert recorded == [["AAA", "BBB"], ["AAA"], ["AAA"]]


def test_the_same_decision_has_the_same_name():
    names = [sent({2: buy(intent="enter")}).client_order_id for _ in range(2)]
    assert names[0] == names[1] != sent({3: buy(intent="enter")}).client_order_id


def test_no_value_asked_for_costs_a_request():
    bars = minutes(AAA=[CALM] * 4)
    with LocalAlpaca(bars) as alpaca:
        def look(s):
            before = len(alpaca.ledger.requests)
            for _ in range(50):
                s.broker.getvalue(), s.broker.getcash(), s.broker.getposition(s.data), s.broker.get_orders_open()
            assert len(alpaca.ledger.requests) == before

        play_live(alpaca, bars, {1: buy(), 3: look}, Witness)


@pytest.mark.parametrize("name", ["add_order_history", "set_fund_history"])
def test_a_made_up_history_is_refused(name):
    told = f"has its own history: leave out cerebro.{name}"
    with LocalAlpaca(minutes(AAA=[CALM])) as alpaca, pytest.raises(UsageError, match=told):
        getattr(broker_of(alpaca), name)([])
