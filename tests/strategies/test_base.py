"""The target strategy: from decisions to orders, in the engine and in a user's own Cerebro."""

from types import SimpleNamespace

import backtrader as bt
import numpy as np
import pytest
from made_bars import bars, frame, ragged, walk

import engine
import sizers
from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec, UnknownName
from core.options import Limits
from core.spec import RunSpec
from feeds.cerebro_feed import BarsData
from strategies import GoldenCross, TargetStrategy
from strategies.base import may_decide


def scripted(plan: dict[int, list[float]], **attributes) -> type[TargetStrategy]:
    """A strategy whose decisions are written down: row -> convictions."""

    class Scripted(TargetStrategy):
        @classmethod
        def signals(cls, panel, p):
            wanted = np.full(panel.shape, np.nan)
            for row, convictions in plan.items():
                if row < len(panel):
                    wanted[row] = convictions
            return wanted

    for name, value in attributes.items():
        setattr(Scripted, name, value)
    return Scripted


def play(strategy, panel: Bars, cash=1_000.0, broker=None, **params):
    """Run in a plain Cerebro; returns the strategy."""
    from brokers import SimulatedBroker

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(broker or SimulatedBroker(cash=cash))
    for symbol in panel.symbols:
        cerebro.adddata(BarsData(dataname=panel, symbol=symbol), name=symbol)
    cerebro.addstrategy(strategy, **params)
    cerebro.addsizer(sizers.EqualWeight, limits=Limits(cash_buffer=0.0))
    return cerebro.run()[0]


def fills(strategy):
    return [(len(strategy.data) and order.data._name, bit.size, bit.price) for order, bit in strategy.broker.fills]


nan = float("nan")


def test_a_decision_is_filled_at_the_next_open():
    panel = bars(A=frame([[10, 10, 10, 10], [11, 11, 11, 11], [12, 12, 12, 12], [13, 13, 13, 13]]))
    strategy = play(scripted({0: [1], 2: [0]}), panel, cash=1_200)
    assert fills(strategy) == []  # 120 shares at 10 cost 1,320 at 11: refused, and said so
    assert strategy.broker.orders[0].info["reason"] == "needs 1,320.00 at 11, 1,200.00 is at hand"


def test_floor_of_weight_times_value_over_close_then_out():
    panel = bars(A=frame([[30, 30, 30, 30], [29, 29, 29, 29], [31, 31, 31, 31], [32, 32, 32, 32]]))
    strategy = play(scripted({0: [1], 2: [0]}), panel)
    assert fills(strategy) == [("A", 33, 29.0), ("A", -33, 32.0)]


def test_no_decision_keeps_the_shares_and_sales_come_first():
    panel = bars(A=frame([10.0] * 6), B=frame([10.0] * 6))
    plan = {0: [1, nan], 2: [0, 1], 4: [nan, 0]}
    assert fills(play(scripted(plan), panel)) == [("A", 50, 10.0), ("A", -50, 10.0), ("B", 50, 10.0), ("B", -50, 10.0)]


def test_buys_are_served_in_order_of_conviction():
    panel = bars(A=frame([10.0] * 4), B=frame([10.0] * 4))
    assert [name for name, _, _ in fills(play(scripted({0: [1, 2]}), panel))] == ["B", "A"]


def test_a_reversal_is_one_order():
    panel = bars(A=frame([10.0] * 6))
    assert fills(play(scripted({0: [1], 2: [-1], 4: [0]}), panel)) == [
        ("A", 100, 10.0), ("A", -200, 10.0), ("A", 100, 10.0)]


def test_a_new_decision_takes_back_what_is_left_of_the_old_one():
    """B has no bar until row 4; the order of row 1 waits, and the decision of row 3 withdraws it."""
    panel = bars(A=frame([10.0] * 6), B=frame([10.0] * 6).iloc[[0, 4, 5]])
    strategy = play(scripted({1: [nan, 1], 3: [nan, 0]}), panel)
    assert fills(strategy) == []
    assert [order.getstatusname() for order in strategy.broker.orders] == ["Canceled"]


def test_an_open_order_reserves_its_cash():
    """B's order waits for its bar; what it will cost is not there for A."""
    panel = bars(A=frame([10.0] * 6), B=frame([10.0] * 6).iloc[[0, 4, 5]], C=frame([10.0] * 6))

    class Chosen(sizers.EqualWeight):
        params = (("across", "chosen"),)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(1_000.0)
    for symbol in panel.symbols:
        cerebro.adddata(BarsData(dataname=panel, symbol=symbol), name=symbol)
    cerebro.addstrategy(scripted({1: [nan, 1, nan], 2: [1, nan, nan]}))
    cerebro.addsizer(Chosen, limits=Limits(cash_buffer=0.0, max_weight=0.8))
    strategy = cerebro.run()[0]
    assert [strategy.getposition(data).size for data in strategy.datas] == [20, 80, 0]


@pytest.mark.parametrize("fill, price", [("next_open", 11.0), ("session_open", 11.0), ("session_close", 12.0)])
def test_where_a_decision_is_filled(fill, price):
    panel = bars(A=frame([[9, 9, 9, 9], [11, 12, 11, 12], [13, 13, 13, 13]]))
    strategy = play(scripted({0: [1]}), panel, cash=2_000, fill=fill)
    strategy_of_class = play(scripted({0: [1]}, fill=fill), panel, cash=2_000)
    assert [at for _, _, at in fills(strategy)] == [at for _, _, at in fills(strategy_of_class)]
    shares = 2_000 // 9
    assert fills(strategy) == ([("A", shares, price)] if shares * price <= 2_000 else [])


def test_session_fills_with_room_for_the_gap():
    panel = bars(A=frame([[12, 12, 12, 12], [11, 12, 11, 12], [13, 13, 13, 13]]))
    for fill, price in (("next_open", 11.0), ("session_open", 11.0), ("session_close", 12.0)):
        assert fills(play(scripted({0: [1]}), panel, fill=fill)) == [("A", 83, price)]


def test_plain_backtrader_sizers_size_entries():
    panel = bars(A=frame([10.0] * 6))
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(BarsData(dataname=panel))
    cerebro.addstrategy(scripted({0: [1], 1: [2], 3: [0]}))
    cerebro.addsizer(bt.sizers.FixedSize, stake=7)
    seen = []
    cerebro.broker.notify = lambda order, notify=cerebro.broker.notify: (seen.append(order.executed.size), notify(order))
    assert cerebro.run()[0].position.size == 0
    assert [size for size in seen if size] == [7, -7]


def test_decisions_start_at_signal_start():
    panel = bars(A=frame([10.0] * 6))
    strategy = play(scripted({0: [1], 3: [1]}), panel, signal_start=str(panel.session[2]))
    assert [len(order.data) for order, _ in strategy.broker.fills] and strategy.broker.fills[0][1].dt == strategy.data.datetime.array[4]


def test_a_strategy_may_decide_from_its_start_on():
    panel = bars(A=frame([1.0] * 3))
    assert may_decide(panel, SimpleNamespace(signal_start=str(panel.session[1]))).tolist() == [False, True, True]
    assert may_decide(panel, SimpleNamespace()).all()


@pytest.mark.parametrize("broken, message", [
    (dict(signals=classmethod(lambda cls, panel, p: np.zeros(3))), r"shape \(3,\)"),
    (dict(fill="at_noon"), "at_noon"),
])
def test_a_strategy_that_cannot_work_says_why(broken, message):
    with pytest.raises((BadSpec, UnknownName), match=message):
        play(scripted({}, **broken), bars(A=frame([1.0] * 3)))


def test_a_target_on_a_reference_symbol_is_an_error():
    panel = Bars.from_frames({"A": frame([1.0] * 3), "I": frame([1.0] * 3)}, reference=("I",))
    with pytest.raises(BadSpec, match="I, which is a reference symbol"):
        play(scripted({0: [1, 1]}), panel)


def test_feeds_of_different_lengths_are_refused():
    cerebro = bt.Cerebro(stdstats=False)
    data = BarsData(dataname=walk(30))
    cerebro.adddata(data, name="A")
    cerebro.resampledata(data, timeframe=bt.TimeFrame.Weeks, name="W")
    cerebro.addstrategy(GoldenCross, fast=2, slow=3)
    with pytest.raises(BadSpec, match="different bar lengths"):
        cerebro.run()


def test_resampling_across_a_split_is_refused_and_works_adjusted():
    made = walk(60).assign(split=1.0)
    made.iloc[20, made.columns.get_loc("split")] = 2.0
    panel = bars(A=made)
    for prices in ("raw", "adjusted"):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.resampledata(BarsData(dataname=panel, prices=prices), timeframe=bt.TimeFrame.Weeks)
        cerebro.addstrategy(GoldenCross, fast=2, slow=3)
        if prices == "raw":
            with pytest.raises(BadSpec, match="resampled across splits"):
                cerebro.run()
        else:
            assert len(cerebro.run()[0].data) == 12


@pytest.mark.parametrize("mode", [dict(), dict(preload=False), dict(exactbars=1), dict(runonce=False)], ids=str)
@pytest.mark.parametrize("how", ["pandas", "csv", "ours", "panel"])
def test_golden_cross_trades_the_same_in_a_users_own_cerebro(how, mode, tmp_path):
    made = walk(400, seed=3)
    expected = engine.run(RunSpec(params=dict(fast=20, slow=50), cash=10_000), bars=bars(A=made))
    path = tmp_path / "A.csv"
    made.to_csv(path, index_label="Date")
    feed = {
        "pandas": lambda: bt.feeds.PandasData(dataname=made),
        "csv": lambda: bt.feeds.GenericCSVData(dataname=str(path), dtformat="%Y-%m-%d", openinterest=-1),
        "ours": lambda: BarsData(dataname=made),
        "panel": lambda: BarsData(dataname=bars(A=made)),
    }[how]()
    executed = []

    class Watched(GoldenCross):
        def notify_order(self, order):
            super().notify_order(order)
            if order.status == order.Completed:
                executed.append((order.executed.size, order.executed.price))

    cerebro = bt.Cerebro(**mode)
    cerebro.adddata(feed)
    cerebro.addstrategy(Watched, fast=20, slow=50)
    cerebro.run()
    assert len(executed) >= 4
    assert executed == [(fill.size, pytest.approx(fill.price, rel=1e-12)) for fill in expected.fills]
    assert cerebro.broker.getvalue() == pytest.approx(expected.final_value, rel=1e-9)


@pytest.mark.parametrize("preload", [True, False])
def test_golden_cross_on_resampled_weeks_equals_the_engine_on_weekly_bars(preload):
    made = walk(1_500, seed=5)
    weekly = made.resample("W-FRI").agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    expected = engine.run(RunSpec(params=dict(fast=5, slow=20), cash=10_000), bars=Bars.from_frames({"A": weekly}, interval="1w"))
    cerebro = bt.Cerebro(preload=preload)
    cerebro.resampledata(bt.feeds.PandasData(dataname=made), timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(GoldenCross, fast=5, slow=20)
    cerebro.run()
    assert len(expected.fills) >= 6
    assert cerebro.broker.getvalue() == pytest.approx(expected.final_value, rel=1e-9)


@pytest.mark.parametrize("mode", [dict(), dict(preload=False)], ids=str)  # exactbars fails in Backtrader itself
def test_ragged_feeds_give_the_same_trades_in_every_mode(mode):
    market = ragged(300, 4)
    expected = engine.run(RunSpec(params=dict(fast=5, slow=20), cash=10_000), bars=Bars.from_frames(market))
    from brokers import SimulatedBroker

    cerebro = bt.Cerebro(stdstats=False, **mode)
    cerebro.setbroker(SimulatedBroker(cash=10_000.0))
    for name, made in market.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=made), name=name)
    cerebro.addstrategy(GoldenCross, fast=5, slow=20)
    cerebro.run()
    ours = [(order.data._name, bit.size, bit.price) for order, bit in cerebro.broker.fills]
    assert len(ours) > 20
    assert ours == [(fill.symbol, fill.size, fill.price) for fill in expected.fills]


def minutes(days: int) -> Bars:
    """Flat minute bars of whole sessions whose opens and closes carry the day: 100 + day, 200 + day."""
    import pandas as pd

    calendar = get_calendar("XNYS")
    sessions = calendar.between("2024-01-02", "2024-02-01")[:days]
    parts = []
    for day, session in enumerate(sessions):
        index = pd.date_range(f"{session} 09:31", f"{session} 16:00", freq="min", tz="America/New_York")
        part = pd.DataFrame({"open": 150.0, "high": 300.0, "low": 50.0, "close": 150.0, "volume": 1e3}, index=index)
        part.iloc[0, 0] = 100.0 + day
        part.iloc[-1, 3] = 200.0 + day
        parts.append(part)
    return Bars.from_frames({"A": pd.concat(parts)}, interval="1m")


@pytest.mark.parametrize("fill, minute, bar, price", [
    ("next_open", 10, 11, 150.0), ("session_open", 10, 390, 101.0), ("session_open", 389, 390, 101.0),
    ("session_close", 10, 389, 200.0), ("session_close", 378, 389, 200.0),
])
def test_minute_decisions_wait_for_the_auction_that_still_takes_them(fill, minute, bar, price):
    panel = minutes(3)
    result = engine_run(scripted({minute: [1]}), panel, fill=fill)
    assert [(int(np.searchsorted(panel.index, fill_.time)), fill_.price) for fill_ in result.fills] == [(bar, price)]


@pytest.mark.parametrize("minute", [379, 389])
def test_what_comes_too_late_for_the_close_is_refused_and_not_done_a_day_later(minute):
    """Row 379 is complete at 15:50, when the auction has ceased to take orders."""
    result = engine_run(scripted({minute: [1]}), minutes(3), fill="session_close")
    assert not result.fills and [(order.status, "too late for the closing auction" in order.reason) for order in result.orders] == [
        ("Rejected", True)]


def engine_run(strategy, panel, **options):
    """`engine.run` of a class that has no name of its own."""
    import engine.resolve

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.resolve, "strategy_class", lambda name: strategy)
        return engine.run(RunSpec(limits=dict(max_weight=0.3), **options), bars=panel)
