"""A daily run that is killed: `python mortal_days.py` waits, warm, for lines of JSON and forks a process for each.

A line says where the venue and the journal are and after how many points the run kills itself: before and after
everything it writes down, and before and after every order it sends. Answers: the process, then how it ended.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
from live_days import SPEC, panel

from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.rest import Rest
from engine.live.daily import Daily
from engine.live.wanted import wanted
from journal import Journal
from journal.blotter import Blotter

MORTAL = SPEC.replace(params={"seed": 3, "density": 0.9})
BARS = panel()


class Points:
    """Counts the points a run passes, and kills it at one of them."""

    def __init__(self, last: int) -> None:
        self.passed, self._last = 0, last

    def reach(self) -> None:
        self.passed += 1
        if self.passed == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: type, name: str) -> None:
        """A point before every call of a method, and one after."""
        method = getattr(owner, name)

        def mortal(*arguments, **options):
            self.reach()
            result = method(*arguments, **options)
            self.reach()
            return result

        setattr(owner, name, mortal)


def run(task: dict) -> int:
    """One daily run; returns how many points it passed."""
    points = Points(task.get("last", 0))
    for name in ("decide", "change", "add"):
        points.around(Blotter, name)
    points.around(Rest, "submit")
    rest = Rest(Endpoints(task["key"], task["secret"], base_url=task["url"]), seed=1)
    clock = BrokerClock(rest)
    with Journal(Path(task["journal"]), clock) as journal:
        Daily(MORTAL, rest, clock, journal, bars_of=lambda session: BARS.between(None, session)).once()
    rest.close()
    return points.passed


def main() -> None:
    wanted(MORTAL, BARS, {}, 1e5, 1e5)  # compiled code and imports are brought into memory once
    for line in sys.stdin:
        process = os.fork()
        if not process:
            code = 1
            try:
                passed = run(json.loads(line))
                print(json.dumps({"passed": passed}), flush=True)
                code = 0
            except Exception:  # noqa: BLE001  (told, then the process ends)
                traceback.print_exc()
            finally:
                os._exit(code)
        print(json.dumps({"process": process}), flush=True)
        _, status = os.waitpid(process, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(status), "code": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    assert np.isfinite(BARS.raw_close).all()
    main()
