"""What routes are given: the journal, the settings, the jobs, and pages. Imports FastAPI and what services may import."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from core.settings import Settings
from journal import Journal
from services.api.staged import Staged
from services.jobs import Jobs

MOST_ROW = 2**63 - 1  # numbers of rows
MOST_OFFSET = 10**9
MOST_PAGE = 10_000


def journal(request: Request) -> Journal:
    """The journal that the API alone holds."""
    return request.app.state.journal


def settings(request: Request) -> Settings:
    """The settings the API was started with."""
    return request.app.state.settings


def jobs(request: Request) -> Jobs:
    """The jobs in the background."""
    return request.app.state.jobs


def files(request: Request) -> bool:
    """Whether code and files of this machine may be named."""
    return request.app.state.files


def staged(request: Request) -> Staged:
    """The parts of runs that are being told."""
    return request.app.state.staged


Exact = Annotated[Decimal, PlainSerializer(lambda number: f"{number:f}", return_type=str)]  # never with an exponent
JournalPart = Annotated[Journal, Depends(journal)]
SettingsPart = Annotated[Settings, Depends(settings)]
JobsPart = Annotated[Jobs, Depends(jobs)]
StagedPart = Annotated[Staged, Depends(staged)]
FilesPart = Annotated[bool, Depends(files)]
Limit = Annotated[int, Query(ge=1, le=MOST_PAGE, description="How many, at most.")]
Offset = Annotated[int, Query(ge=0, le=MOST_OFFSET, description="How many to leave out before the first.")]
Symbols = Annotated[list[str], Query(min_length=1, max_length=5_000, examples=[["AAPL", "IBM"]], description="A,B or repeated.")]


class Body(BaseModel):
    """Base of request bodies: a field nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel):
    """Base of answers that come in pages."""

    total: int = Field(description="How many there are in all pages.")
    next: str | None = Field(description="Path of the next page; null on the last.")


def next_page(request: Request, limit: int, offset: int, total: int) -> str | None:
    """Path and query of the page after this one; None where there is none."""
    if offset + limit >= total:
        return None
    url = request.url.include_query_params(limit=limit, offset=offset + limit)
    return f"{url.path}?{url.query}"


def iso(date: dt.date | None) -> str | None:
    """A date as specifications have it."""
    return None if date is None else date.isoformat()


def split(names: Iterable[str]) -> tuple[str, ...]:
    """The names in "A,B" and repeated parameters."""
    parts = (part.strip() for name in names for part in name.split(","))
    return tuple(part for part in parts if part)


def stated(body: BaseModel, *left_out: str) -> dict[str, Any]:
    """What a body says, by field; a field that is null says nothing."""
    return {name: value for name, value in body.model_dump(exclude=set(left_out)).items() if value is not None}
