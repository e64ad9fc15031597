"""The memory of solved weights: one file, several processes, no harm from a broken one."""

import logging
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from sizers import solved
from sizers.solved import Solved, key_of

ANSWER = Solved(np.array([0.25, 0.75]))


def ask(key=b"k", answer=ANSWER, family=b"f"):
    """The answer for `key`, and whether the solver was asked."""
    calls = []
    found = solved.solved(family, key, lambda: calls.append(1) or answer)
    return found, bool(calls)


def test_the_file_outlives_the_memory(tmp_path):
    file = tmp_path / "new" / "solved.db"
    for _ in range(2):
        solved.configure(file)
        found, asked = ask()
        assert found.weights.tolist() == [0.25, 0.75] and found.reason == ""
        assert not found.weights.flags.writeable
    assert not asked


def test_failures_are_kept_with_their_reason(tmp_path):
    solved.configure(tmp_path / "solved.db")
    ask(answer=Solved(np.empty(0), "no luck"))
    solved.configure(tmp_path / "solved.db")
    found, asked = ask()
    assert (found.reason, len(found.weights), asked) == ("no luck", 0, False)


def test_a_new_process_reads_what_another_solved(tmp_path):
    script = ("import sys, numpy as np; from sizers import solved; solved.configure(sys.argv[1])\n"
              "print(solved.solved(b'f', b'k', lambda: solved.Solved(np.array([float(sys.argv[2])]))).weights[0])")
    root = Path(__file__).parents[2]
    for number in ("0.5", "0.7"):
        said = subprocess.run([sys.executable, "-c", script, str(tmp_path / "solved.db"), number], cwd=root, check=True,
                              capture_output=True, text=True).stdout
        assert said == "0.5\n"


def test_several_processes_may_write_at_once(tmp_path):
    script = ("import sys, numpy as np; from sizers import solved; solved.configure(sys.argv[1])\n"
              "for at in range(200): solved.solved(b'f', b'%d' % at, lambda: solved.Solved(np.array([float(at)])))\n"
              "sys.exit(not solved._file._usable)")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "solved.db")]
    started = [subprocess.Popen(command, cwd=root) for _ in range(3)]
    assert [each.wait() for each in started] == [0, 0, 0]
    with sqlite3.connect(tmp_path / "solved.db") as connection:
        rows = connection.execute("SELECT key, weights FROM solved").fetchall()
    connection.close()
    assert {key: np.frombuffer(weights)[0] for key, weights in rows} == {b"%d" % at: float(at) for at in range(200)}


def test_threads_share_the_file(tmp_path):
    solved.configure(tmp_path / "solved.db")
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask(b"%d" % len(found))[0].reason)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [""] * 8


def spoilt(path):
    path.write_bytes(b"this is no database" * 100)


def cut_short(path):
    solved.configure(path)
    ask()
    solved.configure(None)
    path.write_bytes(path.read_bytes()[:1000])


def a_folder(path):
    path.mkdir()


def under_a_file(path):
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize("spoil", [spoilt, cut_short, a_folder, under_a_file])
def test_a_file_that_is_no_use_is_said_once_and_left_alone(tmp_path, caplog, spoil):
    file = tmp_path / "home" / "solved.db"
    file.parent.mkdir()
    spoil(file)
    solved.configure(file)
    with caplog.at_level(logging.WARNING):
        for key in (b"a", b"b"):
            assert ask(key)[1]
            assert not ask(key)[1]
    assert len(caplog.records) == 1 and str(file) in caplog.text


def test_half_an_answer_is_solved_again(tmp_path):
    solved.configure(tmp_path / "solved.db")
    ask()
    solved.configure(None)
    with sqlite3.connect(tmp_path / "solved.db") as connection:
        connection.execute("UPDATE solved SET weights = x'00112233'")
    connection.close()
    solved.configure(tmp_path / "solved.db")
    assert ask()[1]


def test_what_another_process_adds_later_is_found_too(tmp_path):
    solved.configure(tmp_path / "solved.db")
    ask(b"a")
    with sqlite3.connect(tmp_path / "solved.db") as connection:
        connection.execute("INSERT INTO solved SELECT family, CAST('b' AS BLOB), weights, reason FROM solved")
    connection.close()
    assert not ask(b"b")[1]


def test_families_keep_to_themselves(tmp_path):
    for file in (None, tmp_path / "solved.db"):
        solved.configure(file)
        ask()
        found, asked = ask(family=b"g", answer=Solved(np.ones(1)))
        assert asked and found.weights.tolist() == [1.0]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(solved, "MOST_IN_MEMORY", 3)
    monkeypatch.setattr(solved, "MOST_FAMILIES", 2)
    for number in range(9):
        ask(b"%d" % number)
        ask(family=b"f%d" % number)
    assert len(solved._memory) <= 2 and max(map(len, solved._memory.values())) <= 3


def test_keys_tell_contents_apart():
    contents = [("a",), ("b",), ("a", "b"), ("ab",), (np.zeros(2),), (np.zeros((2, 1)),), (np.ones(2),),
                (np.zeros(2, np.float32),), (np.zeros(2), np.zeros(2)), (np.zeros(4),)]
    assert len({key_of(*each) for each in contents}) == len(contents)
    assert key_of(np.arange(6.0)[::2]) == key_of(np.array([0.0, 2.0, 4.0]))
