"""The daily run left alone: it decides, waits for its windows, trades, and ends when its trading days are over."""

import pytest
from alpaca_rest import rest_of
from live_days import SPEC, panel, venue

from brokers.alpaca.clock import BrokerClock
from brokers.local_alpaca import AnswerFault
from engine.live import looping
from engine.live.daily import Daily
from engine.live.looping import loop
from journal import Journal

BUSY = SPEC.replace(params={"seed": 3, "density": 0.9}, trading_days=1)


@pytest.fixture(autouse=True)
def _strides(monkeypatch):
    monkeypatch.setattr(looping, "STEP_S", 60.0)
    monkeypatch.setattr(looping, "IDLE_S", 3_000.0)


def looped(alpaca, path, stopped=lambda: False):
    bars, told, warned = panel(), [], []
    rest = rest_of(alpaca, deadline_s=20.0)
    try:
        clock = BrokerClock(rest)
        with Journal(path, clock) as journal:
            daily = Daily(BUSY, rest, clock, journal, bars_of=lambda session: bars.between(None, session))
            last = loop(daily, clock, stopped, told.append, warned.append)
    finally:
        rest.close()
    return last, told, warned


def test_one_trading_day_from_the_evening_to_the_end(tmp_path):
    with venue(panel()) as alpaca:
        last, told, warned = looped(alpaca, tmp_path / "journal.db")
        assert last.over and last.done and not warned
        assert {order.status for order in last.orders} == {"filled"} and len(last.orders) == len(alpaca.ledger.orders) >= 2
        assert {order.time_in_force for order in alpaca.ledger.orders} == {"opg"}
        assert 3 <= len(told) < 12  # decided, sent, filled, over: said when something changed, not at every look
        assert alpaca.ledger.busiest_minute() < 60


def test_an_outage_is_warned_of_and_outlived(tmp_path):
    with venue(panel(), now="2024-02-20T19:05-05:00") as alpaca:
        alpaca.faults.add(AnswerFault(status=500, accepted=False, path="/v2/positions", times=12))
        last, _, warned = looped(alpaca, tmp_path / "journal.db")
        assert warned and "did not answer" in warned[0]
        assert last.done and {order.status for order in last.orders} == {"filled"}
        assert len(alpaca.ledger.orders) == len(last.orders)


def test_it_ends_when_it_is_told_to(tmp_path):
    with venue(panel()) as alpaca:
        last, told, _ = looped(alpaca, tmp_path / "journal.db", stopped=iter([False] + [True] * 1000).__next__)
        assert last is told[0] and not alpaca.ledger.orders
