"""`cerebrolab serve all`: the REST API, gRPC, the trade-update stream and the dashboard together, with one end."""

import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from core.errors import UsageError
from scripts import output
from scripts.ending import heard
from scripts.serve import require

if TYPE_CHECKING:
    from core.settings import Settings
    from services.stack import Part

HOST = "127.0.0.1"
PORTS = {"api": 8000, "dashboard": 8501, "data": 50051, "strategy": 50052, "state": 50053, "portfolio": 50054}
RPC = ("data", "strategy", "state", "portfolio")


def serve(
    port: Annotated[list[str] | None, typer.Option(
        metavar="NAME=PORT", help=f"Another port than {', '.join(f'{number} ({name})' for name, number in PORTS.items())}; 0 = a free one; repeatable.")] = None,
    files: Annotated[bool, typer.Option(
        "--files", help="Take names of files too: strategies as file.py:Class, csv:DIR. Whoever may call it runs code here.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Backtests and sweeps at a time, each in a process of its own.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with empty data: what there is is moved aside, after a question.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Serve everything on this machine: the REST API, gRPC, the dashboard, and the stream where Alpaca keys are set. Ctrl-C ends all of it.

    Only the API opens the journal; the others ask it. What ends by itself ends the others, with exit code 1.
    """
    for module, extra in (("fastapi", "services"), ("uvicorn", "services"), ("grpc", "services"), ("streamlit", "dashboard"), ("plotly", "dashboard")):
        require(module, extra)

    from core.settings import load_settings
    from services.stack import Ended, Stack

    settings = load_settings()
    if isinstance(settings.journal, str) and settings.journal.startswith(("http://", "https://")):
        raise UsageError("CEREBROLAB_JOURNAL is the address of an API, and here one would be started: name a file or a database, or nothing")
    ports = _ports(port or ())
    if fresh:
        _begin_fresh(settings, yes)
    address = f"http://{HOST}:{ports['api']}"
    stack = Stack(_environment(settings, address), _tell)
    with heard(stack.stop), stack:
        try:
            if all(stack.begin(part) for part in _parts(settings, ports, address, files, workers)):
                output.line("all of it answers; Ctrl-C ends it")
                stack.watch()
        except Ended as error:
            output.fail(str(error))
            raise typer.Exit(1) from None


def _parts(settings: "Settings", ports: dict[str, int], address: str, files: bool, workers: int) -> list["Part"]:
    from services.stack import Part

    rpc = [each for name in RPC for each in ("--port", f"{name}={ports[name]}")]
    parts = [Part("api", ("serve", "api", "--port", str(ports["api"]), "--workers", str(workers), *(["--files"] if files else []))),
             Part("grpc", ("serve", "grpc", *rpc), len(RPC)),
             Part("dashboard", ("serve", "dashboard", "--port", str(ports["dashboard"]), "--api", address))]
    if all(settings.alpaca_keys):
        parts.append(Part("stream", ("serve", "stream", "--api", address), 0))
    else:
        output.line("stream: not started, as no Alpaca keys are set (ALPACA_API_KEY, ALPACA_SECRET_KEY)")
    return parts


def _environment(settings: "Settings", address: str) -> dict[str, dict[str, str]]:
    """The API has the journal, and links of mails lead to it; the others ask it."""
    token = settings.api_token.get_secret_value().strip() if settings.api_token else ""
    asked = {"CEREBROLAB_JOURNAL": address.replace("http://", f"http://token:{quote(token, safe='')}@") if token else address}
    return {"api": {} if "site" in settings.model_fields_set else {"CEREBROLAB_SITE": address}, "grpc": asked, "dashboard": asked, "stream": asked}


def _tell(name: str, line: str, problem: bool) -> None:
    (output.aside if problem else output.line)(f"{name}: {line}")


def _ports(texts: Sequence[str]) -> dict[str, int]:
    """Where each service listens, free ports found."""
    ports = dict(PORTS)
    for text in texts:
        name, _, number = text.partition("=")
        if name not in PORTS or not (number.isascii() and number.isdigit() and int(number) < 65536):
            raise UsageError(f"--port {text!r:.40} is not understood: write NAME=PORT, such as api=8000, with one of {', '.join(PORTS)}")
        ports[name] = int(number)
    named = [number for number in ports.values() if number]
    if len(set(named)) < len(named):
        raise UsageError("--port gives two services the same port: name different ones")
    return {name: _free(name, number) for name, number in ports.items()}


def _free(name: str, number: int) -> int:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, number))
        except OSError as error:
            raise UsageError(f"{name} cannot listen on {HOST}:{number}: {error.strerror or error}; name another with --port {name}=PORT") from None
        return int(tried.getsockname()[1])


def _begin_fresh(settings: "Settings", yes: bool) -> None:
    from services.fresh import folders, set_aside

    those = folders(settings)
    if not those:
        return
    names = " and ".join(map(str, those))
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{names} would be moved aside, and nobody can be asked: add --yes")
        if not typer.confirm(f"Move {names} aside, and begin with nothing?"):
            output.line("nothing was moved")
            raise typer.Exit(0)
    for place in set_aside(those, settings.home.resolve()):
        output.line(f"what there was is in {place}")
