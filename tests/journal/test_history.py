"""What strategies said and what accounts were worth: once for each moment, in order, and with what decisions saw."""

from decimal import Decimal

import pytest

from core.clock import ManualClock
from journal import opened
from journal.history import EquityPoint, Signal, Snapshot

DECISION = dict(account="A", run_key="r", bar_ns=10, session="2024-03-01", strategy="S", strategy_source="x", spec={},
                fingerprint="f", equity=Decimal("100.5"), cash=Decimal(1), targets={}, notes=[])


@pytest.fixture(name="journal")
def _journal(anywhere):
    with opened(anywhere, ManualClock(7)) as journal:
        yield journal


def test_what_a_strategy_said_first_on_a_bar_stays(journal):
    for conviction in (1.5, 2.0):
        journal.history.say("A", "r", "S", 10, {"AAA": conviction, "BBB": 0.0})
    journal.history.say("A", "s", "S", 9, {})
    first, second = Signal("A", "s", "S", 9, {}), Signal("A", "r", "S", 10, {"AAA": 1.5, "BBB": 0.0})
    assert journal.history.signals() == [first, second] and journal.history.signals("A", "r") == [second]
    assert journal.history.signals(since_ns=10) == [second] and journal.history.signals(until_ns=10) == [first]
    assert journal.history.signals("B") == []


def test_equity_over_time_is_of_snapshots_and_decisions(journal):
    held = {"AAA": {"quantity": "1.5", "price": "66.33"}}
    journal.history.take("A", "r", Decimal("99.10"), Decimal("0.5"), held, time_ns=11)
    journal.history.take("A", "r", Decimal(1), Decimal(1), time_ns=11)
    journal.history.take("A", "", Decimal(500), Decimal(400), source="a person")
    journal.blotter.decide([], **DECISION)
    assert journal.history.snapshots("A", "r") == [Snapshot("A", "r", 11, Decimal("99.10"), Decimal("0.5"), held, "broker")]
    assert journal.history.equity("A") == [
        EquityPoint("A", "", 7, Decimal(500), Decimal(400), "a person"), EquityPoint("A", "r", 10, Decimal("100.5"), Decimal(1), "decision"),
        EquityPoint("A", "r", 11, Decimal("99.10"), Decimal("0.5"), "broker")]
    assert [each.time_ns for each in journal.history.equity("A", "r", 10, 11)] == [10]
