"""A service that dies at any point between queueing and leaving the queue, and begins again: every execution arrives once."""

import os
import signal
import threading
from contextlib import contextmanager
from unittest.mock import patch

from alpaca_rest import rest_of

from core.clock import SystemClock
from core.settings import variable_names
from journal.remote import ApiAccountLog, ApiJournal
from scripts import cli
from services.stream.delivery import Delivery
from services.stream.executions import listed
from services.stream.queue_file import QueueFile


class Killed(BaseException):
    """The process is gone."""


class Points:
    """What a delivery passes; it ends at the n-th."""

    def __init__(self, dies_at):
        self.passed, self._dies_at = [], dies_at

    def reach(self, name):
        self.passed.append(name)
        if len(self.passed) == self._dies_at:
            raise Killed(name)

    def _around(self, owner, name):
        method = getattr(owner, name)

        def mortal(*arguments, **options):
            self.reach(f"before {name}")
            result = method(*arguments, **options)
            self.reach(f"after {name}")
            return result

        return patch.object(owner, name, mortal)

    @contextmanager
    def watched(self):
        with self._around(ApiAccountLog, "execute"), self._around(QueueFile, "done"):
            yield


def life(world, dies_at=0):
    """A process that reads what was executed and delivers it; what it passed, and whether it lived to the end."""
    points, journal, rest = Points(dies_at), ApiJournal(world.url, deadline_s=0), rest_of(world.alpaca)
    with QueueFile(world.queue) as queue, points.watched():
        delivery = Delivery(queue, journal, rest, SystemClock(), threading.Event(), world.told.append, world.warned.append)
        try:
            queue.put(listed(rest, world.alpaca.account_id, queue.listed_ns(world.alpaca.account_id), {}))
            while (waiting := queue.first()) is not None:
                delivery.deliver(waiting)
        except Killed:
            return points.passed, False
        finally:
            journal.close()
            rest.close()
    return points.passed, True


def test_deaths_at_every_point(world):
    with world.api():
        for dies_at in range(1, 10):
            order = world.order(f"order {dies_at}", qty=2)
            for _ in range(2):
                world.alpaca.fill(order.id, 1, 100.0)
            passed, survived = life(world, dies_at)
            assert survived is (dies_at == 9) and len(passed) == min(dies_at, 8)
            _, survived = life(world)
            assert survived
            world.judge()
    assert not world.warned


def test_a_killed_process_and_one_that_is_asked_to_end(world, monkeypatch, capsys):
    with world.process() as process:
        world.alpaca.wait_connected("trade")
        world.traded("heard")
        world.waiting(1)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    world.traded("unheard")
    monkeypatch.chdir(world.folder)
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    for name, value in world.keys.items():
        monkeypatch.setenv(name, value)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    def end():
        try:
            world.delivered()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with world.api():
        ending = threading.Thread(target=end)
        ending.start()
        assert cli.run(world.command) == 0
        ending.join()
    world.alpaca.wait_connected("trade", 0)
    with world.api():
        world.judge()
    shown = capsys.readouterr()
    assert [text for text in shown.out.splitlines() if "buy" in text] == ["buy 10 AAA at 100"] * 2 and not shown.err
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
