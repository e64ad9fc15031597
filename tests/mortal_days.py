"""A daily run that dies: `python mortal_days.py` waits, warm, for lines of JSON and forks a process for each.

A line says where the venue and the journal are, and where the run ends: by SIGKILL at a point (before and after every commit, every
piece of every order's way to the venue, and the closing of the journal), or by the kernel in the middle of a write. A process that
is killed leaves a prefix of its writes; whether it died before or after an fsync shows in no file. Answers: the process, then how it ended.
"""

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from unittest.mock import patch

from live_days import SPEC, panel, venue
from sqlalchemy.engine.default import DefaultDialect

from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.rest import Rest
from brokers.local_alpaca import AccountRules
from core.clock import ManualClock
from core.errors import CerebrolabError
from engine.live.daily import Daily
from journal import Journal
from journal.database import Database

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
MORTAL = SPEC.replace(symbols=SYMBOLS, params={"seed": 272, "density": 0.6})
BARS = panel(symbols=SYMBOLS)
HELD = {"AAA": (400, 100.0), "BBB": (450, 100.0)}  # more than is wanted, and the cash does not pay for the other two
EVENING = "2024-02-20T19:05-05:00"
FRAME, PAGE = 4120, 4096  # bytes of a page in SQLite's write-ahead log, and in its file
LONGEST_S = 60  # that a run may take
PATIENCE_S = 5.0  # to connect, and for an answer


def held_venue(now: str = EVENING, **options):
    """The local Alpaca with an account that has to sell two symbols before it can buy two others."""
    return venue(BARS, now=now, cash=5_000.0, account=AccountRules(multiplier=1), positions=HELD, **options)


class Death:
    """Where a run ends. `at` is one of:

    ["point", n]: at the n-th point; ["commit", n, bytes]: when its n-th commit has written that much;
    ["file", bytes]: when any file would become longer; ["closing", bytes]: when the closing journal writes beyond that.

    Attributes:
        points: what was reached. commits: bytes each commit wrote. pages: those that the closing journal brings into its file.
    """

    def __init__(self, at: list, journal: Path) -> None:
        self._at, self._log = at, Path(f"{journal}-wal")
        self.points: list[str] = []
        self.commits: list[int] = []
        self.pages: list[int] = []
        if at[:1] == ["file"]:
            _end_beyond(at[1])

    def reach(self, name: str) -> None:
        """Pass a point, or not."""
        self.points.append(name)
        if self._at == ["point", len(self.points)]:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: type, name: str) -> None:
        """A point before every call of a method, and one after."""
        method = getattr(owner, name)

        def mortal(*arguments, **options):
            self.reach(f"before {name}")
            result = method(*arguments, **options)
            self.reach(f"after {name}")
            return result

        setattr(owner, name, mortal)

    def of_orders(self) -> None:
        """Points in the sending of an order: before it, after each piece of the request, within the answer, after it."""
        submit = Rest.submit

        def ordering(*arguments):
            with patch.object(HTTPConnection, "send", self._then(HTTPConnection.send, "sent a piece")), \
                 patch.object(HTTPResponse, "begin", self._then(HTTPResponse.begin, "within the answer")):
                return submit(*arguments)

        Rest.submit = ordering
        self.around(Rest, "submit")

    def _then(self, method, name: str):
        def mortal(*arguments):
            result = method(*arguments)
            self.reach(name)
            return result

        return mortal

    def of_commits(self) -> None:
        """Points around commits, and ends within them."""
        commit = DefaultDialect.do_commit

        def mortal(*arguments):
            self.reach("before commit")
            before = self._log.stat().st_size
            if self._at[:2] == ["commit", len(self.commits)]:
                _end_beyond(before + self._at[2])
            commit(*arguments)
            self.commits.append(self._log.stat().st_size - before)
            self.reach("after commit")

        DefaultDialect.do_commit = mortal

    def of_closing(self) -> None:
        """Points around the closing of the journal, and ends within it."""
        close = Database.close

        def mortal(*arguments):
            log = self._log.read_bytes() if self._log.exists() else b""
            self.pages = sorted({int.from_bytes(log[at : at + 4], "big") for at in range(32, len(log), FRAME)})
            self.reach("before close")
            if self._at[:1] == ["closing"]:
                _end_beyond(self._at[1])
            close(*arguments)
            self.reach("after close")

        Database.close = mortal


def _end_beyond(length: int) -> None:
    """The kernel ends this process when it writes beyond `length` bytes of a file; what fits is written."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, length))


def run(task: dict) -> dict:
    """One daily run; returns what it passed, or how it failed."""
    signal.alarm(LONGEST_S)  # an end that counts as none
    death = Death(task.get("at", []), Path(task["journal"]))
    death.of_orders()
    death.of_commits()
    death.of_closing()
    failed = ""
    try:
        once(task)
    except CerebrolabError as error:
        failed = str(error)
    return {"points": death.points, "commits": death.commits, "pages": death.pages, "failed": failed}


def once(task: dict) -> None:
    """A daily run on a clock that does not wait for real."""
    patience_s = task.get("patience_s", PATIENCE_S)
    rest = Rest(Endpoints(task["key"], task["secret"], base_url=task["url"]), ManualClock(), seed=1, timeout_s=(patience_s, patience_s))
    clock = BrokerClock(rest)
    spec = MORTAL.replace(params=task.get("params", MORTAL.params))
    with Journal(Path(task["journal"]), clock) as journal:
        Daily(spec, rest, clock, journal, bars_of=lambda session: BARS.between(None, session)).once()
    rest.close()


def warm() -> None:
    """A whole run, so that everything is imported, compiled and cached when processes are forked."""
    with tempfile.TemporaryDirectory() as folder, held_venue() as alpaca:
        once({"url": alpaca.url, "key": alpaca.key_id, "secret": alpaca.secret_key, "journal": f"{folder}/journal.db"})
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve until there are no more lines."""
    warm()
    for line in sys.stdin:
        process = os.fork()
        if not process:
            code = 1
            try:
                print(json.dumps(run(json.loads(line))), flush=True)
                code = 0
            except Exception:  # noqa: BLE001  (told, then the process ends)
                traceback.print_exc()
            finally:
                os._exit(code)
        print(json.dumps({"process": process}), flush=True)
        _, status = os.waitpid(process, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(status), "code": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
