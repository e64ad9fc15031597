"""Daily runs in processes of their own, forked from one that is warm (`mortal_days`), and what became of orders in the end."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

from journal import Journal
from journal.blotter import DONE

ROOT = Path(__file__).parents[1]


class Runs:
    """Starts daily runs that die; `close` it."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        self._warm = subprocess.Popen([sys.executable, "-W", "ignore", str(ROOT / "tests" / "mortal_days.py")], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})

    def start(self, alpaca, journal, at=(), **more):
        """Returns the process, and a function that waits for its end and returns what the run tells, None if it was killed."""
        self._warm.stdin.write(json.dumps({"url": alpaca.url, "key": alpaca.key_id, "secret": alpaca.secret_key, "journal": str(journal),
                                           "at": list(at), **more}) + "\n")
        self._warm.stdin.flush()
        said = {}
        while "process" not in said:
            said |= self._answer()

        def ended():
            while "code" not in said:
                said.update(self._answer())
            assert said["code"] in (0, -signal.SIGKILL, -signal.SIGXFSZ)
            return None if said["killed"] else said

        return said["process"], ended

    def once(self, alpaca, journal, at=(), **more):
        """As `start`, to its end."""
        return self.start(alpaca, journal, at, **more)[1]()

    def _answer(self):
        return json.loads(self._warm.stdout.readline())

    def close(self):
        """End the warm process."""
        self._warm.stdin.close()
        self._warm.wait(60)
        self._warm.stdout.close()


class Killer:
    """The venue kills a run when its `nth` order arrives, `when` "before" or "after" it is taken.

    With `until`, the order of the dead stays on its way until `until(request, its request)` says of a later request, once that is
    decided, that it arrives now; or until `end`.
    """

    def __init__(self, alpaca, when="before", nth=1, until=None):
        self._alpaca, self._when, self._nth, self._until = alpaca, when, nth, until
        self._process, self._victim = Future(), None
        self._go_on, self._arrived = threading.Event(), threading.Event()
        alpaca.on_request(self._watch)

    def once(self, runs, path, **more):
        """As `Runs.once`; nobody else is killed."""
        process, ended = runs.start(self._alpaca, path, **more)
        self._process.set_result(process)
        told = ended()
        self._nth = 0
        return told

    def end(self):
        """Nothing is on its way any more."""
        self._deliver()
        self._alpaca.rest.hooks.remove(self._watch)

    def _watch(self, stage, request):
        if self._victim is None:
            if stage == self._when and request.method == "POST":
                self._nth -= 1
                if not self._nth:
                    self._kill(request)
        elif request is self._victim:
            self._arrived.set()
        elif self._until and stage == "after" and not self._go_on.is_set() and self._until(request, self._victim):
            self._deliver()

    def _kill(self, request):
        self._victim = request
        os.kill(self._process.result(5), signal.SIGKILL)
        if self._until:
            assert self._go_on.wait(30)

    def _deliver(self):
        self._go_on.set()
        if self._until and self._victim is not None:
            assert self._arrived.wait(30)


def blank_journal(path):
    """A journal with all its tables and nothing in them: a file to copy."""
    with Journal(path) as journal:
        journal.blotter.decisions("")


def outcome(alpaca, path):
    """What two lives that are worth the same have in common: the venue's books, and ours."""
    ledger = alpaca.ledger
    with Journal(path) as journal:
        decisions = journal.blotter.decisions(alpaca.account_id)
        orders = [order for each in decisions for order in journal.blotter.orders(each.id)]
        recorded = [each for account, run in journal.account_log.runs() for each in journal.account_log.executions(account, run)]
    return {
        "orders": sorted((each.client_order_id, each.symbol, each.side, each.qty, each.status) for each in ledger.orders),
        "executions": sorted((each.client_order_id, each.symbol, each.signed, each.price) for each in ledger.executions),
        "recorded": sorted((each.client_order_id, each.symbol, each.signed, each.price) for each in recorded),
        "positions": ledger.positions,
        "cash": ledger.cash,
        "decisions": [(each.session, each.run_key, each.targets) for each in decisions],
        "journal": sorted((each.client_order_id, each.symbol, each.side, each.qty, each.filled, each.price, each.state,
                           each.status if each.state == DONE else "") for each in orders),
    }


