"""The guard of a spec, as `run` and `stream` know it: results, several runs on one account, orders in slices."""

import numpy as np
import pytest
from streamed_runs import SPEC, SYMBOLS, held, lived, two_days, venue

from brokers.guard import DAY, KILLED, REFUSED
from brokers.local_alpaca.made_minutes import minutes
from core.spec import RunSpec
from engine.resolve import strategy_class
from engine.run import run
from engine.several import build_runs
from engine.simulate import obstacle
from journal import Journal
from strategies import TargetStrategy

FALLING = minutes(AAA=[100.0] * 12 + [90.0] * 24, BBB=[50.0] * 36)
ALONE = FALLING.select(["AAA"])


class Holds(TargetStrategy):
    """In from the sixth minute on, said every five minutes."""

    @classmethod
    def signals(cls, bars, p):
        return np.where((bars.minute % 5 == 0)[:, None], 1.0, np.nan) * np.ones(bars.shape)


def spec(**more):
    return RunSpec(**{"strategy": f"{__name__}:Holds", "symbols": ("AAA",), "interval": "1m", "sizer": "EqualWeight", "benchmark": "AAA", **more})


def test_a_result_shows_what_was_refused_and_why():
    result = run(spec(guard={"max_order_value": 50_000}), ALONE)
    assert {order.reason.split(" is ")[1] for order in result.rejected} == {"above guard.max_order_value 50,000.00"}
    assert not result.fills and "orders were refused" in " ".join(result.warnings)


def test_a_backtest_is_stopped_for_good_and_names_the_twin_as_unfit():
    guard = {"max_daily_loss": "0.05"}
    result = run(spec(guard=guard), ALONE)
    assert [fill.intent for fill in result.fills] == ["enter", "resize", "kill"] and result.positions[-1].tolist() == [0.0]
    assert {order.status for order in result.orders[3:]} == {"Rejected"}
    assert obstacle(spec(guard=guard), strategy_class(f"{__name__}:Holds")) == "a guard"
    assert obstacle(spec(guard={"collar": 0}), strategy_class(f"{__name__}:Holds")) == ""


def test_a_guard_that_refuses_nothing_changes_nothing():
    free, guarded = run(spec(), ALONE), run(spec(guard={"max_order_value": 1e9, "max_daily_loss": 0.5, "hours": 0}), ALONE)
    assert np.array_equal(free.equity, guarded.equity) and free.fills == guarded.fills


def test_of_several_runs_each_has_limits_and_losses_of_its_own():
    specs = [spec(name="falls", capital=40_000.0, cash=100_000.0, guard={"max_daily_loss": 0.05}),
             spec(name="stays", capital=50_000.0, symbols=("BBB",), guard={"max_daily_loss": 0.05, "max_order_value": 60_000})]
    runs = build_runs(specs, bars=[ALONE, FALLING.select(["BBB"])])
    falls, stays = runs.cerebro.run()
    assert not falls.getposition(falls.datas[0]).size and stays.getposition(stays.datas[0]).size == 999
    assert {order.info.get("reason", "")[:7] for order in falls.broker.orders if order.status == order.Rejected} == {"stopped"}
    assert not [order for order in stays.broker.orders if order.status == order.Rejected]


@pytest.mark.parametrize("capital", [None, 20_000.0])
def test_a_streamed_run_writes_down_what_its_guard_says(tmp_path, capital):
    bars = two_days(rows=60)
    guarded = SPEC.replace(start="2024-02-20", capital=capital, guard={"max_order_value": 3_000, "max_daily_loss": 0.5})
    with venue(bars, "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "j.db") as journal:
        strategy, events = lived(alpaca, "2024-02-21T10:05:30-05:00", guarded, journal=journal)
        sent = [float(order.qty) * 101 for order in alpaca.ledger.orders]
        noted = journal.account_log.notes(alpaca.account_id, "SteadyMinutes", kinds=(DAY, REFUSED))
    refused = [order for order in strategy.broker.orders if "guard." in str(order.info.get("reason"))]
    assert refused and max(sent, default=0.0) < 3_100 and not [value for value in held(strategy).values() if value * 90 > 3_000]
    assert [note.kind for note in noted] == [DAY] + [REFUSED] * len(refused) and noted[0].facts["value"] == 100_000.0
    assert sum("refused to" in event.text for event in events) == len(refused)


def test_a_small_loss_of_a_part_of_an_account_stops_its_run(tmp_path):
    bars = minutes(start="2024-02-21 09:30", AAA=[100.0] * 20 + [90.0] * 20, BBB=[100.0] * 40)
    small = SPEC.replace(start="2024-02-21", capital=10_000.0, strategy=f"{__name__}:Holds", params={}, guard={"max_daily_loss": 0.02})
    with venue(bars, "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "j.db") as journal:
        strategy, _ = lived(alpaca, "2024-02-21T09:56:30-05:00", small, journal=journal)
        killed = journal.account_log.notes(alpaca.account_id, "Holds", kinds=(KILLED,))
        assert not alpaca.ledger.positions
    assert len(killed) == 1 and killed[0].facts["limit"] == pytest.approx(200) and set(SYMBOLS) == {data._name for data in strategy.datas}


def test_orders_in_slices_are_judged_slice_by_slice_and_a_stopped_run_is_closed_at_once():
    sliced = spec(execution="twap:10", guard={"max_daily_loss": 0.02, "max_order_value": 9_999, "max_position_value": 100_000})
    result = run(sliced, ALONE)
    kill = [fill for fill in result.fills if fill.intent == "kill"]
    assert result.positions[-1].tolist() == [0.0] and len(kill) == 1 and -kill[0].size == sum(fill.size for fill in result.fills[:-1]) > 100
    assert not [order for order in result.orders if "guard.max_position_value" in order.reason]
