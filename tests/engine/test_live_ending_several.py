"""Runs that share an account end each in its own way, and each with its own shares and orders only."""

import functools

import pytest
from alpaca_minutes_live import Live
from scripted_minutes import SCRIPT, at, flat
from streamed_runs import venue

from brokers.local_alpaca import OrderFault
from brokers.local_alpaca.moments import moment
from core.errors import AccountLeft
from engine.live.streaming import stream_several
from journal import Journal

FIRST = SCRIPT.replace(name="first", stop_within=200, capital=30_000.0, on_stop=None, exits={}, sizer=None, limits={}, quantity=100, params={"a": "6:1", "b": "6:-1"})
SECOND = FIRST.replace(name="second", quantity=70, params={"a": "7:1", "b": "7:1"})


def ended(alpaca, specs, until, journal):
    """The outcomes by run."""
    live, events = Live(alpaca, until), []
    live.clock.stops = [*live.clock.stops, moment(until) + 600 * 10**9]
    live.store.getdata = functools.partial(live.store.getdata, qcheck=60.0)
    try:
        stream_several(specs, live.store, lambda: alpaca.now >= moment(until), events.append, [None] * len(specs), journal)
    except AccountLeft:
        pass
    finally:
        live.store.stop()
    return {event.facts["run"]: event.facts for event in events if event.kind == "outcome"}


@pytest.mark.parametrize("policies, left", [
    ((None, "keep"), {"AAA": 70, "BBB": 70}), (("keep", "flatten"), {"AAA": 100, "BBB": -100}), ((None, None), {}),
    (("keep", "keep"), {"AAA": 170, "BBB": -30})])
def test_each_ends_in_its_own_way(tmp_path, policies, left):
    specs = [spec.replace(on_stop=policy) for spec, policy in zip((FIRST, SECOND), policies, strict=True)]
    with venue(flat(), at("09:34:30")) as alpaca, Journal(tmp_path / "journal.db") as journal:
        outcomes = ended(alpaca, specs, at("09:45:20"), journal)
        assert {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items() if qty} == left
    assert {name: facts["code"] for name, facts in outcomes.items()} == {"first": 0, "second": 0}
    assert [facts["flat"] for facts in outcomes.values()] == [policy != "keep" for policy in policies]


def test_what_one_leaves_is_not_the_others_fault(tmp_path):
    with venue(flat(), at("09:34:30")) as alpaca, Journal(tmp_path / "journal.db") as journal:
        alpaca.faults.add(OrderFault(side="buy", symbol="BBB", type="market", do="reject", nth=2, times=0))
        outcomes = ended(alpaca, [FIRST.replace(stop_within=60), SECOND.replace(stop_within=60)], at("09:45:20"), journal)
    assert outcomes["first"]["positions"] == {"BBB": -100.0} and outcomes["first"]["code"] == 3
    assert outcomes["second"]["flat"] and outcomes["second"]["code"] == 0
