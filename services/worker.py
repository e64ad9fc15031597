"""The process of one job: it plays a task, tells how far it is, and asks the process that holds the journal to record.

What goes through the pipe: ("progress", part, text), ("call", of, name, args, keywords) answered with ("value", value) or
("error", error), and at the end ("done", outcome), ("failed", kind, text) or ("crashed", text, traceback).
"""

import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.errors import CerebrolabError
from core.settings import Settings
from services.tasks import Task

LEDGER = ("begin", "append", "insert", "finish", "sweep", "sweeps", "trials", "count", "record_verdict")
JOURNAL = ("record_run", "run")
LEAST_STEP = 0.01  # of progress that is told


def main(pipe: Connection, settings: Settings, directory: Path, task: Task) -> None:
    """Play a task; the group of processes it begins ends when nobody listens any more."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    line = Line(pipe)
    try:
        line.send("done", task.play(settings, RemoteJournal(line), directory, Progress(line)))
    except CerebrolabError as error:
        line.send("failed", type(error).__name__, str(error))
    except Exception as error:  # noqa: BLE001  (whatever it is, the job has failed and says so)
        from engine.resolve import raised_in_file

        told = raised_in_file(error)
        line.send("failed", "UsageError", told) if told else line.send("crashed", type(error).__name__, traceback.format_exc())


class Line:
    """This end of the pipe. A thread listens, so that the end of the other process is the end of this one."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()
        self._answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True, name="job line").start()

    def send(self, *message: Any) -> None:
        """Tell something."""
        with self._lock:
            self._pipe.send(message)

    def call(self, of: str, name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have something done there, and wait for what comes of it.

        Raises:
            CerebrolabError: as it was raised there.
        """
        self.send("call", of, name, args, keywords)
        kind, value = self._answers.get()
        if kind == "error":
            raise value
        return value

    def _listen(self) -> None:
        while True:
            try:
                self._answers.put(self._pipe.recv())
            except (EOFError, OSError):
                os.killpg(0, signal.SIGKILL)


class Progress:
    """Tells how far a task is, in steps that can be seen."""

    def __init__(self, line: Line) -> None:
        self._line, self._told, self._text = line, -1.0, ""

    def __call__(self, part: float, text: str) -> None:
        if part - self._told >= LEAST_STEP or text != self._text:
            self._line.send("progress", part, text)
            self._told, self._text = part, text


class Remote:
    """Methods of a part of the journal, carried out in the process that holds it."""

    def __init__(self, line: Line, of: str, names: tuple[str, ...]) -> None:
        self._line, self._of, self._names = line, of, names

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._names:
            raise AttributeError(name)
        return lambda *args, **keywords: self._line.call(self._of, name, args, keywords)


class RemoteJournal(Remote):
    """What tasks need of `journal.Journal`."""

    def __init__(self, line: Line) -> None:
        super().__init__(line, "journal", JOURNAL)
        self.ledger = Remote(line, "ledger", LEDGER)
