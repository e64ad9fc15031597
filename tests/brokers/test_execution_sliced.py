"""Sliced orders on the simulated broker: slices, their times and sizes, and what the strategy is told."""

import backtrader as bt
import numpy as np
import pytest
from broker_contract import Witness
from sliced_runs import DAYS, HALF_DAY, buy, clock, panel, sent_at, session_bars, sizes, sliced

from core.errors import BadSpec, UnknownName, UsageError
from engine.cerebro import Cerebro

DAY = panel()
RISING = panel(session_bars(price=100 + 0.01 * np.arange(390)))
SMILE = np.array([400, 100, 50, 50, 100, 200, 600.0])  # volume of the seven hours of a session, sum 1,500
HOURS = panel(session_bars(DAYS[:4], 60, SMILE), minutes=60)


def every(begin, end):
    """New York times of all minutes from one to another, both included."""
    first, last = (60 * int(text[:2]) + int(text[3:]) for text in (begin, end))
    return [f"{at // 60:02}:{at % 60:02}" for at in range(first, last + 1)]


@pytest.mark.parametrize("cerebro", [bt.Cerebro, Cerebro])
def test_twap_of_thirty_minutes_is_thirty_slices(cerebro):
    strategy, face = sliced(RISING, {5: buy(algo="twap", minutes=30)}, cerebro=cerebro)
    order = strategy.placed["order"]
    assert sent_at(face) == every("09:35", "10:04")
    assert sorted(sizes(face)) == [33] * 20 + [34] * 10 and sum(sizes(face)) == 1_000
    opens = 100 + 0.01 * np.arange(4, 34)  # of the bars after
    assert order.executed.price == pytest.approx(np.average(opens, weights=sizes(face)))
    assert (order.getstatusname(), order.executed.size, order.executed.remsize) == ("Completed", 1_000, 0)
    assert [status for _, status in strategy.told] == ["Submitted", "Accepted", *["Partial"] * 29, "Completed"]


def test_vwap_follows_the_smile_of_earlier_sessions():
    strategy, face = sliced(HOURS, {14: buy(1_500, algo="vwap", minutes=390)})
    assert sizes(face) == SMILE.tolist()
    assert sent_at(face) == ["16:00", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30"]
    assert "note" not in strategy.placed["order"].info


def test_vwap_of_a_part_of_the_session():
    _, face = sliced(HOURS, {15: buy(300, algo="vwap", minutes=180)})
    assert sizes(face) == [150, 75, 75]


def test_vwap_without_earlier_sessions_is_even_and_says_so():
    strategy, face = sliced(HOURS, {1: buy(300, algo="vwap", minutes=180)})
    assert sizes(face) == [100, 100, 100]
    assert strategy.placed["order"].info["note"] == "no earlier session of AAA is known: even slices"


def test_participation_takes_a_part_of_the_bar_before():
    volumes = np.resize([1_000, 550, 0, 2_009], 390)
    _, face = sliced(panel(session_bars(volume=volumes)), {1: buy(500, algo="participation", rate=0.1)})
    assert sizes(face) == [100, 55, 200, 100, 45]
    assert sent_at(face) == ["09:31", "09:32", "09:34", "09:35", "09:36"]


@pytest.mark.parametrize(("complete", "wanted", "status"), [(False, [100] * 3, "Expired"), (True, [100] * 3 + [700], "Completed")])
def test_participation_ends_after_its_minutes(complete, wanted, status):
    strategy, face = sliced(DAY, {1: buy(1_000, algo="participation", rate=0.1, minutes=3, complete=complete)})
    order = strategy.placed["order"]
    assert sizes(face) == wanted and order.getstatusname() == status
    told = "" if complete else "its time was over: 700 of 1000 shares were not traded"
    assert order.info.get("reason", "") == told and strategy.told[-1][1] == status


def test_the_rest_of_a_participation_is_sent_before_the_close():
    _, face = sliced(DAY, {388: buy(1_000, algo="participation", rate=0.1, minutes=60, complete=True)})
    assert sizes(face) == [100, 900] and sent_at(face) == ["15:58", "15:59"]


def test_a_schedule_is_cut_off_at_the_close():
    strategy, face = sliced(panel(session_bars(DAYS[-2:])), {380: buy(100, algo="twap", minutes=30)})
    assert sizes(face) == [10] * 10 and sent_at(face)[-1] == "15:59"
    assert strategy.placed["order"].getstatusname() == "Completed"


def test_a_half_day_ends_early():
    _, face = sliced(panel(session_bars([HALF_DAY, "2023-11-27"])), {205: buy(100, algo="twap", minutes=30)})
    assert sizes(face) == [20] * 5 and sent_at(face)[-1] == "12:59"


def test_a_decision_at_the_close_trades_in_the_next_session():
    strategy, face = sliced(panel(session_bars(DAYS[-2:])), {390: buy(30, algo="twap", minutes=3)})
    assert sent_at(face) == ["16:00", "09:31", "09:32"] and sizes(face) == [10] * 3
    assert strategy.placed["order"].getstatusname() == "Completed"


def test_what_is_left_at_the_close_expires_and_says_so():
    strategy, face = sliced(panel(session_bars(DAYS[-2:])), {381: buy(100, algo="twap", minutes=60)}, max_volume=0.005)
    order = strategy.placed["order"]
    assert order.executed.size == 45 and order.getstatusname() == "Expired"  # 5 of 1,000 in each of 9 minutes
    assert order.info["reason"] == "its time was over: 55 of 100 shares were not traded"
    assert {clock(bit.dt) for bit in order.executed.exbits} == set(every("15:52", "16:00"))
    assert all(not child.alive() for child in face.parents[0].children)
    assert face.get_orders_open() == []


def test_what_a_slice_leaves_goes_to_the_next():
    """5 shares of each bar can be had, and 10 are wanted."""
    _, face = sliced(DAY, {1: buy(40, algo="twap", minutes=4)}, max_volume=0.005)
    assert sizes(face) == [10, 15, 20, 25]
    assert [child.executed.size for child in face.parents[0].children] == [5, 5, 5, 25]  # the last one goes on


def test_minutes_without_trading_are_caught_up_on():
    kept = np.ones(390, bool)
    kept[2:4] = False  # until 09:34
    strategy, face = sliced(panel(session_bars(kept=kept), session_bars(symbol="BBB")), {1: buy(60, algo="twap", minutes=6)})
    assert sent_at(face) == ["09:31", "09:32", "09:33", "09:34", "09:35", "09:36"]
    assert sizes(face) == [10, 10, 20, 30, 10, 10]  # and the slices of 09:32 and 09:33 found nobody
    assert strategy.placed["order"].getstatusname() == "Completed"


def test_a_symbol_that_trades_alone_is_caught_up_on_too():
    kept = np.ones(390, bool)
    kept[2:4] = False
    _, face = sliced(panel(session_bars(kept=kept)), {1: buy(60, algo="twap", minutes=6)})
    assert sent_at(face) == ["09:31", "09:32", "09:35", "09:36"]
    assert sizes(face) == [10, 10, 30, 10]


def test_few_shares_are_spread_over_the_time():
    _, face = sliced(DAY, {1: buy(2, algo="twap", minutes=30)})
    assert sizes(face) == [1, 1] and sent_at(face) == ["09:38", "09:53"]


def test_an_order_that_waits_for_its_first_slice_is_taken_at_once():
    strategy, _ = sliced(DAY, {1: buy(2, algo="twap", minutes=30), 3: lambda s: s.cancel(s.placed["order"])})
    assert [status for _, status in strategy.told] == ["Submitted", "Accepted", "Canceled"]


def test_fractions_sum_to_the_order():
    strategy, face = sliced(DAY, {1: buy(0.1, algo="twap", minutes=3)}, fractional=True)
    assert sum(sizes(face)) == pytest.approx(0.1, abs=1e-12) and sizes(face)[0] == 0.033333
    order = strategy.placed["order"]
    assert (order.getstatusname(), order.executed.remsize) == ("Completed", 0)
    assert strategy.getposition().size == pytest.approx(0.1, abs=1e-12)


def test_sales_are_sliced_like_purchases():
    def sell(strategy):
        strategy.keep("sale", strategy.sell(size=90, algo="twap", minutes=3))

    strategy, face = sliced(DAY, {1: buy(90, algo="now"), 3: sell})
    assert sizes(face) == [-30] * 3 and strategy.getposition().size == 0
    assert strategy.trades == [("AAA", 0)]


def test_a_participation_waits_for_the_symbol_s_own_bars():
    """Its slice stays as it is while only the other symbol trades."""
    kept = np.ones(390, bool)
    kept[2:6] = False
    _, face = sliced(panel(session_bars(kept=kept), session_bars(symbol="BBB")), {1: buy(300, algo="participation", rate=0.1)})
    assert sizes(face) == [100] * 3 and sent_at(face) == ["09:31", "09:32", "09:37"]


# -- every order of a run -----------------------------------------------------------------------------


def test_every_market_order_of_a_run_is_sliced_unless_it_says_otherwise():
    plan = {1: buy(30), 10: buy(30, name="now", algo="now"), 20: buy(30, name="own", algo="twap", minutes=2)}
    strategy, face = sliced(DAY, plan, "twap:3")
    assert [sizes(face, at) for at in range(2)] == [[10] * 3, [15] * 2] and len(face.parents) == 2
    assert strategy.getposition().size == 90


@pytest.mark.parametrize("terms", [
    {"exectype": bt.Order.Limit, "price": 101.0}, {"exectype": bt.Order.Stop, "price": 99.0}, {"exectype": bt.Order.Close},
    {"auction": "open"}, {"protective": True}, {"tif": "ioc"}, {"notional": 500.0}, {"extended_hours": True}, {"transmit": False},
], ids=lambda terms: next(iter(terms)) + str(next(iter(terms.values()))))
def test_other_orders_are_not_sliced(terms):
    _, face = sliced(DAY, {1: buy(30, **terms)}, "twap:3")
    assert face.parents == [] and len(face.orders) == terms.get("transmit", True)


def test_a_bracket_is_not_sliced():
    strategy, face = sliced(DAY, {1: lambda s: s.buy_bracket(size=10, exectype=bt.Order.Market, stopprice=90, limitprice=110)}, "twap:3")
    assert face.parents == [] and strategy.getposition().size == 10


@pytest.mark.parametrize(("terms", "error", "told"), [
    ({"algo": "twap", "minutes": 3, "exectype": bt.Order.Limit, "price": 99}, UsageError,
     "an order for AAA with exectype Limit cannot be sliced: leave out algo='twap', or exectype Limit"),
    ({"minutes": 3}, UsageError, "an order for AAA says minutes and no algo: name one, such as algo='twap'"),
    ({"algo": "twap"}, BadSpec, "twap needs minutes: say how long it may take, such as 'twap:30'"),
    ({"algo": "iceberg"}, UnknownName, "unknown execution algorithm 'iceberg': known: participation, twap, vwap"),
])
def test_bad_orders_are_told_in_one_line(terms, error, told):
    with pytest.raises(error) as raised:
        sliced(DAY, {1: buy(30, **terms)})
    assert str(raised.value) == told


# -- endings ------------------------------------------------------------------------------------------


def test_a_cancelled_order_keeps_what_it_has():
    strategy, face = sliced(DAY, {1: buy(90, algo="twap", minutes=9), 4: lambda s: s.cancel(s.placed["order"])})
    order = strategy.placed["order"]
    assert (order.getstatusname(), order.executed.size, order.executed.remsize) == ("Canceled", 30, 60)
    assert [status for _, status in strategy.told] == ["Submitted", "Accepted", *["Partial"] * 3, "Canceled"]
    assert strategy.getposition().size == 30 and len(face.parents[0].children) == 4


def test_the_end_is_told_once_though_a_slice_was_just_withdrawn():
    """The bar of 09:33 has no volume: the slice before is withdrawn, there is none to follow, and the order is cancelled."""
    volumes = np.resize([1_000, 1_000, 0], 390)
    plan = {1: buy(500, algo="participation", rate=0.1), 3: lambda s: s.cancel(s.placed["order"])}
    strategy, face = sliced(panel(session_bars(volume=volumes)), plan, max_volume=0.01)
    assert [(child.created.size, child.executed.size) for child in face.parents[0].children] == [(100, 10), (100, 0)]
    assert [status for _, status in strategy.told] == ["Submitted", "Accepted", "Partial", "Canceled"]


def test_a_refused_slice_ends_the_order():
    """Cash for 50 shares: the sixth slice cannot be paid for."""
    strategy, _ = sliced(DAY, {1: buy(100, algo="twap", minutes=10)}, cash=5_050.0)
    order = strategy.placed["order"]
    assert (order.getstatusname(), order.executed.size) == ("Margin", 50)
    assert order.info["reason"] == "slice 6: needs 1,000.00 at the last close, 50.00 is at hand"
    assert [status for _, status in strategy.told] == ["Submitted", "Accepted", *["Partial"] * 5, "Margin"]


def test_an_order_that_is_not_even_taken_says_why():
    class Asked(Witness):
        def start(self):
            self.broker.hook(refuse=lambda order: "not today")

        def next(self):
            super().next()
            if len(self) == 1:
                assert self.placed["order"].getstatusname() == "Rejected"

    strategy, _ = sliced(DAY, {1: buy(100, algo="twap", minutes=10)}, kind=Asked)
    assert strategy.placed["order"].info["reason"] == "not today"
    assert [status for _, status in strategy.told] == ["Rejected"]


def test_open_orders_are_those_of_the_strategy():
    seen = []

    def look(strategy):
        seen.extend((order.created.size, strategy.broker.orderstatus(order)) for order in strategy.broker.get_orders_open())
        seen.append(strategy.broker.get_orders_open(safe=True)[0].executed.size)

    sliced(DAY, {1: buy(90, algo="twap", minutes=9), 4: look})
    assert seen == [(90, bt.Order.Partial), 30]


def test_the_end_of_the_data_leaves_an_order_open():
    strategy, face = sliced(panel(session_bars(rows=5)), {1: buy(90, algo="twap", minutes=9)})
    assert strategy.placed["order"].getstatusname() == "Partial" and sizes(face) == [10] * 5
