"""`cerebrolab serve grpc`: data, strategies, portfolio and its state by gRPC. grpc is imported when it is served."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UsageError
from scripts import output
from scripts.ending import heard
from scripts.serve import require
from scripts.spec_options import build_spec

if TYPE_CHECKING:
    from services.rpc.server import Servers

STOP_S = 10.0  # to end calls that are being answered
NAMES = "data, strategy, state, portfolio"


def serve(
    run: Annotated[Path | None, typer.Argument(
        metavar="[RUN.toml]", help="The spec of calls that name no strategy or symbols; the default is momentum on the packaged sample.")] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help=f"One of {NAMES}; repeatable, or with commas. The default is all.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = "127.0.0.1",
    port: Annotated[list[str] | None, typer.Option(
        metavar="NAME=PORT", help="Another port than 50051 (data), 50052 (strategy), 50053 (state), 50054 (portfolio); repeatable.")] = None,
    source: Annotated[str | None, typer.Option(help="Source of bars, in place of the spec's: sample, csv:DIR, yahoo, alpaca, synthetic.")] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with the token that every call has to name.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Calls answered at a time.")] = 16,
) -> None:
    """Serve data, strategies, portfolio and its state by gRPC, with reflection; see the files in services/rpc/protos."""
    require("grpc")

    from core.settings import load_settings
    from services.access import check_host, token_of

    settings = load_settings()
    token = token_of(settings, token_file)
    check_host(host, token)
    spec = build_spec(run, (), {}) if run is not None else None

    from journal.places import opened
    from services.rpc.server import PORTS, Servers, Serving

    names = [name for text in only or () for name in text.split(",") if name]
    ports = {**PORTS, **dict(map(_port, port or ()))}
    with opened(settings.journal) as journal:
        _run(Servers(settings, journal, Serving(spec, source, names, host, ports, token, threads)), host)


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in NAMES.split(", ") or not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise UsageError(f"--port {text!r:.40} is not understood: write NAME=PORT, such as data=50051, with one of {NAMES}")
    return name, int(number)


def _run(servers: "Servers", host: str) -> None:
    """Answer until SIGINT or SIGTERM."""
    stopped = threading.Event()
    try:
        with heard(stopped.set):
            for name, number in servers.ports.items():
                output.line(f"{name} {f'[{host}]' if ':' in host else host}:{number}")
            stopped.wait()
    finally:
        servers.stop(STOP_S)
