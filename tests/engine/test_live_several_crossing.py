"""Orders of two runs in one symbol on one account of the local Alpaca: what is in each other's way waits, or is refused by name."""

from decimal import Decimal

import backtrader as bt
import numpy as np
import pytest
from several_runs import check_sums, executed, lived, spec
from streamed_runs import two_days, venue

from brokers.local_alpaca import AccountRules, OrderFault, VenueClock
from core.spec import RunSpec
from engine.several import build_several, in_each_others_way
from journal import Journal

Order = bt.Order
FROM, DAY = "2024-02-21T09:34:30-05:00", "2024-02-21"
KINDS = {"@": Order.Limit, "!": Order.Stop}


class Planned(bt.Strategy):
    """Trades by a timetable: "14:40=10" buys ten at the market, -10@130 sells them at a limit, -10!90 at a stop, -10@130!90 at one of both,
    -10c in the closing auction. Notes what it holds on every bar."""

    params = dict(plan="")

    def __init__(self):
        self.held = {}

    def next(self):
        if any(data.islive() and data._laststatus != data.LIVE for data in self.datas):
            return
        at = f"{self.data.datetime.datetime():%H:%M}"
        self.held[at] = self.position.size
        for step in self.p.plan.split():
            when, _, what = step.partition("=")
            if when == at:
                self.trade(what)

    def trade(self, what):
        what, in_auction = what.rstrip("c"), what.endswith("c")
        size = what.partition("@" if "@" in what else "!")[0]
        act, first = self.buy if float(size) > 0 else self.sell, None
        for mark, kind in KINDS.items():
            if mark in what:
                price = float(what.partition(mark)[2].partition("!")[0])
                order = act(size=abs(float(size)), exectype=kind, price=price, oco=first)
                first = first or order
        if first is None:
            act(size=abs(float(size)), exectype=Order.Close if in_auction else Order.Market)


def planned(name, plan):
    return RunSpec(strategy=f"{__name__}:Planned", params={"plan": plan}, symbols=("AAA",), interval="1m", name=name, capital=20_000.0,
                   on_stop="keep", start=DAY)


def told(strategy):
    """(signed shares executed, status, reason) of each order of a run."""
    return [(float(order.executed.size), order.getstatusname(), str(order.info.get("reason") or "")) for order in strategy.broker.orders]


@pytest.fixture(name="played")
def _played(tmp_path):
    """Stream the plans of runs a and b from 09:35 on; the strategies by the names of their runs."""
    def play(a, b, until="09:50:30", first="a", account=None, since=FROM, rows=60, fault=None, at_time=()):
        specs = [planned("a", a), planned("b", b)][:: 1 if first == "a" else -1]
        with venue(two_days(rows), since, account) as alpaca, Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
            if fault is not None:
                alpaca.faults.add(fault)
            strategies, _ = lived(alpaca, f"{DAY}T{until}-05:00", specs, journal, at_time)
            shared = check_sums(strategies, alpaca)
            for name, part in shared.parts.items():
                held, cash = executed(alpaca, journal, name)
                assert part.held == held and part.cash == Decimal(20_000) + cash
            return {strategy.broker.name: strategy for strategy in strategies}
    return play


def backtest(a, b):
    """The same on a simulated account."""
    runs = build_several([planned("a", a), planned("b", b)], bars=[two_days(rows=60, days=(DAY,))] * 2)
    return dict(zip("ab", runs.cerebro.run(), strict=True))


def check_as_in_the_backtest(runs, plans):
    """They hold the same whenever something is decided, and every order is executed."""
    decided = {step.partition("=")[0] for plan in plans for step in plan.split()}
    for name, strategy in backtest(*plans).items():
        assert {status for _, status, _ in told(runs[name])} == {"Completed"}, told(runs[name])
        live, simulated = ({at: held for at, held in each.held.items() if at in decided or at == "15:18"} for each in (runs[name], strategy))
        assert len(live) > 10 and live == simulated


STORY = {  # one after the other, each from nothing to nothing
    "one leaves and the other goes short": ("14:36=10 14:38=-10", "14:38=-10 14:40=10"),
    "one covers and the other goes long": ("14:42=-10 14:44=10", "14:44=10 14:46=-10"),
    "one leaves a part and the other goes short": ("14:48=10 14:50=-6 14:53=-4", "14:50=-10 14:53=10"),
    "one turns and the other goes short": ("14:55=10 14:57=-15 15:00=5", "14:57=-8 15:00=8"),
    "one leaves and the other turns": ("15:02=10 15:05=-10", "15:03=4 15:05=-10 15:08=6"),
    "both leave": ("15:09=10 15:11=-10", "15:10=4 15:11=-4"),
    "one goes short a second time": ("15:12=10 15:14=-10", "15:14=-5 15:14=-5 15:16=10"),
}


@pytest.mark.parametrize("first", "ab")
def test_an_order_waits_for_a_market_order_of_the_other_run_that_is_promised_the_shares(first, played):
    plans = [" ".join(each[at] for each in STORY.values()) for at in range(2)]
    check_as_in_the_backtest(played(*plans, until="10:19:30", first=first), plans)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_two_runs_want_of_one_symbol_they_hold_what_they_hold_in_the_backtest(seed, played):
    random = np.random.default_rng(seed)
    plans = []
    for _ in "ab":
        changes = np.diff(random.integers(-12, 13, 13), prepend=0).tolist()
        plans.append(" ".join(f"{14 + (36 + at) // 60}:{(36 + at) % 60:02d}={change}" for at, change in zip(range(0, 39, 3), changes, strict=True) if change))
    check_as_in_the_backtest(played(*plans, until="10:19:30"), plans)


HELD_BY = "10 shares of AAA are asked for and 0 are free (10 of 10 are held by open orders): the {} order of a rests there"
COULD = "an open {} order to {} AAA could trade with it: the {} order of a rests there"


@pytest.mark.parametrize("a, b, said", [
    ("14:40=10 14:43=-10@130", "14:44=-10", HELD_BY.format("limit")),
    ("14:40=10 14:43=-10@130!70", "14:44=-10", HELD_BY.format("limit or stop")),
    ("14:40=10 14:43=-10!70", "14:44=10", COULD.format("stop", "sell", "stop")),
    ("14:40=10 14:43=-10c", "14:44=10", COULD.format("market", "sell", "closing auction")),
])
def test_an_order_does_not_wait_for_one_that_rests_and_is_told_whose_it_is(a, b, said, played):
    runs = played(a, b, until="09:46:30")
    assert told(runs["b"]) == [(0.0, "Rejected", said)]
    assert told(runs["a"])[0][1] == "Completed" and runs["a"].position.size


@pytest.mark.parametrize("account", [AccountRules(multiplier=1), AccountRules(multiplier=4, shorting=False),
                                     AccountRules(multiplier=4, not_shortable=frozenset({"AAA"}))], ids=["cash", "no shorting", "not shortable"])
def test_a_run_may_not_sell_the_shares_of_another_where_it_may_not_sell_short(account, played):
    why = f"{'AAA cannot be sold short at Alpaca' if account.not_shortable else 'the account may not sell short'} (b holds 0 AAA)"
    runs = played("14:40=10 14:46=-10", "14:41=-10 14:42=4 14:44=-10", account=account)
    assert told(runs["a"]) == [(10.0, "Completed", ""), (-10.0, "Completed", "")]
    assert told(runs["b"]) == [(0.0, "Rejected", why), (4.0, "Completed", ""), (-4.0, "Rejected", why)]


def test_what_a_run_sells_twice_is_not_taken_from_another(played):
    """On a cash account, on one bar: the second order waits for the first, and is a short sale then."""
    runs = played("14:40=10 14:46=-10", "14:41=4 14:44=-4 14:44=-4", account=AccountRules(multiplier=1))
    assert [(size, status) for size, status, _ in told(runs["b"])] == [(4.0, "Completed"), (-4.0, "Completed"), (0.0, "Rejected")]
    assert told(runs["a"])[1][1] == "Completed"


def test_an_order_waits_for_a_market_order_of_somebody_else_and_is_sent_when_that_has_ended(played):
    buys = (f"{DAY}T09:42:10-05:00", lambda live: (live.alpaca.outside_order(symbol="AAA", side="buy", qty=3), live.broker.reconcile()))
    slow = OrderFault(do="slow_new", symbol="AAA", seconds=80.0, nth=2)
    runs = played("14:40=10 14:44=-4", "", fault=slow, at_time=[buys])
    assert [status for _, status, _ in told(runs["a"])] == ["Completed", "Completed"]


def test_what_is_executed_while_the_account_is_read_again_is_reckoned_with(played):
    """The other order is done by the time it is looked at: four of the shares are left, which close before the rest opens."""
    def race(live):
        objections = live.broker._flow.desk.objections
        refresh = objections.refresh

        def filled_meanwhile():
            for order in live.alpaca.book.open("AAA"):
                live.alpaca.fill(order.id)
            refresh()

        objections.refresh = filled_meanwhile

    runs = played("14:40=10 14:43=-6", "14:43=-10", until="09:46:30", at_time=[(f"{DAY}T09:41:10-05:00", race)])
    assert [told(strategy)[-1] for strategy in runs.values()] == [(-6.0, "Completed", ""), (-10.0, "Completed", "")]


ALL = "every order of {} but exits from a position on the same side"
OPENING = "orders of {} that open a position on the other side"


@pytest.mark.parametrize("exits, others, whose, refused", [
    ({"stop": 0.1}, {}, "a", ALL.format("b")), ({}, {"profit": 0.1}, "b", ALL.format("a")), ({"trail": 0.1}, {"bars": 3}, "a", OPENING.format("b")),
    ({"stop": 0.1, "profit": 0.2}, {}, "a", OPENING.format("b")), ({"trail": 0.1}, {"stop": 0.1}, "a or b", ALL.format("the other run")),
])
def test_runs_are_told_when_their_protective_orders_will_be_in_the_way(exits, others, whose, refused):
    a = planned("a", "").replace(symbols=("AAA", "BBB", "CCC"), exits=exits)
    b = planned("b", "").replace(symbols=("CCC", "AAA"), exits=others)
    said, = in_each_others_way({"a": a, "b": b, "c": planned("c", "").replace(symbols=("DDD",))})
    assert said == (f"the runs a and b both trade AAA, CCC: while a protective order of {whose} rests there, Alpaca refuses {refused}; give them "
                    "different symbols, or an account each")


def test_runs_without_a_common_symbol_or_without_exits_are_in_nobody_s_way():
    a, b = planned("a", "").replace(exits={"stop": 0.1}), planned("b", "")
    assert in_each_others_way({"a": a, "b": b.replace(symbols=("BBB",))}) == in_each_others_way({"a": b, "b": b}) == []


def test_protective_orders_are_in_the_way_as_was_told(tmp_path):
    a, b = spec(2, exits={"stop": 0.05}, on_stop="flatten"), spec(5)
    with venue(two_days(rows=60), FROM) as alpaca, Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        strategies, events = lived(alpaca, f"{DAY}T10:05:30-05:00", [a, b], journal)
        check_sums(strategies, alpaca)
    assert [event.kind for event in events if event.text in in_each_others_way({"run2": a, "run5": b})] == ["store"]
    refused = [order for order in strategies[1].broker.orders if order.status == Order.Rejected]
    assert len(refused) > 2
    assert {order.info["reason"] for order in refused if order.isbuy()} == {
        f"an open stop order to sell {order.data._name} could trade with it: the stop order of run2 rests there" for order in refused}
