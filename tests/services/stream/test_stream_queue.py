"""The file of the queue: what is put into it stays, in order and once; and what of an execution others lack."""

import sqlite3
from decimal import Decimal

import pytest

from core.errors import UsageError
from journal.account_log import LiveExecution
from services.stream.queue_file import OVERLAP_NS, QueueFile


def made(filled, qty=1, name="a", time_ns=5, price="1.10"):
    return LiveExecution(name, "b", Decimal(filled), "A", "", "AAA", "buy", Decimal(qty), Decimal(price), time_ns)


def test_it_is_kept_in_order_and_once(tmp_path):
    path = tmp_path / "new" / "queue.db"
    exact = made("3.00", "2", price="9.123456789012345678901234567")
    with QueueFile(path) as queue:
        assert queue.first() is None
        assert queue.put([exact, made("1"), made("3", 1)]) == 2 and queue.put([made("3.0")]) == 0
    with QueueFile(path) as queue:
        number, first = queue.first()
        assert first == exact and queue.count() == 2
        queue.done(number)
        assert queue.put([exact]) == 0 and queue.first().execution == made("1")
        queue.refuse(queue.first().number, "no")
        assert queue.first() is None and queue.refused() == [(made("1"), "no")]


def test_names_are_forgotten_when_the_broker_lists_them_no_more(tmp_path):
    with QueueFile(tmp_path / "queue.db") as queue:
        queue.put([made("1", time_ns=7)], ("A", 7))
        queue.done(queue.first().number)
        assert queue.put([made("1", time_ns=7)], ("A", 7 + OVERLAP_NS)) == 0
        assert queue.put([], ("A", 8 + 2 * OVERLAP_NS)) == 0 and queue.listed_ns("A") == 8 + 2 * OVERLAP_NS
        assert queue.put([made("1", time_ns=7)], ("A", 1)) == 1 and queue.listed_ns("A") == 8 + 2 * OVERLAP_NS
        assert queue.listed_ns("B") is None


def text(path):
    path.write_text("executions, one a line\n" * 9)


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bars (symbol)")
    connection.close()


@pytest.mark.parametrize("kind", [text, database])
def test_what_is_no_queue_is_left_alone(tmp_path, kind):
    path = tmp_path / "other"
    kind(path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(UsageError, match="other is no queue of cerebrolab serve stream .*: name another file with --queue"):
            QueueFile(path)
    assert path.read_bytes() == before


def test_one_process_at_a_time(tmp_path):
    with QueueFile(tmp_path / "queue.db"), pytest.raises(UsageError, match="another process has the queue .*queue.db: stop it, or name another"):
        QueueFile(tmp_path / "queue.db")
    with pytest.raises(UsageError, match="cannot make the queue"):
        QueueFile(tmp_path / "queue.db" / "below")
    with pytest.raises(UsageError, match="is no queue"):
        QueueFile(tmp_path)
