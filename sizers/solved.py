"""Solved weights, kept by the content that decides them: in memory, and in one SQLite file once `configure`d.

A file that cannot be read or written costs one line in the log and is left alone from then on.
"""

import hashlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

MOST_FAMILIES, MOST_IN_MEMORY = 1_000, 10_000  # answers in each
_SCHEMA = """
CREATE TABLE IF NOT EXISTS solved (
    family BLOB, key BLOB, weights BLOB NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (family, key)
) WITHOUT ROWID"""
_log = logging.getLogger(__name__)


class Solved(NamedTuple):
    """What a solver answered.

    Attributes:
        weights: (K,) float64. reason: why they are another rule's, one line; "" when they are its own.
    """

    weights: np.ndarray
    reason: str = ""


class SolvedFile:
    """The SQLite file; several processes may share it, and each opens it for itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._lock = threading.Lock()
        self._usable = True

    def family(self, family: bytes) -> dict[bytes, Solved]:
        """All kept answers of a family by key, so that a repeated run reads the file once."""
        rows = self._execute("SELECT key, weights, reason FROM solved WHERE family = ? LIMIT ?",
                             (family, MOST_IN_MEMORY))
        return {key: _read(weights, reason) for key, weights, reason in rows if len(weights) % 8 == 0}

    def get(self, family: bytes, key: bytes) -> Solved | None:
        """The kept answer, if there is one."""
        rows = self._execute("SELECT weights, reason FROM solved WHERE family = ? AND key = ?", (family, key))
        return _read(*rows[0]) if rows and len(rows[0][0]) % 8 == 0 else None

    def put(self, family: bytes, key: bytes, answer: Solved) -> None:
        """Keep an answer."""
        self._execute("INSERT OR REPLACE INTO solved VALUES (?, ?, ?, ?)",
                      (family, key, answer.weights.tobytes(), answer.reason))

    def close(self) -> None:
        """Give the file back."""
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
        self._connection = None

    def _execute(self, statement: str, values: tuple) -> list:
        if not self._usable:
            return []
        try:
            with self._lock:
                return self._open().execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self._usable = False
            _log.warning("solved weights are not kept: %s: %s", self._path, error)
            return []

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._process != os.getpid():  # a connection does not survive a fork
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            self._process = os.getpid()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")  # losing what can be solved again is no loss
            self._connection.execute(_SCHEMA)
        return self._connection


_memory: dict[bytes, dict[bytes, Solved]] = {}  # by family
_file: SolvedFile | None = None


def configure(path: str | Path | None) -> None:
    """Keep solved weights in the file `path` from now on; None = in this process's memory only.

    What is in memory is forgotten, so that it can be told what came from where.
    """
    global _file
    if _file is not None:
        _file.close()
    _memory.clear()
    _file = None if path is None else SolvedFile(Path(path))


def key_of(*parts: object) -> bytes:
    """Digest of the content: arrays by shape and bytes, everything else by `repr`."""
    digest = hashlib.sha256()  # processors have instructions for it: half the time of blake2b
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.digest()


def solved(family: bytes, key: bytes, solve: Callable[[], Solved]) -> Solved:
    """The kept answer for `key`, or the one `solve` gives, which is kept.

    Args:
        family: what stays the same through a run (the rule and its parameters). key: what does not.
    """
    kept = _memory.get(family)
    if kept is None:
        if len(_memory) >= MOST_FAMILIES:
            _memory.clear()
        kept = _memory[family] = _file.family(family) if _file is not None else {}
    answer = kept.get(key)
    if answer is None:
        answer = _file.get(family, key) if _file is not None else None
        if answer is None:
            answer = solve()
            answer.weights.flags.writeable = False
            if _file is not None:
                _file.put(family, key, answer)
        if len(kept) >= MOST_IN_MEMORY:
            kept.clear()
        kept[key] = answer
    return answer


def _read(weights: bytes, reason: str) -> Solved:
    return Solved(np.frombuffer(weights, dtype=np.float64), reason)  # read-only
