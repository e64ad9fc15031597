"""`cerebrolab serve api`: the REST API, with its description at /docs. FastAPI and uvicorn are imported when it is served."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from scripts.listening import address, bound, run
from scripts.serve import require

STOP_S = 10  # to end requests that are being answered
OTHERS_A_MINUTE = 600  # requests of one client, where the service can be reached from other machines


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with the token that every request has to name.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Backtests and sweeps at a time, each in a process of its own.")] = 1,
    rate_limit: Annotated[int | None, typer.Option(
        min=0, help="Requests a minute of one client; 0 = any number. Of this machine's own as many as they like, of others 600.")] = None,
    body_limit: Annotated[int, typer.Option(min=1_000, help="Bytes of the largest request.")] = 1_000_000,
    files: Annotated[bool, typer.Option(
        "--files", help="Take names of files too: strategies as file.py:Class, csv:DIR. Whoever may call it runs code here.")] = False,
) -> None:
    """Serve data, strategies, signals, risk, jobs and the journal by REST; see /docs. It alone opens the database meanwhile."""
    require("fastapi")
    require("uvicorn")

    from core.logs import LogFile, SecretFilter
    from core.settings import load_settings
    from services.access import LOOPBACK_HOSTS, check_host, is_loopback, token_of

    settings = load_settings()
    token = token_of(settings, token_file)
    check_host(host, token)

    from services.api.app import create_app

    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile) and token:
            handler.addFilter(SecretFilter([token]))
    hosts = LOOPBACK_HOSTS if token is None and is_loopback(host) else ()
    rate = rate_limit if rate_limit is not None else 0 if is_loopback(host) else OTHERS_A_MINUTE
    app = create_app(settings, token, workers=workers, rate=rate, body_limit=body_limit, files=files, hosts=hosts)
    with bound(host, port) as listening:
        run(app, listening, f"{address(host, port)}/docs", STOP_S)
    if app.state.problem is not None:
        raise app.state.problem
