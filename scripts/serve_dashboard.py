"""`cerebrolab serve dashboard`: pages over the REST API in a browser. Streamlit is imported when it is served."""

import os
from pathlib import Path
from typing import Annotated

import typer

from scripts.listening import address, bound, run
from scripts.serve import ADDRESS, api_address, require

STOP_S = 3  # to end what is being answered


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    api: Annotated[str | None, typer.Option(
        metavar="URL", help=f"The REST API; the default is CEREBROLAB_JOURNAL where that is one, else {ADDRESS}.")] = None,
    token_file: Annotated[Path | None, typer.Option(
        metavar="FILE", help="File with the token that the API asks for, and this dashboard, where other machines reach it.")] = None,
) -> None:
    """Show accounts, signals, backtests, sweeps, data and subscriptions in a browser; all of it comes from the REST API."""
    require("streamlit", "dashboard")
    require("plotly", "dashboard")

    from core.api_address import read_api_address
    from core.settings import load_settings
    from services.access import check_host, is_loopback, token_of
    from services.dashboard import access

    settings = load_settings()
    url, stated = read_api_address(api or api_address(settings))
    token = token_of(settings, token_file) or stated or None
    check_host(host, token)
    os.environ |= {access.API: url, access.TOKEN: token or "", access.ASKS: "" if is_loopback(host) else "1"}
    answer(host, port)


def answer(host: str, port: int) -> None:
    """Serve the dashboard of the API that the environment names (`services.dashboard.access`), until somebody ends it.

    Raises:
        UsageError: the address cannot be listened on.
    """
    from services.access import LOOPBACK_HOSTS, is_loopback

    with bound(host, port) as listening:
        import plotly.graph_objects  # noqa: F401  (takes a second, for which the first visitor need not wait)

        from services.dashboard.web import create_app

        run(create_app(host, port, LOOPBACK_HOSTS if is_loopback(host) else ()), listening, address(host, port), STOP_S)
