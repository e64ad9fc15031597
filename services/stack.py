"""`Stack`: several services as processes of their own, begun one after the other, ended together. May import core.

A part that ends by itself ends the others. Where the process of the stack is killed, its parts are told to end by the system (Linux).
"""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, NamedTuple, Self

from core.errors import CerebrolabError

BEGIN_S, END_S = 60.0, 15.0  # seconds a part may take to begin, and to end before it is killed
LOOK_S = 0.2  # between looks whether somebody does not want to wait
_TIED = """
import ctypes, os, sys
tie = getattr(ctypes.CDLL(None), "prctl", None)
if tie is not None:
    tie(1, 15)
if os.getppid() != int(sys.argv[1]):
    sys.exit(0)
sys.argv[:2] = ["cerebrolab"]
from scripts.cli import main
main()
"""


class Part(NamedTuple):
    """One service: the arguments of its command, and how many lines it prints until it answers (0 = it is not waited for)."""

    name: str
    arguments: Sequence[str]
    lines: int = 1


class Ended(CerebrolabError):
    """A part has ended by itself."""


class _Said(NamedTuple):
    name: str
    text: str | None  # None = its output is over
    problem: bool = False


class Stack:
    """The parts; a context manager, at whose end all are ended.

    Args:
        environment: of every part, or by the name of one. tell: called with (name, line, whether it is about a problem).
    """

    def __init__(self, environment: Mapping[str, Mapping[str, str]], tell: Callable[[str, str, bool], None]) -> None:
        self._environment, self._tell = environment, tell
        self._said: queue.SimpleQueue[_Said | None] = queue.SimpleQueue()
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []
        self._stopping = self._hurry = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._running):
            self._end(self._running[name])
        for reader in self._readers:
            reader.join(END_S)
        while not self._said.empty():
            self._pass_on(self._said.get())

    def stop(self) -> None:
        """Have `begin` and `watch` return; from another thread. Said twice: what has not ended yet is killed."""
        self._hurry, self._stopping = self._stopping, True
        self._said.put(None)

    def begin(self, part: Part) -> bool:
        """Begin a part and wait until it answers; False where the stack is being stopped.

        Raises:
            Ended: this part, or another, has ended instead.
        """
        command = [sys.executable, "-P", "-c", _TIED, str(os.getpid()), *part.arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
            env={**os.environ, **self._environment.get(part.name, {})}, start_new_session=True)
        self._running[part.name] = process
        for stream, problem in ((process.stdout, False), (process.stderr, True)):
            self._readers.append(threading.Thread(target=self._read, args=(part.name, stream, problem), daemon=True))
            self._readers[-1].start()
        lines = part.lines
        while lines and not self._stopping:
            try:
                said = self._said.get(timeout=BEGIN_S)
            except queue.Empty:
                raise Ended(f"{part.name} does not answer after {BEGIN_S:g} seconds: look into its log") from None
            self._pass_on(said)
            lines -= said is not None and said.name == part.name and not said.problem
        return not self._stopping

    def watch(self) -> None:
        """Pass on what the parts say until `stop`.

        Raises:
            Ended: a part has ended by itself.
        """
        while not self._stopping:
            self._pass_on(self._said.get())

    def _pass_on(self, said: _Said | None) -> None:
        if said is None:
            return
        if said.text is not None:
            self._tell(said.name, said.text, said.problem)
        elif not said.problem and not self._stopping:
            code = self._running[said.name].wait()
            self._stopping = True
            raise Ended(f"{said.name} has ended with exit code {code}: the others are ended too")

    def _read(self, name: str, stream: IO[str], problem: bool) -> None:
        with stream:
            for line in stream:
                self._said.put(_Said(name, line.rstrip("\n"), problem))
        self._said.put(_Said(name, None, problem))

    def _end(self, process: "subprocess.Popen[str]") -> None:
        process.terminate()
        waited = 0.0
        while waited < END_S and not self._hurry:
            try:
                process.wait(LOOK_S)
                return
            except subprocess.TimeoutExpired:
                waited += LOOK_S
        process.kill()
        process.wait()
