"""`cerebrolab serve stream`: the executions of an Alpaca account, posted through the REST API."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts import output
from scripts.ending import heard
from scripts.serve import ADDRESS, api_address

if TYPE_CHECKING:
    from services.stream.service import StreamService



def serve(
    api: Annotated[str | None, typer.Option(
        metavar="URL", help=f"The REST API; the default is CEREBROLAB_JOURNAL where that is one, else {ADDRESS}.")] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with the token that the API asks for.")] = None,
    queue: Annotated[Path | None, typer.Option(
        metavar="FILE", help="Where executions wait for the API; the default is stream.db in CEREBROLAB_HOME.")] = None,
    paper: Annotated[bool, typer.Option("--paper/--live", help="Whose account: Alpaca's paper account, or the one with real money.")] = True,
) -> None:
    """Listen to Alpaca's trade updates and post every execution through the API, once; outages of either are waited for."""
    from brokers.alpaca.endpoints import Endpoints
    from core.settings import load_settings
    from journal.remote import ApiJournal
    from services.access import token_of
    from services.stream.queue_file import QueueFile
    from services.stream.service import StreamService

    settings = load_settings()
    endpoints = Endpoints.of(settings, paper)
    journal = ApiJournal(api or api_address(settings), token_of(settings, token_file) or "", deadline_s=0)
    try:
        _check(journal)
        with QueueFile(queue or settings.home / "stream.db") as waiting:
            _run(StreamService(endpoints, journal, waiting, output.line, output.warn))
    finally:
        journal.close()


def _check(journal: Any) -> None:
    """Ask the API something; that it does not answer now is told, and waited for.

    Raises:
        NoApi: what answers is no API of a journal, or asks for another token.
    """
    from core.errors import StoreFailed
    from journal.api_client import NoApi

    try:
        journal.account_log.runs()
    except NoApi:
        raise
    except StoreFailed as error:
        output.warn(f"{error}; what is executed waits for it")


def _run(service: "StreamService") -> None:
    """Go on until SIGINT or SIGTERM."""
    with heard(service.stop):
        service.run()
