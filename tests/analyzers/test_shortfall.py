"""Implementation shortfall: its parts by hand, that they sum to the whole, and what an analyzer makes of a run."""

import backtrader as bt
import numpy as np
import pytest
from broker_contract import CALM
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame
from scripted import Script
from sliced_runs import panel, session_bars, sliced

from analyzers.shortfall import Costs, ImplementationShortfall, Part, shortfall
from brokers import SimulatedBroker
from brokers.local_alpaca.made_minutes import minutes
from core.costs import parse_commission, parse_slippage
from feeds.cerebro_feed import BarsData

PRICES = st.floats(1, 1_000)


def test_the_parts_of_a_purchase_by_hand():
    """Perold's example in kind: 1,000 decided at 100, 800 bought at 100.5 and 101 after an open of 100.2, and the price ends at 102."""
    costs = shortfall(1, 1_000, [Part(500, 100.5, 5.0), Part(300, 101.0, 3.0)], decision=100.0, arrival=100.2, end=102.0)
    assert costs.delay == pytest.approx(800 * 0.2)
    assert costs.execution == pytest.approx(500 * 0.3 + 300 * 0.8)
    assert costs.opportunity == pytest.approx(200 * 2.0)
    assert costs.fees == 8 and costs.paper == 100_000
    assert costs.total == pytest.approx(160 + 390 + 400 + 8)
    assert costs.bps == pytest.approx(95.8)


def test_a_sale_that_gets_more_costs_less_than_nothing():
    costs = shortfall(-1, 100, [Part(100, 51.0)], decision=50.0, arrival=50.5, end=40.0)
    assert costs == Costs(delay=-50.0, execution=-50.0, opportunity=0.0, fees=0.0, paper=5_000.0) and costs.bps == -200


@given(st.sampled_from([1, -1]), st.lists(st.tuples(st.integers(1, 99), PRICES, st.floats(0, 9)), max_size=9), st.integers(0, 500), PRICES,
       PRICES, PRICES)
def test_the_parts_sum_to_paper_less_real(side, parts, unfilled, decision, arrival, end):
    """What the paper portfolio has made at the end price, less what the account has."""
    parts = [Part(*part) for part in parts]
    asked = sum(part.size for part in parts) + unfilled
    costs = shortfall(side, asked, parts, decision, arrival, end)
    paper = side * asked * (end - decision)
    real = sum(side * part.size * (end - part.price) - part.fees for part in parts)
    assert costs.total == pytest.approx(paper - real, abs=1e-5)


def test_costs_of_several_orders_add_up():
    costs = Costs(1, 2, 3, 4, 1_000) + Costs(10, 20, 30, 40, 9_000)
    assert costs.summary() == {"delay": 11, "execution": 22, "opportunity": 33, "fees": 44, "paper": 10_000, "total": 110, "bps": 110}
    assert Costs().bps == 0


def measured(rows, plan, broker=None, **params):
    """The analysis of a plan on one symbol's minutes."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(broker or SimulatedBroker(cash=1e6, **params))
    feed = minutes(AAA=rows) if isinstance(rows, list) else rows
    cerebro.adddata(BarsData(dataname=feed, symbol="AAA"), name="AAA")
    cerebro.addstrategy(Script, plan=plan)
    cerebro.addanalyzer(ImplementationShortfall, _name="shortfall")
    return cerebro.run()[0].analyzers.shortfall.get_analysis()


def test_a_market_order_has_delay_and_slippage():
    found = measured([CALM, (102, 103, 101, 103), CALM], {1: lambda s: s.buy(size=10)}, costs=parse_commission("0.1%"))
    (order,) = found["orders"]
    assert (order.symbol, order.side, order.asked, order.filled) == ("AAA", 1, 10, 10)
    assert (order.decision, order.arrival, order.end) == (100, 102, 103)
    assert order.costs == Costs(delay=20.0, execution=0.0, opportunity=0.0, fees=pytest.approx(1.02), paper=1_000.0)
    assert found["costs"] == order.costs


def test_the_spread_of_a_broker_is_execution():
    found = measured([CALM] * 3, {1: lambda s: s.sell(size=10)}, slippage=parse_slippage("0.1%"))
    assert found["costs"].execution == pytest.approx(1.0) and found["costs"].bps == pytest.approx(10)


def test_what_is_refused_is_an_opportunity():
    """Decided at 100 and refused for lack of cash; the next close is 103."""
    found = measured([CALM, (102, 103, 101, 103), CALM], {1: lambda s: s.buy(size=100)}, broker=SimulatedBroker(cash=50.0))
    (order,) = found["orders"]
    assert order.filled == 0 and order.costs == Costs(opportunity=300.0, paper=10_000.0)


def test_an_order_still_open_is_measured_at_the_last_close():
    rows = [CALM, CALM, (105, 106, 104, 105)]
    found = measured(rows, {1: lambda s: s.buy(size=25)}, max_volume=0.01)
    (order,) = found["orders"]
    assert order.filled == 20 and order.end == 105 and order.costs.opportunity == 25
    assert order.costs.execution == 10 * 5


def test_orders_with_a_price_of_their_own_do_not_count():
    plan = {1: lambda s: (s.buy(size=1, exectype=bt.Order.Limit, price=99), s.sell(size=1, exectype=bt.Order.Stop, price=99),
                          s.sell(size=1, protective=True, exectype=bt.Order.Market))}
    assert measured([CALM] * 4, plan) == {"orders": [], "costs": Costs()}


def test_slices_are_one_order():
    """Bought over three minutes in a market that rises by a dollar each."""
    strategy, _ = sliced(panel(session_bars(price=100 + np.arange(390))), {1: lambda s: s.buy(size=30, algo="twap", minutes=3)},
                         analyzers=[ImplementationShortfall])
    (order,) = strategy.analyzers[0].get_analysis()["orders"]
    assert (order.decision, order.arrival, order.end, order.filled) == (100, 100, 103, 30)
    assert order.costs == Costs(delay=0.0, execution=10 * (0 + 1 + 2), opportunity=0.0, fees=0.0, paper=3_000.0)


def test_what_expires_is_an_opportunity():
    strategy, _ = sliced(panel(session_bars(price=100 + np.arange(390))),
                         {1: lambda s: s.buy(size=1_000, algo="participation", rate=0.1, minutes=3)}, analyzers=[ImplementationShortfall])
    (order,) = strategy.analyzers[0].get_analysis()["orders"]
    assert (order.filled, order.end) == (300, 103)
    assert order.costs.opportunity == 700 * 3 and order.costs.execution == 100 * (0 + 1 + 2)


def test_a_split_on_the_way_changes_nothing():
    """The same run in shares from before the split: the price doubles on the third day, the volume is the same in money."""
    price, split = np.array([120.0, 120, 240, 240, 240, 240]), np.ones(6)
    plan = {1: lambda s: s.buy(size=30, algo="participation", rate=0.01)}
    plain = bars(AAA=frame(price, volume=1_000.0))
    split[2] = 4.0
    split_up = bars(AAA=frame(np.r_[price[:2], price[2:] / 4], volume=np.r_[1e3, 1e3, np.full(4, 4e3)]).assign(split=split))
    found = [sliced(each, plan, analyzers=[ImplementationShortfall])[0].analyzers[0].get_analysis()["orders"][0]
             for each in (plain, split_up)]
    first, second = found
    assert second.costs.total == pytest.approx(first.costs.total) and first.costs.total == 20 * 120
    assert (second.asked, second.filled, second.decision, second.end) == (first.asked, first.filled, first.decision, first.end)
