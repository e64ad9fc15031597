"""The journal's file under pressure: several processes, a killed writer, a damaged, locked or unwritable file."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trial_rounds import append_round, rounds

from core.errors import StoreFailed, UsageError
from journal import Journal
from journal.database import Database

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from journal import Journal
from trial_rounds import append_round
name, rounds = sys.argv[2], int(sys.argv[3])
with Journal(Path(sys.argv[1])) as journal:
    for at in range(rounds):
        append_round(journal, name, at)
        print(at, flush=True)
"""


def start_writer(path, name, rounds):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(rounds)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"})


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_durable_waits_for_the_disk(path, durable):
    database = Database(path)
    with database.writing(durable) as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 1 + durable  # 2 is FULL
    with database.writing() as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 1
    database.close()


def test_two_processes_write_a_new_journal_at_once(path):
    writers = [start_writer(path, name, 40) for name in ("first", "second")]
    for writer in writers:
        _, shown = writer.communicate(timeout=60)
        assert writer.returncode == 0, shown
    with Journal(path) as journal:
        for name in ("first", "second"):
            assert rounds(journal, name) == [at for at in range(40) for _ in range(5)]


def test_a_killed_writer_leaves_whole_transactions_and_no_lock(path):
    writer = start_writer(path, "killed", 100_000)
    said = [int(writer.stdout.readline()) for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate(timeout=60)
    said += [int(line) for line in rest.split("\n")[:-1]]
    assert writer.returncode == -signal.SIGKILL
    with Journal(path, busy_timeout_s=2) as journal:
        found = rounds(journal, "killed")
        assert len(found) % 5 == 0
        assert max(found) in (said[-1], said[-1] + 1)
        append_round(journal, "after", 0)
        assert rounds(journal, "after") == [0] * 5


def test_a_locked_journal_is_one_clear_error(journal, path):
    append_round(journal, "first", 0)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with (Journal(path, busy_timeout_s=0.2) as second,
          pytest.raises(StoreFailed, match="database is locked; another process is writing; wait for it")):
        append_round(second, "second", 0)
    assert time.monotonic() - started < 5
    assert [each.strategy for each in journal.ledger.sweeps()] == ["first"]  # reading goes on meanwhile
    holder.close()


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


def test_a_newer_format_is_refused(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with Journal(path) as journal, pytest.raises(StoreFailed, match="newer cerebrolab .format 99"):
        journal.runs()


def test_the_file_is_released(path):
    with Journal(path) as journal:
        append_round(journal, "one", 0)
    opened = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")
              if os.path.islink(f"/proc/self/fd/{each}")]
    assert not [each for each in opened if each.startswith(str(path))]


@pytest.mark.parametrize("place", ["postgresql://localhost/x", "sqlite://", "journal.db"])
def test_an_address_it_cannot_use_is_named(place):
    with pytest.raises(UsageError) as caught:
        Journal(place)
    assert repr(place) in str(caught.value)


def test_an_address_names_a_file(tmp_path):
    with Journal(f"sqlite:///{tmp_path}/other.db") as journal:
        assert journal.runs() == []
    assert (tmp_path / "other.db").exists()


def test_foreign_keys_are_enforced_and_the_log_is_written_ahead(journal, path, make_result):
    number = journal.record_run(make_result())
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM runs WHERE id = ?", (number,))
    connection.commit()
    assert connection.execute("SELECT count(*) FROM executions").fetchone() == (0,)
    connection.close()
