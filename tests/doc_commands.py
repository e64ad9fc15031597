"""`cerebrolab` and `python` for the pages of docs/: one process that has imported everything, and forks itself for each command.

Starting an interpreter and importing costs 2 s of a core each time, forking a hundredth of it. What runs is the real command line. The only
thing that is not real is Yahoo, whose answers are those of `yahoo_server`.
"""

import contextlib
import os
import runpy
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT = """#!{python} -IS
import os, signal, sys
from socket import AF_UNIX, send_fds, socket

def forward(number, _):
    os.kill(pid, number)

server = socket(AF_UNIX)
server.connect({address!r})
texts = ["{program}", os.getcwd(), *sys.argv[1:]]
environment = [f"{{name}}={{value}}" for name, value in os.environ.items()]
asked = "\\0".join([str(len(texts)), *texts, *environment]).encode()
send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
server.sendall(asked)
pid = int.from_bytes(server.recv(4), "big")
signal.signal(signal.SIGTERM, forward)
signal.signal(signal.SIGINT, forward)
code = server.recv(4)
sys.exit(int.from_bytes(code, "big") if code else 137)
"""


@contextmanager
def commands() -> Iterator[Path]:
    """A folder with both programs, to be put first in PATH."""
    with tempfile.TemporaryDirectory(prefix="cerebrolab-docs-") as name:
        folder = Path(name)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"{folder}/socket")
            listening.listen(16)
            for program in ("cerebrolab", "python"):
                (folder / program).write_text(CLIENT.format(python=sys.executable, address=f"{folder}/socket", program=program))
                (folder / program).chmod(0o755)
            server = os.posix_spawn(sys.executable, [sys.executable, "-W", "ignore", __file__, str(listening.fileno())],
                                    {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                                    file_actions=[(os.POSIX_SPAWN_DUP2, listening.fileno(), listening.fileno())])
        try:
            yield folder
        finally:
            os.kill(server, signal.SIGTERM)
            os.waitpid(server, 0)


def _serve(listening: socket.socket) -> None:
    """Fork once for every connection; the child never returns. Ends when whoever has started it has."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    listening.settimeout(5.0)
    parent = os.getppid()
    while os.getppid() == parent:
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            code = 1
            try:
                code = _answer(connection)
            finally:
                with contextlib.suppress(OSError):
                    sys.stdout.flush()
                    connection.sendall(code.to_bytes(4, "big"))
                os._exit(code)
        connection.close()


def _answer(connection: socket.socket) -> int:
    length, fds, _, _ = socket.recv_fds(connection, 4, 3)
    asked = b""
    while len(asked) < int.from_bytes(length, "big"):
        asked += connection.recv(1 << 16)
    count, program, folder, *texts = asked.decode().split("\0")
    arguments, environment = texts[:int(count) - 2], texts[int(count) - 2:]
    for at, fd in enumerate(fds):
        os.dup2(fd, at)
        os.close(fd)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(each.split("=", 1) for each in environment)
    os.setpgid(0, 0)
    connection.sendall(os.getpid().to_bytes(4, "big"))
    return _cerebrolab(arguments) if program == "cerebrolab" else _python(arguments)


def _cerebrolab(arguments: list[str]) -> int:
    from scripts import cli

    sys.argv = ["cerebrolab", *arguments]
    return cli.run(arguments)


def _python(arguments: list[str]) -> int:
    import traceback

    sys.argv, sys.path[0] = arguments, os.getcwd()
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001  (as the interpreter does)
        traceback.print_exc()
        return 1
    return 0


def _prepare() -> None:
    """Import what commands import, and put the made-up Yahoo in the real one's place."""
    import importlib

    for name in ("checks", "engine", "feeds.load", "journal", "optimize", "reports", "scripts.cli", "sizers", "strategies", "yfinance", "matplotlib.pyplot",
                 "services.api.app", "services.rpc.server", "uvicorn", "engine.live.daily", "brokers.alpaca"):
        importlib.import_module(name)
    from doc_bars import yahoo

    from feeds.yahoo import YahooSource

    made, session = YahooSource.__init__, yahoo()
    YahooSource.__init__ = lambda self, calendar="XNYS", **options: made(self, calendar, **{"session": session, **options})


if __name__ == "__main__":
    _prepare()
    _serve(socket.socket(fileno=int(sys.argv[1])))
