"""Alpaca's rules in the simulated broker: each refuses the first symbol's order, the second symbol's is filled."""

import subprocess
import sys
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest
from made_bars import bars as daily
from made_bars import frame
from scripted import Script

from brokers import SimulatedBroker
from brokers.local_alpaca.made_minutes import minutes
from core.errors import UnknownName
from feeds.cerebro_feed import BarsData

Order = bt.Order
SHORTS = {"AAA": {"shortable": False}}
WHOLE = {"AAA": {"fractionable": False}}


def play(bars, plan, cash=10_000.0, **params):
    """Play a plan of actions(strategy, first feed, second feed) by Alpaca's rules; returns the strategy."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(SimulatedBroker(cash=cash, **{"rules": "alpaca", **params}))
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol))
    cerebro.addstrategy(Script, plan={bar: lambda s, act=act: act(s, *s.datas) for bar, act in plan.items()})
    return cerebro.run()[0]


def two(rows=8, start="2024-03-01 09:30"):
    """AAA at 100 and BBB at 50, which never move."""
    return minutes(start, AAA=[100] * rows, BBB=[50] * rows)


def told(strategy):
    """(symbol, status, shares executed, reason) of every order."""
    return [(order.data._name, order.getstatusname(), order.executed.size, order.info.get("reason", ""))
            for order in strategy.broker.orders]


@pytest.mark.parametrize(("act", "params", "reason"), [
    (lambda s, a, b: (s.buy(a, size=1, notional=0.99), s.buy(b, size=3)), {}, "an order is worth at least 1 USD, not 0.9900"),
    (lambda s, a, b: (s.buy(a, size=1.5, tif="gtc"), s.buy(b, size=3)), {"fractional": True},
     "fractions of shares trade as day orders only, not gtc"),
    (lambda s, a, b: (s.buy(a, size=1.5, exectype=Order.StopTrail, trailpercent=0.1), s.buy(b, size=3)), {"fractional": True},
     "fractions of shares trade as simple orders, without a trailing stop"),
    (lambda s, a, b: (s.buy(a, size=0.5), s.buy(b, size=3)), {"fractional": True, "assets": WHOLE},
     "0.5 shares are less than can be traded of AAA: order more"),
    (lambda s, a, b: (s.sell(a, size=3), s.buy(b, size=3)), {"assets": SHORTS}, "AAA cannot be sold short at Alpaca"),
    (lambda s, a, b: (s.sell(a, size=1.5), s.buy(b, size=3)), {"fractional": True}, "fractions of shares cannot be sold short"),
    (lambda s, a, b: (s.buy(a, size=3), s.buy(b, size=3)), {"assets": {"AAA": {"status": "inactive"}}}, "AAA is inactive at Alpaca"),
    (lambda s, a, b: (s.buy(a, size=3), s.buy(b, size=3)), {"assets": {"AAA": {"tradable": False}}}, "AAA is not traded at Alpaca"),
    (lambda s, a, b: (s.buy(a, size=200), s.buy(b, size=3)), {},
     "it takes 20500.00 USD of buying power and 20000.00 are left"),
    (lambda s, a, b: (s.buy(a, size=3, exectype=Order.Limit, price=float("nan")), s.buy(b, size=3)), {},
     "an order has a size or price of nan: it must be a finite number"),
    (lambda s, a, b: (s.buy(a, size=3, exectype=Order.StopTrailLimit, price=100, plimit=99, trailamount=2), s.buy(b, size=3)), {},
     "alpaca has no StopTrailLimit orders: use another exectype"),
    (lambda s, a, b: (s.buy(a, size=3, exectype=Order.Stop, price=101, tif="ioc"), s.buy(b, size=3)), {}, "a stop order is day or gtc"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_refused_order_is_rejected_with_its_reason_and_the_run_goes_on(act, params, reason):
    orders = told(play(two(), {1: act}, **params))
    refused, (symbol, status, size, why) = [each for each in orders if each[0] == "AAA"], orders[-1]
    assert refused == [("AAA", "Rejected", 0, reason)]
    assert (symbol, status, size, why) == ("BBB", "Completed", 3, "")


def test_without_rules_the_same_orders_fill():
    plan = {1: lambda s, a, b: (s.sell(a, size=1.5), s.sell(b, size=3, auction="open"))}
    assert [each[1] for each in told(play(two(), plan, rules=None, assets=SHORTS, fractional=True))] == ["Completed", "Accepted"]


def test_orders_of_the_other_side_must_not_meet():
    plan = {1: lambda s, a, b: (s.buy(a, size=3, exectype=Order.Limit, price=90), s.buy(b, size=3, exectype=Order.Limit, price=40)),
            3: lambda s, a, b: (s.sell(a, size=3), s.cancel(s.broker.orders[1])), 5: lambda s, a, b: s.sell(b, size=3)}
    assert told(play(two(), plan))[2:] == [("AAA", "Rejected", 0, "an open limit order to buy AAA could trade with it"),
                                           ("BBB", "Completed", -3, "")]


def test_shares_that_an_exit_holds_are_not_sold_again():
    plan = {1: lambda s, a, b: (s.buy(a, size=10), s.buy(b, size=10)), 3: lambda s, a, b: s.sell(a, size=8, exectype=Order.Stop, price=90),
            5: lambda s, a, b: (s.sell(a, size=5), s.sell(b, size=5))}
    orders = told(play(two(), plan))
    assert orders[3][:3] == ("AAA", "Rejected", 0)
    assert orders[3][3].endswith("shares of AAA are asked for and 2 are free (8 of 10 are held by open orders)")
    assert orders[4] == ("BBB", "Completed", -5, "")


def test_open_orders_hold_buying_power_until_they_are_cancelled():
    far = dict(exectype=Order.Limit, price=99.0)
    plan = {1: lambda s, a, b: s.sell(a, size=150, exectype=Order.Limit, price=120), 3: lambda s, a, b: s.sell(b, size=50),
            5: lambda s, a, b: s.cancel(s.broker.orders[0]), 6: lambda s, a, b: s.sell(b, size=50, **{**far, "price": 49.0})}
    orders = told(play(two(), plan))
    assert orders[1] == ("BBB", "Rejected", 0, "it takes 2575.00 USD of buying power and 2000.00 are left")
    assert orders[2][:3] == ("BBB", "Completed", -50)


def test_what_is_cancelled_in_the_same_turn_is_in_nobodys_way():
    def turn(s, a, b):
        s.buy(b, size=2)
        s.cancel(s.broker.orders[0])
        s.sell(a, size=3)
        s.sell(b, size=2, exectype=Order.Limit, price=60)

    plan = {1: lambda s, a, b: s.buy(a, size=95, exectype=Order.Limit, price=90), 3: turn}
    orders = told(play(two(), plan))
    assert [each[:2] for each in orders] == [("AAA", "Canceled"), ("BBB", "Completed"), ("AAA", "Completed"), ("BBB", "Rejected")]


def test_a_purchase_is_judged_with_what_the_sale_before_it_brings():
    swap = {1: lambda s, a, b: s.buy(a, size=95), 3: lambda s, a, b: (s.sell(a, size=95), s.buy(b, size=185))}
    assert [each[1] for each in told(play(two(), swap))] == ["Completed"] * 3
    shorts = {1: lambda s, a, b: s.sell(a, size=190), 3: lambda s, a, b: (s.buy(a, size=190), s.sell(b, size=380))}
    assert [each[1] for each in told(play(two(), shorts))] == ["Completed"] * 3
    late = {1: lambda s, a, b: s.sell(a, size=190), 3: lambda s, a, b: (s.sell(b, size=380), s.buy(a, size=190))}
    assert told(play(two(), late))[1][1:] == ("Rejected", 0, "it takes 19570.00 USD of buying power and 1000.00 are left")


@pytest.mark.parametrize("size", [15, 5_000])
def test_a_reversal_that_may_not_open_the_other_side_still_closes(size):
    plan = {1: lambda s, a, b: (s.buy(a, size=10), s.buy(b, size=10)), 3: lambda s, a, b: (s.sell(a, size=size), s.sell(b, size=15))}
    strategy = play(two(), plan, assets=SHORTS)
    orders = told(strategy)
    assert orders[2][:3] == ("AAA", "Rejected", -10) and "AAA cannot be sold short at Alpaca" in orders[2][3]
    assert orders[3] == ("BBB", "Completed", -15, "")
    assert [strategy.getposition(data).size for data in strategy.datas] == [0, -5]
    assert strategy.broker.getcash() == pytest.approx(10_000 + 5 * 50)


def test_a_reversal_closes_part_by_part_where_volume_is_short():
    plan = {1: lambda s, a, b: s.buy(a, size=10), 4: lambda s, a, b: s.sell(a, size=15)}
    strategy = play(two(), plan, assets=SHORTS, max_volume=0.006)  # 6 of 1,000 shares a bar
    assert told(strategy)[1][:3] == ("AAA", "Rejected", -10) and strategy.getposition(strategy.datas[0]).size == 0
    assert strategy.seen[-3:] == [(5, "Partial", "AAA", -6), (6, "Partial", "AAA", -10), (6, "Rejected", "AAA", -10)]


# -- groups ---------------------------------------------------------------------------------------------


def test_a_refused_bracket_is_refused_with_its_exits():
    terms = dict(size=5, exectype=Order.Market, limitprice=110)
    plan = {1: lambda s, a, b: (s.buy_bracket(a, stopprice=100.5, **terms), s.buy_bracket(b, stopprice=45, **terms))}
    orders = told(play(two(), plan))
    assert {each[1:] for each in orders[:3]} == {("Rejected", 0, "stop_loss 100.50 is not at least a cent below 100.0")}
    assert [each[1] for each in orders[3:]] == ["Completed", "Accepted", "Accepted"]


def test_two_exits_that_cancel_each_other_are_judged_as_one_order():
    def exits(s, data, size):
        s.sell(data, size=size, exectype=Order.Limit, price=120, oco=s.sell(data, size=size, exectype=Order.Stop, price=40))

    plan = {1: lambda s, a, b: s.buy(b, size=10), 3: lambda s, a, b: (exits(s, a, 10), exits(s, b, 10))}
    orders = told(play(two(), plan))
    assert [each[1:] for each in orders[1:3]] == [("Rejected", 0, "an oco order only closes a position, and AAA has none on the other side")] * 2
    assert [each[1] for each in orders[3:]] == ["Accepted"] * 2


def test_alpacas_groups_are_one_limit_and_one_stop():
    def stops(s, a, b):
        s.sell(a, size=5, exectype=Order.Stop, price=80, oco=s.sell(a, size=5, exectype=Order.Stop, price=90))
        s.sell(b, size=5, exectype=Order.Limit, price=60, oco=s.sell(b, size=5, exectype=Order.Stop, price=45))

    orders = told(play(two(), {1: lambda s, a, b: (s.buy(a, size=5), s.buy(b, size=5)), 3: stops}))
    assert [each[1] for each in orders[2:]] == ["Accepted", "Rejected", "Accepted", "Accepted"]
    assert orders[3][3] == "orders that cancel each other are one limit and one stop at Alpaca"


def test_what_is_withdrawn_before_it_is_judged_is_cancelled_with_its_group():
    def withdrawn(s, a, b):
        stop = s.sell(a, size=10, exectype=Order.Stop, price=40)
        s.sell(a, size=10, exectype=Order.Limit, price=120, oco=stop)
        s.cancel(stop)

    plan = {1: lambda s, a, b: s.buy(a, size=10), 3: withdrawn}
    assert [each[1] for each in told(play(two(), plan))] == ["Completed", "Canceled", "Canceled"]


# -- rounding -------------------------------------------------------------------------------------------


def test_prices_and_sizes_are_those_alpaca_takes():
    plan = {1: lambda s, a, b: (s.sell(a, size=2.7, exectype=Order.Limit, price=104.121), s.buy(b, size=2.5, exectype=Order.Limit, price=45.129)),
            2: lambda s, a, b: s.buy(b, size=1, exectype=Order.StopLimit, price=55.126, plimit=56.129),
            3: lambda s, a, b: s.sell(a, size=1, exectype=Order.StopTrail, trailamount=5.004),
            4: lambda s, a, b: s.buy(b, size=7, notional=125.0)}
    orders = play(two(), plan, fractional=True, assets=WHOLE).broker.orders
    assert [order.created.size for order in orders] == [-2, 2.5, 1, -1, 2.5]
    assert [order.created.price for order in orders[:3]] == [104.13, 45.12, 55.13]
    assert orders[2].created.pricelimit == 56.12
    assert (orders[3].created.trailamount, orders[3].created.price) == (5.0, 95.0)
    assert orders[4].executed.size == 2.5


# -- windows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "last"), [("2024-03-01 15:47", 2), ("2024-11-29 12:47", 2)], ids=["full day", "half day"])
def test_orders_for_the_close_are_taken_until_ten_minutes_before_it(start, last):
    bars = two(13, start)
    plan = dict.fromkeys(range(1, 14), lambda s, a, b: (s.buy(a, size=1, exectype=Order.Close), s.buy(b, size=1)))
    closing = [each for each in told(play(bars, plan)) if each[0] == "AAA"]
    assert [each[1] for each in closing] == ["Completed"] * last + ["Rejected"] * (13 - last)
    assert {each[3] for each in closing[last:]} == {"cls orders are taken from 19:00 until ten minutes before the close (15:50 New York time)"}


@pytest.mark.parametrize("terms", [{}, {"auction": "open"}, {"exectype": Order.Close}, {"auction": "open", "size": 2.5},
                                   {"exectype": Order.Close, "size": 2.5}])
def test_orders_decided_on_daily_bars_wait_for_their_window(terms):
    bars = daily(AAA=frame([100.0] * 5), BBB=frame([50.0] * 5))
    plan = {2: lambda s, a, b: (s.buy(a, **{"size": 3, **terms}), s.buy(b, **{"size": 3, **terms}))}
    strategy = play(bars, plan, fractional=True)
    assert [each[1] for each in told(strategy)] == ["Completed"] * 2 and strategy.seen[-1][0] == 3


# -- the ends of a run ----------------------------------------------------------------------------------


def test_orders_of_the_last_bar_are_judged_too():
    plan = {8: lambda s, a, b: (s.sell(a, size=3), s.buy(b, size=3))}
    assert [each[1] for each in told(play(two(), plan, assets=SHORTS))] == ["Rejected", "Submitted"]


def test_a_broker_may_run_again():
    broker = SimulatedBroker(cash=10_000.0, rules="alpaca", max_volume=0.5, assets=SHORTS)
    for _ in range(2):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(broker)
        for symbol in ("AAA", "BBB"):
            cerebro.adddata(BarsData(dataname=two(), symbol=symbol))
        cerebro.addstrategy(Script, plan={1: lambda s: (s.sell(s.datas[0], size=3), s.buy(s.datas[1], size=3))})
        assert [each[1] for each in told(cerebro.run()[0])] == ["Rejected", "Completed"]


def test_unknown_rules_and_fields_of_assets_are_named():
    with pytest.raises(UnknownName, match="unknown rules 'alpca': did you mean 'alpaca'"):
        play(two(), {}, rules="alpca")
    with pytest.raises(UnknownName, match="unknown field of an asset 'shortible': did you mean 'shortable'"):
        play(two(), {}, assets={"AAA": {"shortible": False}})


def test_nothing_of_alpaca_py_is_needed():
    code = ("import sys; sys.modules['alpaca'] = None\n"
            "import backtrader as bt\nfrom brokers.local_alpaca.made_minutes import minutes\nfrom scripted import play\n"
            "from brokers import SimulatedBroker\nfrom feeds.cerebro_feed import BarsData\n"
            "s, broker = play({'AAA': BarsData(dataname=minutes(AAA=[100] * 4))}, {1: lambda s: s.sell(size=50)},"
            " SimulatedBroker(cash=1000.0, rules='alpaca'))\n"
            "print(broker.orders[0].getstatusname())\n")
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root,
                          env={"PYTHONPATH": f"{root}:{root / 'tests'}", "PATH": ""}, check=True)
    assert done.stdout.strip() == "Rejected"


def test_a_stale_close_is_no_quote():
    """BBB has not traded for half an hour: what a share costs is left to the venue, so nothing is refused for it."""
    bars = minutes(AAA=[100] * 45, BBB=[50] + [None] * 40 + [50] * 4)
    plan = {5: lambda s, a, b: s.buy(b, size=1_000), 40: lambda s, a, b: s.buy(b, size=1_000)}
    orders = told(play(bars, plan))
    assert orders[0][1] == "Rejected" and "buying power" in orders[0][3]
    assert orders[1][1] == "Margin"
    assert np.isfinite(play(bars, plan).broker.getvalue())
