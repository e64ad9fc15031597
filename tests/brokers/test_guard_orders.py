"""Random orders on the simulated broker: an independent, slow restatement of the rules says which ones a guard must refuse."""

import backtrader as bt
import numpy as np
import pytest
from guarded_runs import Timed, simulated
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.local_alpaca.made_minutes import minutes
from core.day_numbers import moments_of
from core.errors import BadSpec, StoreFailed, UnknownName
from core.options import Guard, read_group

Order = bt.Order
TIMES = [f"09:{minute}" for minute in range(31, 46)]


def walk(seed, rows=17, quiet=0.0):
    random = np.random.default_rng(seed)
    prices = {}
    for symbol in ("AAA", "BBB"):
        closes = np.round(100 + random.integers(-200, 201, rows).cumsum() / 100, 2)
        prices[symbol] = [None if random.random() < quiet else float(close) for close in closes]
    prices["BBB"] = [100.0 if price is None and at in (0, rows - 1) else price for at, price in enumerate(prices["BBB"])]
    prices["AAA"][0] = 100.0
    return minutes(AAA=prices["AAA"], BBB=prices["BBB"])


orders = st.tuples(st.sampled_from(TIMES), st.integers(0, 1), st.integers(-60, 60).filter(bool),
                   st.sampled_from(["market", "market", "limit", "stop"]), st.integers(-6, 6))
guards = st.fixed_dictionaries({
    "max_order_value": st.sampled_from([0, 3_000, 5_000]), "max_position_value": st.sampled_from([0, 2_000, 5_000]),
    "orders_per_minute": st.sampled_from([0, 0, 1, 2]), "collar": st.sampled_from([0, 0.02, 0.05]), "stale_s": st.sampled_from([0, 60, 120])})


def plan_of(placed):
    plan = {}
    for at, feed, size, kind, off in placed:
        plan.setdefault(at, []).append((feed, size, kind, off))
    return {at: lambda strategy, wanted=wanted: [place(strategy, *each) for each in wanted] for at, wanted in plan.items()}


def place(strategy, feed, size, kind, off):
    data = strategy.datas[feed]
    if not len(data):
        return
    terms = {} if kind == "market" else {"price": data.close[0] + off, "exectype": Order.Limit if kind == "limit" else Order.Stop}
    (strategy.buy if size > 0 else strategy.sell)(data, size=abs(size), now=strategy.now, **terms)


class Dated(Timed):
    """Knows the moment of the newest bar."""

    @property
    def now(self):
        return int(moments_of([max(data.datetime[0] for data in self.datas if len(data))])[0])


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.lists(orders, min_size=10, max_size=30), guards)
def test_refused_is_what_a_slow_restatement_refuses(seed, placed, guard):
    played = simulated(walk(seed, quiet=0.15), plan_of(placed), guard, cash=1e9, kind=Dated)
    sent = list(played.broker.orders)
    for number, order in enumerate(sent):
        broken = list(violations(order, sent[:number], Guard(**guard)))
        assert (order.status == Order.Rejected) == bool(broken), (broken, dict(order.info))
        if broken:
            assert any(f"guard.{rule}" in order.info["reason"] for rule in broken)


def violations(order, earlier, limits):
    """The rules an order breaks: everything is counted anew from the executions of all orders before it."""
    now, bar = order.info["now"], int(moments_of([order.created.dt])[0])
    passed = [other for other in earlier if other.status != Order.Rejected]
    same = [other for other in passed if other.data is order.data]
    held = sum(bit.size for other in same for bit in other.executed.exbits if at(bit) <= now)
    waiting = [other.created.size - sum(bit.size for bit in other.executed.exbits if at(bit) <= now) for other in same]
    size = order.created.size
    worst = held + size + sum(left for left in waiting if (left > 0) == (size > 0))
    reduces = held * size < 0 and abs(worst) <= abs(held) and worst * held >= 0
    if reduces:
        return
    close, named = order.created.pclose, order.created.price
    dear = named if order.exectype == Order.Limit and size > 0 else max(close, named)
    if limits.max_order_value and abs(size) * dear > limits.max_order_value + 1e-6:
        yield "max_order_value"
    if limits.max_position_value and abs(worst) * max(close, dear) > limits.max_position_value + 1e-6:
        yield "max_position_value"
    if limits.orders_per_minute and sum(now - other.info["now"] < 60e9 for other in passed) + 1 > limits.orders_per_minute:
        yield "orders_per_minute"
    if limits.collar and order.exectype != Order.Market and abs(named - close) > limits.collar * close + 1e-9:
        yield "collar"
    if limits.stale_s and now - bar > limits.stale_s * 1e9:
        yield "stale_s"


def at(bit):
    return int(moments_of([bit.dt])[0])


# -- what is no plain order -----------------------------------------------------------------------------


def test_a_bracket_is_one_order_and_its_exits_pass():
    def bracket(strategy):
        strategy.buy_bracket(strategy.datas[0], size=10, exectype=Order.Market, stopprice=50, limitprice=150)

    bars = minutes(AAA=[100.0] * 10)
    played = simulated(bars, {"09:32": lambda s: (bracket(s), s.buy(size=1), s.buy(size=1))}, {"orders_per_minute": 2, "max_order_value": 1_000})
    assert [(size, reason) for _, _, size, reason in played.refused] == [(1, "3 orders in a minute are above guard.orders_per_minute 2")]
    assert played.held == {"AAA": 11}


def test_an_exit_larger_than_its_entry_is_judged_as_the_position_it_opens():
    def entry(strategy):
        order = strategy.buy(size=10, transmit=False)
        strategy.sell(size=40, exectype=Order.Stop, price=90, parent=order)

    played = simulated(minutes(AAA=[100.0] * 10), {"09:32": entry}, {"max_position_value": 2_000})
    assert [(size, reason) for _, _, size, reason in played.refused] == [(-40, "position of 3,000.00 is above guard.max_position_value 2,000.00")]


def test_of_a_pair_only_one_counts():
    def pair(strategy):
        stop = strategy.sell(size=10, exectype=Order.Stop, price=50)
        strategy.sell(size=10, exectype=Order.Limit, price=150, oco=stop)

    guard = {"max_order_value": 1_000, "max_position_value": 1_000}
    played = simulated(minutes(AAA=[100.0] * 10), {"09:32": lambda s: s.buy(size=10), "09:34": pair}, guard, rules="alpaca")
    assert played.refused == [] and played.held == {"AAA": 10}


def test_an_order_without_a_size_is_refused():
    played = simulated(minutes(AAA=[100.0] * 10), {"09:32": lambda s: s.buy(size=float("nan"))}, {"max_order_value": 1_000})
    assert [reason for *_, reason in played.refused] == ["the order has a size of nan, and guard.max_order_value needs one"]


def test_an_order_before_any_price_is_refused():
    played = simulated(minutes(AAA=[100.0] * 10), {"09:32": lambda s: s.buy(size=1, exectype=Order.Limit, price=float("nan"))},
                       {"max_order_value": 1_000})
    assert [reason for *_, reason in played.refused] == ["AAA has no price, and guard.max_order_value needs one"]


@pytest.mark.parametrize(("intent", "passes"), [("kill", True), ("stop", True), ("end", True), ("exit", False)])
def test_closing_orders_pass_at_all_times_as_far_as_they_close(intent, passes):
    bars = minutes(start="2024-03-01 15:50", AAA=[100.0] * 10)
    plan = {"15:55": lambda s: s.buy(size=10), "16:00": lambda s: (s.sell(size=11, intent=intent), s.sell(size=10, intent=intent))}
    played = simulated(bars, plan, {"hours": 1, "max_position_value": 1_000})
    assert [size for _, _, size, _ in played.refused] == ([-11] if passes else [-11, -10])


def test_daily_orders_are_for_the_next_session():
    from made_bars import bars, frame

    played = simulated(bars(AAA=frame([100.0] * 5)), {"16:00": lambda s: s.buy(size=1)}, {"hours": 1, "after_open": 5})
    assert played.refused == [] and played.held == {"AAA": 4}


@pytest.mark.parametrize(("when", "terms", "passes"), [
    ("15:49", {"exectype": Order.Close}, True), ("15:51", {"exectype": Order.Close}, False), ("16:00", {"exectype": Order.Close}, True),
    ("15:49", {"tif": "cls"}, True), ("15:55", {"tif": "opg"}, False), ("16:00", {"auction": "open"}, True), ("15:55", {"auction": "open"}, False), ("15:59", {}, False), ("15:45", {}, True), ("15:46", {}, False),
])
def test_auction_orders_are_exempt_while_their_auction_takes_them(when, terms, passes):
    bars = minutes(start="2024-03-01 15:30", AAA=[100.0] * 30)
    played = simulated(bars, {when: lambda s: s.buy(size=1, **terms)}, {"hours": 1, "before_close": 15})
    assert (played.refused == []) == passes
    assert all("guard." in reason for *_, reason in played.refused)


class Broken:
    """A journal that cannot be written, nor `readable`."""

    def __init__(self, readable):
        self.readable = readable

    def note(self, *args, **facts):
        raise StoreFailed("the journal is full; make room on the disk and repeat")

    def notes(self, account, run, kinds):
        return [] if self.readable else self.note()


@pytest.mark.parametrize(("readable", "guard", "refused"), [
    (True, {"max_order_value": 1_000}, [20]), (False, {"max_order_value": 1_000}, [1, 20]), (True, {"max_daily_loss": 0.1}, [1, 20])])
def test_a_journal_that_fails_lets_nothing_open_that_it_would_have_to_know_of(readable, guard, refused):
    told, plan = [], {"09:32": lambda s: s.buy(size=1), "09:40": lambda s: s.buy(size=20)}
    played = simulated(minutes(AAA=[100.0] * 15), plan, guard,
                       guards=lambda guards: guards.record(Broken(readable), "A", ["R"], lambda text, **facts: told.append(text)))
    assert [size for _, _, size, _ in played.refused] == refused
    assert any("the journal is full" in text for text in told)


# -- what a guard may say -------------------------------------------------------------------------------


@pytest.mark.parametrize(("values", "message"), [
    ({"max_order_value": float("nan")}, "guard.max_order_value is nan: it must be a number"),
    ({"max_order_value": "much"}, "guard.max_order_value is 'much': it must be a number"),
    ({"max_position_value": -1}, "guard.max_position_value is -1: it must not be negative; 0 switches it off"),
    ({"max_order_value": 10**400}, f"guard.max_order_value is 1{'0' * 39}: it must be a number"),
    ({"max_daily_loss": 5}, "guard.max_daily_loss is 5: it is a part, so below 1 (0.08 means 8%)"),
    ({"collar": 1}, "guard.collar is 1: it is a part, so below 1 (0.08 means 8%)"),
    ({"orders_per_minute": 0.5}, "guard.orders_per_minute is 0.5: it is a whole number"),
    ({"orders_per_minute": float("inf")}, "guard.orders_per_minute is inf: it is a whole number"),
    ({"flatten": 2}, "guard.flatten is 2: it is 1 or 0"), ({"hours": True}, "guard.hours is True: it must be a number"),
    ({"after_open": 5}, "guard.after_open is 5: it works with guard.hours = 1 only"),
    ({"before_close": 1.5, "hours": 1}, "guard.before_close is 1.5: it is a whole number"),
])
def test_a_value_out_of_range_is_one_line(values, message):
    with pytest.raises(BadSpec) as caught:
        read_group(Guard, values)
    assert str(caught.value) == message


def test_an_unknown_rule_gets_a_suggestion_and_zero_is_off():
    with pytest.raises(UnknownName, match="unknown guard 'max_ordervalue': did you mean 'max_order_value'"):
        read_group(Guard, {"max_ordervalue": 1})
    assert not read_group(Guard, {"max_order_value": 0, "flatten": 0}).active and read_group(Guard, {"hours": 1}).active
    played = simulated(minutes(AAA=[100.0] * 5), {"09:32": lambda s: s.buy(size=500)}, {"max_order_value": 0})
    assert played.refused == []
