"""RoutedBroker: orders go where the first rule says, positions stay where they are, and the whole is the sum."""

import backtrader as bt
import numpy as np
import pytest
from alpaca_cerebro import Arriving, broker_of
from broker_contract import CALM, BrokerContract, Witness
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars as daily
from made_bars import frame

from brokers import SimulatedBroker
from brokers.execution import Sliced
from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from brokers.routed import Route, RoutedBroker
from core.errors import BadSpec, UnknownName, UsageError
from feeds.cerebro_feed import BarsData

TWO = minutes(AAA=[CALM] * 12, BBB=[CALM] * 12)
PAIR = [Route("first", "AAA"), Route("second", "*")]


def routed(plan, rules=PAIR, bars=TWO, cash=(10_000.0, 10_000.0), face=lambda broker: broker, **params):
    """Play a plan on two simulated brokers, or on one; (strategy, routed broker)."""
    brokers = {name: SimulatedBroker(cash=each, **params) for name, each in zip(("first", "second"), cash, strict=False)}
    broker = RoutedBroker(rules, brokers)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(face(broker))
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol), name=symbol)
    cerebro.addstrategy(Witness, plan=plan)
    return cerebro.run()[0], broker


def buy(size=10, at=0, name="order", **terms):
    return lambda strategy: strategy.keep(name, strategy.buy(strategy.datas[at], size=size, **terms))


def both(*actions):
    return lambda strategy: [action(strategy) for action in actions]


def held(broker):
    """Shares by broker and symbol."""
    return {name: {data._name: position.size for data, position in each.positions.items() if position.size} for name, each in broker.brokers.items()}


class TestContract(BrokerContract):
    """One broker behind two rules is that broker."""

    def play(self, bars, plan, cash=10_000.0, liquidity=None):
        volume = None if liquidity is None else liquidity / bars.raw_volume[0, 0]
        return routed(plan, [Route("first")], bars, cash=(cash,), max_volume=volume)[0]


# -- rules --------------------------------------------------------------------------------------------


def test_a_symbol_goes_where_its_rule_says():
    strategy, broker = routed({1: both(buy(at=0), buy(20, at=1))})
    assert held(broker) == {"first": {"AAA": 10}, "second": {"BBB": 20}}
    assert (strategy.broker.getcash(), strategy.broker.getvalue()) == (17_000, 20_000)
    assert broker.getvalue([strategy.datas[1]]) == 2_000 and broker.startingcash == 20_000
    assert {data._name: position.size for data, position in broker.positions.items()} == {"AAA": 10, "BBB": 20}


@pytest.mark.parametrize(("rules", "where"), [
    ([Route("first", size=(0, 9)), Route("second")], "second"), ([Route("first", size=(10, 10)), Route("second")], "first"),
    ([Route("first", value=(0, 999.99)), Route("second")], "second"), ([Route("first", value=(1_000, 1_000)), Route("second")], "first"),
    ([Route("first", when=lambda data, size: size < 0), Route("second")], "second"),
    ([Route("first", "B*, A?A"), Route("second")], "first"), ([Route("first", "aaa"), Route("second")], "second"),
    ({"AAA,CCC": "first", "*": "second"}, "first"), ({"BBB": "first", "*": "second"}, "second"),
])
def test_the_first_rule_that_matches_counts(rules, where):
    _, broker = routed({1: buy()}, rules)
    assert held(broker)[where] == {"AAA": 10}


def test_what_is_held_is_sold_where_it_is():
    """Small orders go to the first broker, large ones to the second; but it is the first that holds."""
    rules = [Route("first", size=(0, 10)), Route("second")]
    plan = {1: buy(10), 4: buy(15), 7: lambda s: s.sell(size=25)}
    strategy, broker = routed(plan, rules)
    assert held(broker) == {"first": {}, "second": {}} and len(broker.brokers["first"].orders) == 3
    assert strategy.trades == [("AAA", 0)]


def test_orders_of_one_symbol_stay_together_while_they_are_open():
    rules = [Route("first", size=(0, 10)), Route("second")]
    plan = {1: both(buy(10, exectype=bt.Order.Limit, price=50), buy(15, name="other"))}
    _, broker = routed(plan, rules)
    assert held(broker)["first"] == {"AAA": 15}


def test_an_order_without_a_route_is_rejected():
    strategy, broker = routed({1: buy(at=1)}, [Route("first", "AAA")])
    order = strategy.placed["order"]
    assert strategy.statuses(order) == ["Rejected"] and order.info["reason"] == "no route takes 10 BBB: add a rule for '*'"
    assert broker.orders == [order] and not broker.cancel(order) and broker.orderstatus(order) == bt.Order.Rejected


def test_orders_are_cancelled_and_found_where_they_are():
    seen = []

    def look(strategy):
        order = strategy.placed["order"]
        seen.append((strategy.broker.orderstatus(order), [each.ref == order.ref for each in strategy.broker.get_orders_open()]))
        strategy.cancel(order)

    strategy, broker = routed({1: buy(exectype=bt.Order.Limit, price=50, at=1), 3: look, 6: buy(name="later")})
    assert seen == [(bt.Order.Accepted, [True])]
    assert broker.orderstatus(strategy.placed["order"]) == bt.Order.Canceled
    assert strategy.statuses(strategy.placed["order"])[-1] == "Canceled" and broker.get_orders_open() == []


def test_commissions_are_those_of_the_broker():
    def both_schemes(strategy):
        return [strategy.broker.getcommissioninfo(data).getcommission(10, 100.0) for data in strategy.datas]

    seen = []
    brokers = {"first": SimulatedBroker(cash=1e4), "second": SimulatedBroker(cash=1e4)}
    brokers["second"].setcommission(commission=0.01)
    broker = RoutedBroker({"AAA": "first", "*": "second"}, brokers)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(broker)
    for symbol in TWO.symbols:
        cerebro.adddata(BarsData(dataname=TWO, symbol=symbol), name=symbol)
    cerebro.addstrategy(Witness, plan={1: lambda s: seen.append(both_schemes(s))})
    cerebro.run()
    assert seen == [[0, pytest.approx(10)]]


@pytest.mark.parametrize(("make", "error", "told"), [
    (lambda: RoutedBroker([], {"a": 1}), BadSpec, "a routed broker has no rules: name one, such as {'*': 'simulated'}"),
    (lambda: RoutedBroker({"*": "alpca"}, {"alpaca": 1}), UnknownName, "unknown broker of a route 'alpca': did you mean 'alpaca'?"),
    (lambda: Route("a", size=(10, 5)), BadSpec, "route to a: size from 10 to 5 fits no order; name the smaller bound first"),
    (lambda: Route("a", value=(float("nan"), 5)), BadSpec, "route to a: value from nan to 5 fits no order; name the smaller bound first"),
    (lambda: RoutedBroker({"*": "a"}, {"a": 1}).add_order_history([]), UsageError,
     "orders of the past have no route: leave out cerebro.add_order_history, or give it to a broker of its own"),
])
def test_bad_rules_are_told_in_one_line(make, error, told):
    with pytest.raises(error) as raised:
        make()
    assert str(raised.value) == told


# -- sums ---------------------------------------------------------------------------------------------


def test_a_split_is_booked_once():
    price, split = np.r_[np.full(4, 100.0), np.full(6, 50.0)], np.ones(10)
    split[4] = 2.0
    market = daily(AAA=frame(price).assign(split=split), BBB=frame(price).assign(split=split))

    def sell_all(strategy):
        for data in strategy.datas:
            strategy.sell(data, size=strategy.getposition(data).size)

    strategy, broker = routed({1: both(buy(at=0), buy(20, at=1)), 6: sell_all}, bars=market)
    assert sorted(strategy.trades) == [("AAA", 0), ("BBB", 0)]
    assert held(broker) == {"first": {}, "second": {}} and broker.getvalue() == 20_000


ORDERS = st.lists(st.tuples(st.integers(1, 10), st.integers(0, 1), st.integers(-20, 20).filter(bool)), max_size=12)


@settings(max_examples=30, deadline=None)
@given(ORDERS, st.lists(st.integers(-3, 3), min_size=24, max_size=24))
def test_the_parts_make_the_whole(orders, moves):
    """Two brokers with plenty of cash do what one does that has the cash of both."""
    market = minutes(AAA=list(100 + np.cumsum(moves[:12])), BBB=list(100 + np.cumsum(moves[12:])))
    plan = {}
    for bar, at, size in orders:
        earlier = plan.get(bar, lambda strategy: None)
        plan[bar] = both(earlier, lambda s, at=at, size=size: (s.buy if size > 0 else s.sell)(s.datas[at], size=abs(size)))
    parts, broker = routed(plan, bars=market, cash=(1e6, 1e6))
    whole, _ = routed(plan, [Route("first")], market, cash=(2e6,))
    assert parts.accounts == whole.accounts and parts.trades == whole.trades
    assert sum(each.getvalue() for each in broker.brokers.values()) == broker.getvalue()


# -- with others --------------------------------------------------------------------------------------


def test_slices_are_routed():
    strategy, broker = routed({1: both(buy(30, at=0, algo="twap", minutes=3), buy(30, at=1, name="now"))}, face=Sliced)
    assert [len(each.orders) for each in broker.brokers.values()] == [3, 1]
    assert strategy.statuses(strategy.placed["order"]) == ["Submitted", "Accepted", "Partial", "Completed"]


def test_a_simulation_and_an_account_side_by_side():
    """AAA is traded on the local Alpaca, everything else in a simulation."""
    with LocalAlpaca(TWO, cash=5_000.0) as alpaca:
        broker = RoutedBroker({"AAA": "alpaca", "*": "simulated"}, {"alpaca": broker_of(alpaca), "simulated": SimulatedBroker(cash=10_000.0)})
        cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
        cerebro.setbroker(broker)
        for symbol in TWO.symbols:
            cerebro.adddata(Arriving(dataname=TWO, symbol=symbol, venue=alpaca), name=symbol)
        cerebro.addstrategy(Witness, plan={1: both(buy(at=0), buy(20, at=1, name="other")), 5: lambda s: s.sell(s.datas[0], size=4)})
        strategy = cerebro.run()[0]
        assert {symbol: int(qty) for symbol, qty in alpaca.ledger.positions.items()} == {"AAA": 6}
        assert held(broker) == {"alpaca": {"AAA": 6}, "simulated": {"BBB": 20}}
        assert [strategy.statuses(strategy.placed[name]) for name in ("order", "other")] == [["Submitted", "Accepted", "Completed"]] * 2
        assert broker.getcash() == float(alpaca.ledger.cash) + 8_000 == 4_400 + 8_000
        assert broker.getvalue() == 15_000
