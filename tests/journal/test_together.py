"""What is written together is there whole, or not at all; on every kind of database."""

import threading
from decimal import Decimal

import pytest

from core.errors import StoreFailed
from journal import Journal
from journal.account_log import LiveExecution

ONE = Decimal(1)


@pytest.fixture(name="journal")
def _journal(place):
    with Journal(place) as journal:
        yield journal


def write(journal, at):
    """An execution, a signal and a snapshot of a moment."""
    journal.account_log.execute([LiveExecution(f"order {at}", "x", ONE, "a", "r", "AAA", "buy", ONE, ONE, at)])
    journal.history.say("a", "r", "S", at, {"AAA": 1.0})
    journal.history.take("a", "r", ONE, ONE, {}, "run", at)


def written(journal):
    """The moments of what is there."""
    kinds = (journal.account_log.executions("a"), journal.history.snapshots("a"), journal.history.signals("a"))
    first, second, third = ([getattr(each, "time_ns", None) or each.bar_ns for each in kind] for kind in kinds)
    assert first == second == third
    return first


@pytest.mark.parametrize("durable", [True, False])
def test_it_is_all_there_at_its_end_and_not_before(journal, durable):
    with journal.together(durable):
        write(journal, 1)
        with journal.together():
            write(journal, 2)
        write(journal, 3)
        assert not written(journal)
    assert written(journal) == [1, 2, 3]
    write(journal, 4)
    assert written(journal) == [1, 2, 3, 4]


@pytest.mark.parametrize("error", [KeyError, StoreFailed])
def test_nothing_of_it_is_there_when_it_fails(journal, error):
    with pytest.raises(error), journal.together():
        write(journal, 1)
        raise error("no more")
    assert not written(journal)
    write(journal, 1)
    assert written(journal) == [1]


def test_another_thread_writes_for_itself(journal):
    """It waits for its turn, and is not undone with the first."""
    waits = threading.Event()

    def other():
        waits.set()
        write(journal, 2)

    thread = threading.Thread(target=other)
    with pytest.raises(KeyError), journal.together():
        write(journal, 1)
        thread.start()
        assert waits.wait(60)
        raise KeyError
    thread.join()
    assert written(journal) == [2]
