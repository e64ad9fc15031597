"""The journal under pressure: several processes, a killed writer, a damaged, locked or unwritable file, odd addresses."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select
from trial_rounds import append_round, rounds

from core.errors import StoreFailed, UsageError
from journal import Journal
from journal.database import Database
from journal.tables import AccountNoteRow, TrialRow

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from journal import Journal
from trial_rounds import append_round
name, rounds = sys.argv[2], int(sys.argv[3])
place = sys.argv[1]
with Journal(place if "://" in place else Path(place)) as journal:
    for at in range(rounds):
        append_round(journal, name, at)
        print(at, flush=True)
"""

HALF = """
import sys, time
from pathlib import Path
from journal.database import Database
from journal.tables import AccountNoteRow
place = sys.argv[1]
with Database(place if "://" in place else Path(place)).writing(durable=True) as session:
    session.add(AccountNoteRow(account="A", run="", kind="alert", text="half", time_ns=1, facts={}))
    session.flush()
    print("written", flush=True)
    time.sleep(60)
"""


def start(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"})


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_durable_waits_for_the_disk(path, durable):
    database = Database(path)
    with database.writing(durable) as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 1 + durable  # 2 is FULL
    with database.writing() as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 1
    database.close()


def test_two_processes_write_a_new_journal_at_once(place):
    writers = [start(WRITER, place, name, 40) for name in ("first", "second")]
    for writer in writers:
        _, shown = writer.communicate(timeout=60)
        assert writer.returncode == 0, shown
    with Journal(place) as journal:
        for name in ("first", "second"):
            assert rounds(journal, name) == [at for at in range(40) for _ in range(5)]


def test_a_killed_writer_leaves_whole_transactions_and_no_lock(place):
    with start(WRITER, place, "killed", 100_000) as writer:
        said = [int(writer.stdout.readline()) for _ in range(20)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]  # `communicate` would forget what was read ahead
        assert writer.wait(60) == -signal.SIGKILL
    with Journal(place, busy_timeout_s=2) as journal:
        found = rounds(journal, "killed")
        assert len(found) % 5 == 0
        assert max(found) in (said[-1], said[-1] + 1)
        append_round(journal, "after", 0)
        assert rounds(journal, "after") == [0] * 5


def test_a_writer_killed_before_it_commits_leaves_nothing_and_no_lock(place):
    writer = start(HALF, place)
    assert writer.stdout.readline() == "written\n"
    writer.kill()
    writer.communicate(timeout=60)
    with Journal(place, busy_timeout_s=5) as journal:
        assert journal.account_log.notes() == []
        assert journal.account_log.note("A", "r", "alert", "whole") in journal.account_log.notes()


def test_a_locked_journal_is_one_clear_error_and_can_be_read(journal, place):
    append_round(journal, "first", 0)
    holder, started = Database(place), time.monotonic()
    with holder.writing() as session, Journal(place, busy_timeout_s=0.2) as second:
        session.connection()
        with pytest.raises(StoreFailed, match="; another process is writing; wait for it"):
            append_round(second, "second", 0)
        assert time.monotonic() - started < 25
        assert [each.strategy for each in journal.ledger.sweeps()] == ["first"]
    holder.close()


def test_a_reader_sees_one_state_and_writes_nothing(journal, place):
    append_round(journal, "first", 0)
    reader = Database(place)
    with reader.reading() as session:
        before = session.scalar(select(func.count()).select_from(TrialRow))
        append_round(journal, "second", 0)
        assert session.scalar(select(func.count()).select_from(TrialRow)) == before == 5
    with reader.reading() as session:
        assert session.scalar(select(func.count()).select_from(TrialRow)) == 10
    reader.close()


def test_a_block_that_fails_leaves_nothing(journal, place):
    database = Database(place)
    with pytest.raises(KeyError), database.writing() as session:
        session.add(AccountNoteRow(account="A", run="", kind="alert", text="", time_ns=1, facts={}))
        session.flush()
        raise KeyError
    database.close()
    assert journal.account_log.notes() == []


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_journal_is_named_and_left_alone(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with Journal(path) as journal, pytest.raises(StoreFailed, match="the file is damaged; move it away") as caught:
        journal.runs()
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with Journal(tmp_path / "taken" / "journal.db") as journal, pytest.raises(StoreFailed, match="taken"):
        journal.runs()


def test_a_folder_in_its_place_is_one_clear_error(path):
    path.mkdir(parents=True)
    with Journal(path) as journal, pytest.raises(StoreFailed, match="unable to open database file; make the file"):
        journal.runs()


def test_the_file_is_released(path):
    with Journal(path) as journal:
        append_round(journal, "one", 0)
    opened = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")
              if os.path.islink(f"/proc/self/fd/{each}")]
    assert not [each for each in opened if each.startswith(str(path))]


@pytest.mark.parametrize("address", ["postgresql://localhost", "mysql://localhost/x", "sqlite://", "journal.db", "postgresql://a:b/c"])
def test_an_address_it_cannot_use_is_named(address):
    with pytest.raises(UsageError, match="write a file, sqlite:///path/to/journal.db or postgresql://") as caught:
        Journal(address)
    assert repr(address) in str(caught.value)


@pytest.mark.parametrize("address", ["mysql://me:geh@eim@host/x", "postgresql://me:geh@eim@host:port/x"])
def test_an_address_it_cannot_use_does_not_show_its_password(address):
    with pytest.raises(UsageError) as caught:
        Journal(address)
    assert "geh" not in str(caught.value) and "eim" not in str(caught.value) and "host" in str(caught.value)


def test_an_address_names_a_file(tmp_path):
    with Journal(f"sqlite:///{tmp_path}/other.db") as journal:
        assert journal.runs() == []
    assert (tmp_path / "other.db").exists()


def test_the_log_is_written_ahead(path, make_result):
    with Journal(path) as journal:
        journal.record_run(make_result())
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
