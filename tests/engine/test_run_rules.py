"""`rules = "alpaca"`: a run that is refused what Alpaca would refuse, and goes on."""

import math

import numpy as np
import pytest
from live_days import SPEC, Days, panel, venue
from made_bars import bars, frame, walk

import engine
from brokers import SimulatedBroker
from brokers.local_alpaca import AccountRules
from core.errors import BadSpec, UnknownName
from core.spec import RunSpec
from engine import resolve
from engine.deciding import deciding
from engine.simulate import obstacle, simulate
from engine.trials import player

MARKET = dict(AAA=walk(120, 1).round(2), BBB=walk(120, 2).round(2))
RANDOM = RunSpec(strategy="random_decisions:RandomDecisions", params={"seed": 2, "shorts": 0.3}, rules="alpaca")


def test_fractions_are_not_sold_short_and_the_run_goes_on():
    fractions = engine.run(RANDOM.replace(fractional=True), bars=bars(**MARKET))
    refused = [order for order in fractions.orders if order.refused]
    assert {"fractions of shares cannot be sold short"} <= {order.reason for order in refused}
    assert fractions.positions.min() >= 0 and any(order.filled < 0 for order in refused)  # a reversal still closes
    assert fractions.fills[-1].time > refused[0].time
    assert "orders were refused; the first:" in " ".join(fractions.warnings)
    assert engine.run(RANDOM.replace(fractional=True, rules=None), bars=bars(**MARKET)).positions.min() < 0


def test_an_order_needs_a_dollar():
    calm = bars(AAA=frame([100.0] * 4), BBB=frame([0.5] * 4))
    spec = RunSpec(strategy="BuyAndHold", quantity=1, rules="alpaca")
    result = engine.run(spec, bars=calm)
    assert [(order.symbol, order.status, order.reason) for order in result.orders if order.time == result.orders[0].time] == [
        ("AAA", "Completed", ""), ("BBB", "Rejected", "an order is worth at least 1 USD, not 0.5000")]


@pytest.mark.parametrize("change", [{}, {"fill": "session_open"}, {"fill": "session_close"}, {"prices": "adjusted"}])
def test_where_nothing_is_refused_the_run_is_the_same(change):
    spec = RANDOM.replace(params={"seed": 2, "shorts": 0.1}, limits={"cash_buffer": 0.1}, **change)
    ruled, free = (engine.run(spec.replace(rules=rules), bars=bars(**MARKET)) for rules in ("alpaca", None))
    assert [order._replace(price=0) for order in ruled.orders] == [order._replace(price=0) for order in free.orders]
    assert ruled.fills == free.fills and np.array_equal(ruled.equity, free.equity) and len(ruled.fills) > 50


def test_protective_orders_are_on_alpacas_increments():
    spec = RANDOM.replace(exits={"stop": 0.0213, "profit": 0.0377}, params={"seed": 2, "shorts": 0.2}, limits={"cash_buffer": 0.1})
    result = engine.run(spec, bars=bars(**MARKET))
    exits = [order for order in result.orders if order.intent in ("stop", "profit")]
    prices = [order.price for order in exits if not order.refused]
    assert len(prices) > 50 and all(math.isclose(price, round(price, 2), abs_tol=1e-12) for price in prices)
    assert {fill.intent for fill in result.fills} >= {"stop", "profit", "enter"}
    assert {order.reason.split(" is not")[0].split()[0] for order in exits if order.refused} <= {"stop_loss", "take_profit"}


@pytest.mark.parametrize(("exits", "accepted"), [
    ({"stop": 0.2}, {"stop"}), ({"profit": 0.5}, {"profit"}), ({"stop": 0.2, "profit": 0.5}, set()), ({"trail": 0.2}, set()),
])
def test_fractions_have_no_groups_and_no_trailing_stop(exits, accepted):
    calm = bars(AAA=frame([99.3] * 6), BBB=frame([51.7] * 6))
    result = engine.run(RunSpec(strategy="BuyAndHold", params={"reinvest": False}, exits=exits, fractional=True, rules="alpaca"), bars=calm)
    orders = [order for order in result.orders if order.intent in exits]
    assert {order.symbol for order in orders} == {"AAA", "BBB"} and {order.intent for order in orders} == set(exits)
    assert {order.intent for order in orders if not order.refused} == accepted
    assert all("simple orders, without a trailing stop" in order.reason for order in orders if order.refused)


def test_alpaca_has_no_group_of_two_stops():
    calm = bars(AAA=frame([100.0] * 6), BBB=frame([50.0] * 6))
    exits = {"stop": 0.2, "trail": 0.3}
    result = engine.run(RunSpec(strategy="BuyAndHold", params={"reinvest": False}, exits=exits, rules="alpaca"), bars=calm)
    stood = {order.intent: order for order in result.orders if order.symbol == "AAA"}
    assert (stood["stop"].status, stood["trail"].status) == ("Accepted", "Rejected")
    assert stood["trail"].reason == "orders that cancel each other are one limit and one stop at Alpaca"


def test_the_twin_leaves_them_to_cerebro():
    spec, market = RunSpec(params={"fast": 5, "slow": 20}, rules="alpaca"), bars(**MARKET)
    assert obstacle(spec, resolve.strategy_class(spec.strategy)) == "rules = alpaca"
    with pytest.raises(BadSpec, match="cannot run on the twin: rules = alpaca; use engine.run"):
        simulate(spec, market)
    played = player(spec, market)
    assert (played.engine, played.obstacle) == ("cerebro", "rules = alpaca")
    assert played.result({}).fills == engine.run(spec, bars=market).fills


def test_rules_do_not_decide_what_a_strategy_asks_for():
    assert deciding(RANDOM) == deciding(RANDOM.replace(rules=None))


def test_unknown_rules_are_named():
    with pytest.raises(UnknownName, match="unknown rules 'alpac': did you mean 'alpaca'"):
        RunSpec(rules="alpac")
    with pytest.raises(BadSpec, match="rules is 3: it must be text"):
        RunSpec(rules=3)


def test_a_daily_run_is_refused_what_the_backtest_is_refused(tmp_path):
    market, spec = panel(), SPEC.replace(sizer=None, quantity=40, params={"seed": 3, "density": 0.9, "shorts": 0.4})
    with venue(market, account=AccountRules(multiplier=2, not_shortable=frozenset({"BBB"}))) as alpaca:
        days = Days(alpaca, market, tmp_path / "journal.db", spec)
        for _ in range(6):
            days.whole_day()
        report = days.once()
        held = [float(alpaca.ledger.positions.get(symbol, 0)) for symbol in market.symbols]
    broker = SimulatedBroker(cash=100_000.0, rules="alpaca", assets={"BBB": {"shortable": False}})
    strategy = engine.build(spec, broker, market.between(None, report.session)).run()[0]
    assert [broker.getposition(data).size for data in strategy.datas] == held
    refused = [order for order in broker.orders if order.info.get("reason")]
    assert {(order.data._name, order.getstatusname(), order.info["reason"]) for order in refused} == {
        ("BBB", "Rejected", "BBB cannot be sold short at Alpaca")}
    assert any(order.executed.size for order in refused) and held[1] >= 0
