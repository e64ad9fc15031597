"""The same input in fresh processes: other hash seeds, other random state, and a clock that is 400 days ahead.

`play` starts them and compares nothing; `python -m checks.process FOLDER SEED` is what runs in each.
"""

import builtins
import datetime
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from checks.outcome import Outcome
from checks.subject import INSTALLED, Subject
from core.bars import Bars
from core.errors import UsageError
from core.logs import OURS
from core.spec import RunSpec

AHEAD_S = 400 * 86_400 + 12_345.678
STATE = 987_654_321
HASH_SEEDS = ("1", "77", "4242")
DEADLINE_S = 120.0


def play(spec: RunSpec, bars: Bars) -> list[list[Outcome]]:
    """Decisions (of a target strategy) and orders on `bars`, of processes that have run nothing before.

    One process for each of `HASH_SEEDS`, since two orders of a set may be alike by chance.

    Raises:
        UsageError: a process failed or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="cerebrolab-check-") as folder, ExitStack() as running:
        task = Path(folder)
        (task / "in.pickle").write_bytes(pickle.dumps((spec, bars)))
        started = [running.enter_context(_start(folder, seed)) for seed in HASH_SEEDS]
        for each in started:
            running.callback(each.kill)
        return [_outcome(process, task / f"out.{seed}.pickle") for process, seed in zip(started, HASH_SEEDS, strict=True)]


def _start(folder: str, seed: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-m", "checks.process", folder, seed], env=environment, text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _outcome(process: "subprocess.Popen[str]", file: Path) -> list[Outcome]:
    try:
        _, said = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise UsageError(f"the run in a fresh process took more than {DEADLINE_S:.0f} s") from None
    if not file.exists():
        raise UsageError(f"the run in a fresh process failed: {(said.strip().splitlines() or ['it said nothing'])[-1]}")
    return pickle.loads(file.read_bytes())


def main(folder: str, seed: str) -> None:
    """Play what `in.pickle` says and leave the outcome in `out.SEED.pickle`."""
    task = Path(folder)
    spec, bars = pickle.loads((task / "in.pickle").read_bytes())
    move_clock(AHEAD_S)
    subject = Subject(spec)
    outcomes: list[Outcome] = [subject.decisions(bars, STATE)] if subject.target else []
    (task / f"out.{seed}.pickle").write_bytes(pickle.dumps([*outcomes, subject.orders(bars, STATE)]))


def move_clock(seconds: float) -> None:
    """Let the clocks run ahead that the user's modules import from now on; everybody else's stay."""
    import pandas as pd

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Moved":
            return super().now(tz) + datetime.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> "Moved":
            return cls.now(datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> "Moved":
            return cls.now()

    class MovedDate(datetime.date):
        @classmethod
        def today(cls) -> "MovedDate":
            return cls.fromordinal(Moved.now().toordinal())

    clocks = {"time": 1, "time_ns": 10**9, "monotonic": 1, "perf_counter": 1}
    ahead = {name: _ahead(getattr(time, name), seconds * unit) for name, unit in clocks.items()}
    moved = {"datetime": SimpleNamespace(**{**vars(datetime), "datetime": Moved, "date": MovedDate}),
             "time": SimpleNamespace(**{**vars(time), **ahead})}
    pd.Timestamp.now = classmethod(lambda cls, tz=None: cls(Moved.now(tz)))
    pd.Timestamp.today = pd.Timestamp.now
    builtins.__import__ = _importing(moved)


def _importing(moved: dict[str, Any]) -> Callable[..., Any]:
    """An `__import__` that hands other modules to code that was neither shipped nor installed."""
    original = builtins.__import__

    def importing(name: str, names: Any = None, *rest: Any) -> Any:
        file = str((names or {}).get("__file__", "")) if name in moved else ""
        shipped = str((names or {}).get("__name__", "")).split(".")[0] in OURS
        installed = shipped or file.startswith(tuple(INSTALLED))
        return moved[name] if file and not installed else original(name, names, *rest)

    return importing


def _ahead(clock: Callable[[], Any], by: float) -> Callable[[], Any]:
    return lambda: clock() + type(clock())(by)


if __name__ == "__main__":
    main(*sys.argv[1:])
