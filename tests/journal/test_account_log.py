"""The log of live accounts: executions are counted once, notes are kept in order, and orders change with them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.errors import StoreFailed, UsageError
from journal import LiveOrder, opened
from journal.account_log import ALERT, CASH, LiveExecution

DECISION = dict(account="A", run_key="r", bar_ns=10, session="2024-03-01", strategy="GoldenCross", strategy_source="x", spec={},
                fingerprint="f", equity=Decimal(1), cash=Decimal(1), targets={}, notes=[])
FIRST = LiveExecution("c-1", "b-1", Decimal(10), "A", "r", "AAA", "buy", Decimal(10), Decimal("9.123456789"), 5, Decimal("0.1"))
SECOND = replace(FIRST, filled=Decimal("12.50"), qty=Decimal("2.50"), time_ns=6)


@pytest.fixture(name="log")
def _log(anywhere):
    with opened(anywhere, ManualClock(7)) as journal:
        yield journal.account_log


def test_an_execution_is_recorded_once_however_its_shares_are_written(log):
    assert log.execute([FIRST, SECOND]) == 2
    assert log.execute([replace(FIRST, filled=Decimal("10.00"), price=Decimal(1)), replace(SECOND, filled=Decimal("12.5"))]) == 0
    assert log.executions("A") == [FIRST, SECOND]
    assert log.executions("A", "r", 6) == [SECOND] and log.executions("A", until_ns=6) == [FIRST]
    assert log.executions("B") == log.executions("A", "other") == []


def test_more_executions_than_one_request_holds(log):
    many = [replace(FIRST, client_order_id=f"c-{number}", broker_id=f"b-{number}", filled=Decimal(1), qty=Decimal(1), time_ns=number) for number in range(1, 1_202)]
    assert log.execute(many) == 1_201 and log.execute(many) == 0
    assert log.executions("A") == many


def test_what_becomes_of_orders_is_written_with_the_executions_or_not_at_all(anywhere, log):
    with opened(anywhere) as journal:
        journal.blotter.decide([LiveOrder("c-1", 0, "AAA", "buy", Decimal(10), "enter", state="open")], **DECISION)
        log.execute([FIRST], {"c-1": {"filled": Decimal(10), "state": "done"}, "unknown": {"state": "done"}})
        [order] = journal.blotter.unfinished_of("A", "r") or journal.blotter.orders(1)
        assert (order.state, order.filled) == ("done", Decimal(10))
        log.execute([], {"c-1": {"filled": Decimal(0)}})
        assert journal.blotter.orders(1) == [order]
    with pytest.raises((StoreFailed, UsageError)):
        log.execute([SECOND, replace(SECOND, filled=Decimal(13), symbol=None)])
    assert log.executions("A") == [FIRST]


def test_runs_are_in_the_order_of_their_letters_in_every_database(log):
    names = ["b", "A", "_", "a", "Z", ""]
    log.execute([replace(FIRST, client_order_id=f"c-{name}", run=name) for name in names])
    assert log.runs() == [("A", name) for name in sorted(names)]


def test_notes_come_in_order_and_can_be_chosen(log):
    first = log.note("A", "r", ALERT, "it is € 5 off", off=5.5, symbols=["AAA"])
    second = log.note("A", "s", CASH, "moved", cash="2.50")
    assert log.notes() == [first, second] and first.facts == {"off": 5.5, "symbols": ["AAA"]} and first.time_ns == 7
    assert log.notes("A", "s") == log.notes(kinds=[CASH]) == [second]
    assert log.notes("B") == log.notes(since_ns=8) == []
