"""`create_app`: the REST API over the services; it alone opens the database while services run.

Imports services and what it may import; FastAPI.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from core import __version__
from core.errors import CerebrolabError
from core.settings import Settings
from journal import Journal
from services import questdb
from services.api import access, problems
from services.api.parts import JournalPart
from services.api.routes import (
    accounts,
    advice,
    averages,
    days,
    jobs,
    ledger,
    market,
    portfolio,
    rebalancing,
    records,
    risk,
    run_records,
    run_reports,
    runs,
    steering,
    store,
    strategies,
    subscription_pages,
    subscriptions,
    tasks,
)
from services.api.staged import Staged
from services.jobs import Jobs
from services.notify.alerts import Alerts
from services.notify.poster import Poster

BODY_LIMIT = 1_000_000  # bytes
RATE = 600  # requests a minute of one client
ROUTERS = tuple(each.router for each in (
    market, store, averages, strategies, risk, tasks, jobs, runs, run_records, run_reports, accounts, ledger,
    rebalancing, records, portfolio, steering, subscriptions, subscription_pages, advice, days))
TEXT = """Market data, indicators, strategies, signals, risk, backtests and sweeps in the background, and the journal.

Numbers that do not exist (an average without bars enough, a ratio without volatility) are null, never NaN. Dates are ISO dates, moments
ISO 8601 in UTC. Money and shares of the journal are exact, as texts. Errors are problem details (RFC 9457).
"""


class Health(BaseModel):
    """Whether the API and its journal answer."""

    status: str
    version: str


def create_app(settings: Settings, token: str | None = None, *, workers: int = 1, body_limit: int = BODY_LIMIT, rate: int = RATE,
               files: bool = False, hosts: Sequence[str] = ()) -> FastAPI:
    """The application; its lifespan opens the journal and ends with every job ended; `app.state.problem` is why it could not begin.

    Args:
        token: what every request but /health has to name; None = nothing.
        workers: jobs at a time. body_limit: bytes of a request. rate: requests a minute of one client, 0 = any number.
        files: requests may name code and files of this machine (strategies as file.py:Class, csv:DIR).
        hosts: names under which it may be called; () = any.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with _told(app), Journal(settings.journal) as journal, Jobs(settings, journal, workers) as running:
            journal.runs(limit=1)  # makes the tables
            app.state.journal, app.state.jobs = journal, running
            with questdb.following(settings), Poster(journal, settings) as app.state.poster, Alerts(journal, settings):
                yield

    dependencies = [Security(HTTPBearer(auto_error=False))] if token is not None else []
    app = FastAPI(title="cerebrolab", version=__version__, description=TEXT, lifespan=lifespan, redoc_url=None, dependencies=dependencies)
    app.state.settings, app.state.files, app.state.staged = settings, files, Staged()
    app.get("/health", response_model=Health, responses=problems.RESPONSES, tags=["health"])(_health)
    for router in ROUTERS:
        app.include_router(router, prefix="/v1", responses=problems.RESPONSES)
    problems.install(app)
    app.add_middleware(access.BodyLimit, most=body_limit)  # the last one added is the outermost
    app.add_middleware(access.NeedsToken, token=token)
    app.add_middleware(access.RateLimit, per_minute=rate)
    app.add_middleware(access.KnownHosts, hosts=hosts)
    app.add_middleware(access.Caught)
    return app


@contextlib.contextmanager
def _told(app: FastAPI) -> Iterator[None]:
    """Keeps the error with which an application cannot begin, for the command that serves it."""
    app.state.problem = None
    try:
        yield
    except CerebrolabError as error:
        app.state.problem = error
        raise


def _health(journal: JournalPart) -> Health:
    """Say whether the API and its journal answer; needs no token."""
    journal.runs(limit=1)
    return Health(status="ok", version=__version__)
