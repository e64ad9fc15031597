"""`cerebrolab serve all` as a process on free ports: what it prints, where its services answer, and how it ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from core.settings import variable_names

FREE = [each for name in ("api", "dashboard", "data", "strategy", "state", "portfolio") for each in ("--port", f"{name}=0")]
ALL = (sys.executable, "-c", "from scripts.cli import main; main()", "serve", "all")
ANSWERS = "all of it answers"


class ServedStack:
    """The process; `places` name -> address, once it answers."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.lines = process, []
        self.places: dict[str, str] = {}

    def wait(self) -> None:
        """Until all of it answers.

        Raises:
            AssertionError: it has ended instead.
        """
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = re.match(r"(api|dashboard): (http://127\.0\.0\.1:\d+)|grpc: (\w+) (127\.0\.0\.1:\d+)", self.lines[-1])
            if found:
                self.places[found[1] or found[3]] = found[2] or found[4]
            if self.lines[-1].startswith(ANSWERS):
                return
        raise AssertionError((self.lines, self.process.communicate()[1]))

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, and what it still said."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        out, problems = self.process.communicate(timeout=60)
        return self.process.returncode, out, problems


def settings_of(folder, **more: str) -> dict[str, str]:
    """The environment of a process that keeps all it writes in a folder."""
    plain = {name: value for name, value in os.environ.items() if name not in variable_names()}
    return {**plain, "CEREBROLAB_HOME": str(folder / "home"), "CEREBROLAB_RUNS_DIR": str(folder / "runs"), "CEREBROLAB_LOGS_DIR": str(folder / "logs"), **more}


@contextmanager
def stack(environment: Mapping[str, str], folder, *options: str, command: Sequence[str] = (*ALL, *FREE)) -> Iterator[ServedStack]:
    """The services in a folder, on free ports, once they answer."""
    process = subprocess.Popen([*command, *options], cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    served = ServedStack(process)
    try:
        served.wait()
        yield served
    finally:
        served.end()
