"""The same input in a fresh process: other hash seed, other random state, and a clock that is 400 days ahead.

`play` starts the process and compares nothing; `python -m checks.process FOLDER` is what runs in it.
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
DEADLINE_S = 120.0


def play(spec: RunSpec, bars: Bars) -> list[Outcome]:
    """Decisions (of a target strategy) and orders on `bars`, of a process that has run nothing before.

    Raises:
        UsageError: the process failed or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="cerebrolab-check-") as folder:
        task = Path(folder)
        (task / "in.pickle").write_bytes(pickle.dumps((spec, bars)))
        environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            done = subprocess.run([sys.executable, "-m", "checks.process", folder], env=environment, check=False,
                                  capture_output=True, text=True, timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise UsageError(f"the run in a fresh process took more than {DEADLINE_S:.0f} s") from None
        if not (task / "out.pickle").exists():
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise UsageError(f"the run in a fresh process failed: {said}")
        return pickle.loads((task / "out.pickle").read_bytes())


def main(folder: str) -> None:
    """Play what `in.pickle` says and leave the outcome, or an error's text, in `out.pickle`."""
    task = Path(folder)
    spec, bars = pickle.loads((task / "in.pickle").read_bytes())
    move_clock(AHEAD_S)
    subject = Subject(spec)
    outcomes: list[Outcome] = [subject.decisions(bars, STATE)] if subject.target else []
    (task / "out.pickle").write_bytes(pickle.dumps([*outcomes, subject.orders(bars, STATE)]))


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
    main(sys.argv[1])
