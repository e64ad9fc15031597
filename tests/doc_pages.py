"""Pages of docs/ as blocks of code: what is in them, running them in order in a folder, comparing what they print.

A block with a title is a file of that name. A `bash` or `python` block runs, and must end with exit code 0 unless the comment
`<!-- exit code N -->` stands above it. With `<!-- background -->` above it a block is started and goes on until the page ends; the next one
begins when it has printed its first line, or what the `text` block after it says. With `<!-- at TIME -->` above it a block waits until the
venue's time is that. A `text` block is what the block before it prints, line by line and in that order: spaces count once, `…` stands for
anything. With `<!-- ctrl-c -->` above it, what was started last is ended first; all that is started must leave exit code 0. Documented ports
are replaced by free ones.
"""

import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ports import free_port

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
RUN = ("bash", "python")
PATIENCE_S = 120
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_MARKS = re.compile(r"(?:<!-- (?:background|ctrl-c|exit code \d+|at \S+) -->\n)+\Z")
_NEEDS = re.compile(r"\A---\nneeds: (.*)\n---\n")
_PORT = re.compile(r"(?<=:|\s)(8000|8501|8786|5005[1-4])\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, title, text, line in the page, exit code, whether it is left running, when it takes place,
    and whether what runs is ended before it."""

    language: str
    title: str
    text: str
    line: int
    code: int = 0
    background: bool = False
    at: str = ""
    ends: bool = False


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text, found = (DOCS / page).read_text(), []
    for match in _FENCE.finditer(text):
        marks = _MARKS.search(text[:match.start()])
        said = dict(re.findall(r"<!-- (background|ctrl-c|exit code|at) ?(\S*) -->", marks[0])) if marks else {}
        body = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(match["language"], match["title"] or "", body, text[:match.start()].count("\n") + 1,
                           int(said.get("exit code", 0)), "background" in said, said.get("at", ""), "ctrl-c" in said))
    return found


def needs(page: str) -> list[str]:
    """The servers that a page says it needs, in its first lines: `needs: alpaca, postgres`."""
    found = _NEEDS.match((DOCS / page).read_text())
    return found[1].split(", ") if found else []


def differences(expected: str, printed: str) -> list[str]:
    """The lines of a text block that the output does not have, in this order."""
    lines, missing = iter([_once(line) for line in printed.splitlines()]), []
    for wanted in filter(None, map(_once, expected.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))))
        if not any(pattern.fullmatch(line) for line in lines):
            missing.append(wanted)
            break  # all lines of the output are used up
    return missing


def _once(line: str) -> str:
    return " ".join(line.split())


@dataclass
class Page:
    """A page that is being played, in a folder of its own.

    Args:
        environment: of its commands. replaced: texts that stand for something else here, such as addresses. go_on: lets time pass until a moment.

    Attributes:
        ended: exit codes of what was left running, by command.
    """

    folder: Path
    environment: Mapping[str, str]
    replaced: Mapping[str, str] = field(default_factory=dict)
    go_on: Callable[[str], object] = str
    ended: dict[str, int] = field(default_factory=dict)
    _running: list["Running"] = field(default_factory=list)
    _ports: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End what still runs, the last one first."""
        while self._running:
            running = self._running.pop()
            self.ended[running.command] = running.end()

    def play(self, page: str) -> Iterator[tuple[Block, str, list[str]]]:
        """Each block with what it printed and what is wrong with that."""
        printed, waits = "", False
        for block in blocks(page):
            text = self._here(block.text)
            if block.at:
                self.go_on(block.at)
            if block.title:
                (self.folder / block.title).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / block.title).write_text(text)
                yield block, "", []
            elif block.language in RUN:
                code, printed = (0, self._start(text)) if block.background else self._run(block.language, text)
                yield block, printed, [f"exit code {code}"] if code != block.code else []
                waits = block.background
            elif block.language == "text":
                if block.ends:
                    self.ended[self._running[-1].command] = self._running[-1].end()
                    waits, printed = False, self._running.pop().printed
                missing = self._running[-1].wait_for(text) if waits else differences(text, printed)
                yield block, self._running[-1].printed if waits else printed, missing

    def _here(self, text: str) -> str:
        for told, meant in self.replaced.items():
            text = text.replace(told, meant)
        return _PORT.sub(lambda found: str(self._port(found[0])), text)

    def _port(self, number: str) -> int:
        """A free port in place of a documented one, the same for the whole page."""
        if number not in self._ports:
            self._ports[number] = free_port()
        return self._ports[number]

    def _run(self, language: str, text: str) -> tuple[int, str]:
        if language == "python":
            (self.folder / "block.py").write_text(text)
            text = "python block.py"
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", text], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
        return done.returncode, done.stdout

    def _start(self, text: str) -> str:
        """Start a command, a service on free ports, and wait for the first line it prints."""
        words = shlex.split(text, comments=True)
        service = words[2] if words[:2] == ["cerebrolab", "serve"] else ""
        process = subprocess.Popen([*words, *self._ports_of(service)], cwd=self.folder, env=self.environment, start_new_session=True, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._running.append(Running(process))
        self._running[-1].wait_for("…")
        return self._running[-1].printed

    def _ports_of(self, service: str) -> list[str]:
        if service == "grpc":
            names = {"data": "50051", "strategy": "50052", "state": "50053", "portfolio": "50054"}
            return [f"--port={name}={self._port(number)}" for name, number in names.items()]
        if service == "stream":
            return [f"--api=http://127.0.0.1:{self._port('8000')}"]
        number = {"api": "8000", "dashboard": "8501"}.get(service)
        return [f"--port={self._port(number)}"] if number else []


class Running:
    """A process that goes on while later blocks run, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.command, self.printed = " ".join(process.args), ""
        self._process = process
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            with self._news:
                self.printed += line
                self._news.notify()
        with self._news:
            self.printed += "(ended)\n"
            self._news.notify()

    def wait_for(self, expected: str) -> list[str]:
        """Wait until everything expected has been printed; what has not when it ended, or patience did."""
        with self._news:
            self._news.wait_for(lambda: not differences(expected, self.printed) or self.printed.endswith("(ended)\n"), PATIENCE_S)
            return differences(expected, self.printed)

    def end(self) -> int:
        """Tell it to end as Ctrl-C does, unless it has ended; its exit code."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        code = self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self._process.stdout.close()
        return code
