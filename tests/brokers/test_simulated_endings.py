"""What Alpaca ends by itself ends in the simulation too: at once, with the session, or after ninety days."""

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from made_bars import bars as daily
from made_bars import frame
from scripted import Script

from brokers import SimulatedBroker
from brokers.local_alpaca.made_minutes import minute_frame, minutes
from core.bars import Bars
from feeds.cerebro_feed import BarsData

Order = bt.Order


def play(bars, plan, **params):
    """Play a plan of actions(strategy) by Alpaca's rules; returns the strategy."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(SimulatedBroker(cash=10_000.0, **{"rules": "alpaca", **params}))
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol))
    cerebro.addstrategy(Script, plan=plan)
    return cerebro.run()[0]


def told(strategy):
    """(status, shares executed, reason) of every order."""
    return [(order.getstatusname(), order.executed.size, order.info.get("reason", "")) for order in strategy.broker.orders]


def limit(price, size=10, **terms):
    return lambda s: s.buy(size=size, exectype=Order.Limit, price=price, **terms)


@pytest.mark.parametrize("tif", ["ioc", "fok"])
@pytest.mark.parametrize(("row", "filled"), [((100, 101, 98, 100), 0), ((98.5, 100, 98, 100), 10)], ids=["only within the bar", "at its open"])
def test_what_is_tried_once_is_tried_at_the_next_open(tif, row, filled):
    strategy = play(minutes(AAA=[100, row, (98, 98, 98, 98), 100]), {1: limit(99, tif=tif)})
    (status, size, reason), = told(strategy)
    assert (status, size) == (("Completed", 10) if filled else ("Canceled", 0))
    assert filled or reason == f"alpaca: canceled: what an {tif} order cannot do at once it does not do"


@pytest.mark.parametrize(("tif", "filled"), [("ioc", 25), ("fok", 0)])
def test_all_or_what_there_is(tif, filled):
    """A quarter of 100 shares may be traded in a bar."""
    bars = minutes(AAA=[100] * 4)
    strategy = play(bars, {1: lambda s: s.buy(size=40, tif=tif)}, max_volume=0.025)  # of 1,000 shares
    (status, size, _), = told(strategy)
    assert (status, size) == ("Canceled", filled)


def test_an_order_that_is_over_is_in_nobodys_way():
    plan = {1: limit(90, tif="ioc"), 3: lambda s: s.sell(size=5)}
    assert [row[0] for row in told(play(minutes(AAA=[100] * 6), plan))] == ["Canceled", "Completed"]


def two_sessions(last, first):
    """The last minutes of a Friday and the first of the Monday after."""
    frames = [minute_frame(last, "2024-03-01 15:57"), minute_frame(first, "2024-03-04 09:30")]
    return Bars.from_frames({"AAA": pd.concat(frames)}, interval="1m")


@pytest.mark.parametrize(("bar", "prices", "status"), [
    (1, ([100, 100, 100], [90, 90]), "Expired"), (3, ([100, 100, 100], [90, 90]), "Completed"), (1, ([100, 100, None], [90, 90]), "Expired")],
    ids=["made in the session", "made at its last bar, for the next", "the last minute has no trade"])
def test_a_day_order_lives_for_one_session(bar, prices, status):
    strategy = play(two_sessions(*prices), {bar: limit(95, tif="day")})
    (found, _, reason), = told(strategy)
    assert found == status and (status == "Completed" or reason == "alpaca: expired: a day order is good for one session")


def test_a_day_order_of_daily_bars_is_for_the_next_session_only():
    bars = daily(AAA=frame([100, 100, 100, 90, 90]))
    strategy = play(bars, {1: limit(95, tif="day"), 3: limit(95, tif="day")})
    assert [row[:2] for row in told(strategy)] == [("Expired", 0), ("Completed", 10)]


def test_a_market_order_without_a_bar_that_day_is_over():
    rows = frame([100] * 6)
    bars = daily(AAA=rows.iloc[[0, 1, 3, 4, 5]], BBB=rows)
    strategy = play(bars, {2: lambda s: (s.buy(s.datas[0], size=10), s.buy(s.datas[1], size=10))})
    assert np.isnan(bars.raw_close[2, 0])
    assert [row[0] for row in told(strategy)] == ["Expired", "Completed"]


def test_an_order_until_cancelled_is_cancelled_ninety_days_on():
    bars = daily(AAA=frame([100] * 65 + [94, 94, 94, 94]))
    strategy = play(bars, {1: limit(95)})
    (status, _, reason), = told(strategy)
    assert (status, reason) == ("Canceled", "alpaca: canceled: an order is good for 90 days")
    assert [row[0] for row in told(play(bars, {5: limit(95)}))] == ["Completed"]


def test_an_order_for_extended_hours_ends_in_the_evening():
    strategy = play(two_sessions([100, 100, 100], [90, 90]), {3: limit(95, tif="day", extended_hours=True)})
    assert told(strategy)[0][0] == "Expired"


def test_the_exits_of_an_entry_that_has_ended_are_gone():
    plan = {1: lambda s: s.buy_bracket(size=10, price=95, stopprice=90, limitprice=110, tif="day")}
    assert [row[0] for row in told(play(two_sessions([100, 100, 100], [94, 94]), plan))] == ["Expired", "Canceled", "Canceled"]


def test_without_rules_nothing_ends():
    strategy = play(minutes(AAA=[100] * 4), {1: limit(90, tif="ioc")}, rules=None)
    assert told(strategy)[0][0] == "Accepted"
