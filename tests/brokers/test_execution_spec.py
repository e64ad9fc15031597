"""A spec whose orders are sliced: the same slices in the simulation and live, also with several runs and with exits."""

import numpy as np
import pytest
from several_runs import check_sums
from several_runs import lived as shared
from several_runs import spec as shared_spec
from streamed_runs import SPEC, held, lived, two_days, venue

from brokers.execution import Sliced
from brokers.local_alpaca.moments import moment
from core.day_numbers import moments_of
from engine.build import build
from engine.run import run
from journal import Journal

SECOND = "2024-02-21"
UNTIL = f"{SECOND}T10:30-05:00"
SLICED = SPEC.replace(params={"seed": 2, "density": 0.05}, signal_start=SECOND, on_stop="keep")


def told(strategy):
    """Every sliced order with its slices: moment, symbol, shares, shares filled, price, end."""
    return [[(int(moments_of(np.array([order.created.dt]))[0]), order.data._name, order.created.size, order.executed.size,
              round(order.executed.price, 6), order.getstatusname()) for order in (parent.order, *parent.children)]
            for parent in strategy.broker.parents]


@pytest.mark.parametrize("execution", ["twap:5", "vwap:4", "participation:0.0001", "participation:0.0001:5:complete"])
def test_slices_of_a_simulation_are_those_of_a_live_run(execution):
    bars, spec = two_days(), SLICED.replace(execution=execution)
    with venue(bars, f"{SECOND}T09:00-05:00") as alpaca:
        live = lived(alpaca, UNTIL, spec=spec)[0]
    simulated = build(spec, bars=bars.upto(int(np.searchsorted(bars.index, moment(UNTIL))))).run()[0]
    assert isinstance(live.broker, Sliced) and len(told(live)) > 5
    upto = [slices for slices in told(live) if slices[0][-1] not in ("Accepted", "Partial")]  # the others were taken back at the end
    assert told(simulated)[:len(upto) - 2] == upto[:-2]
    assert held(live) == {symbol: int(qty) for symbol, qty in alpaca.ledger.positions.items()}


def test_a_result_has_the_slices_as_its_orders():
    """And the fills make the same trades as the account's."""
    bars = two_days()
    result = run(SLICED.replace(execution="twap:5"), bars=bars)
    assert {order.intent.rstrip("0123456789") for order in result.orders} <= {"enter", "resize", "exit"}
    assert result.final_value == pytest.approx(result.spec.cash + sum(trade.pnl for trade in result.trades))
    assert len(result.fills) > len(run(SLICED, bars=bars).fills)


def test_runs_that_share_an_account_slice_for_themselves(tmp_path):
    """One trades in slices, the other at once, on the same symbols of the local Alpaca; each owns what it has traded."""
    bars, slicing, plain = two_days(), shared_spec(2, execution="twap:4"), shared_spec(3)
    with Journal(tmp_path / "journal.db") as journal, venue(bars, f"{SECOND}T09:34:30-05:00") as alpaca:
        strategies, _ = shared(alpaca, f"{SECOND}T10:00:30-05:00", [slicing, plain], journal)
        check_sums(strategies, alpaca)
        first = strategies[0].broker
        assert isinstance(first, Sliced) and not isinstance(strategies[1].broker, Sliced) and len(first.parents) > 5
        for data in strategies[0].datas:
            traded = sum(parent.order.executed.size for parent in first.parents if parent.order.data is data)
            assert traded == strategies[0].getposition(data).size


def test_the_end_of_a_run_takes_back_its_slices_and_closes_at_once():
    """It is ended while several orders are at work in slices: nothing of them is left, and what closes is not sliced."""
    bars = two_days()
    with venue(bars, f"{SECOND}T09:00-05:00") as alpaca:
        strategy, events = lived(alpaca, f"{SECOND}T10:03-05:00", spec=SLICED.replace(execution="twap:30", on_stop="flatten"))
        ends = {parent.order.getstatusname() for parent in strategy.broker.parents}
        assert alpaca.ledger.positions == {} and ends <= {"Completed", "Canceled"}
        assert not [order for order in alpaca.ledger.orders if order.status in ("new", "accepted", "partially_filled")]
        assert [event.text for event in events if event.kind == "outcome"] == ["ended (stopped; flatten): it holds nothing, and 0 of its orders are open"]
