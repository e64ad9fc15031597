"""The actual portfolio of an account: executions say what is held, and whoever has looked since says what cash there is."""

from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.spec import RunSpec
from journal import Journal
from journal.account_log import TRANSFER, LiveExecution
from services.actual import actual


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "journal.db", ManualClock(10)) as journal:
        journal.account_log.execute([LiveExecution("c", "b", Decimal(3), "A", "r", "AAA", "buy", Decimal(3), Decimal(20), 100)])
        yield journal


def cash_of(journal, run=""):
    found = actual(journal, RunSpec(cash=500.0), "A", run)
    assert found.held == {"AAA": Decimal(3)}
    return found.portfolio.cash


def test_what_was_seen_or_stated_last_since_the_last_execution_counts(journal):
    assert cash_of(journal) == -60
    journal.history.take("A", "", Decimal(990), Decimal(930), time_ns=99)
    assert cash_of(journal) == -60  # before the execution
    journal.history.take("A", "", Decimal(1000), Decimal(940), time_ns=101)
    journal.history.take("A", "r", Decimal(100), Decimal(40), time_ns=101)
    assert cash_of(journal) == 940 and cash_of(journal, "r") == 40
    journal.state.reconcile("A", {"AAA": {"quantity": "3"}}, Decimal("939.5"), None, "me", time_ns=102)
    assert cash_of(journal) == Decimal("939.5") and cash_of(journal, "r") == 40


def test_what_the_account_began_with_needs_nobody_to_look(journal):
    journal.account_log.note("A", "r", TRANSFER, "deposit", symbol="", cash="1000", qty=None, at_ns=50)
    journal.history.take("A", "", Decimal(7), Decimal(7), time_ns=101)
    assert cash_of(journal) == 940
