"""The store of bars: /v1/store, what is in it and what is missing, and /v1/store/findings, what is doubtful. Imports services and what is beside it."""

import datetime as dt
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from core.calendars import Calendar, get_calendar
from feeds.store import BarStore, Holding
from services import market
from services.api.parts import Limit, Offset, Page, SettingsPart, next_page

router = APIRouter(tags=["market data"])


class Hole(BaseModel):
    """Sessions between others that were never asked for; both ends included."""

    start: dt.date
    end: dt.date
    sessions: int


class Series(BaseModel):
    """The stored bars of one symbol."""

    source: str
    symbol: str
    interval: str
    calendar: str
    bars: int
    first: dt.date | None
    last: dt.date | None
    sessions: int = Field(description="Asked for, with or without a bar.")
    holes: list[Hole]


class StorePage(Page):
    """What is stored, in order of source, interval and symbol."""

    place: str = Field(description="Folder or address of the store.")
    series: list[Series]


class Finding(BaseModel):
    """Something that is wrong or doubtful; see `cerebrolab data check`."""

    source: str
    symbol: str
    interval: str
    kind: str = Field(description="hole, untraded, invalid, stale or corrupt.")
    detail: str


@router.get("/store", response_model=StorePage)
def stored(request: Request, settings: SettingsPart, limit: Limit = 200, offset: Offset = 0,
           symbol: Annotated[str | None, Query(max_length=50, description="Only its bars.")] = None) -> Any:
    """What is stored of every symbol, and the sessions that were left out."""
    kept = market.store(settings)
    held = [each for each in kept.list() if symbol in (None, each.symbol)]
    shown = [_series(kept, each) for each in held[offset : offset + limit]]
    return {"total": len(held), "next": next_page(request, limit, offset, len(held)), "place": kept.place, "series": shown}


@router.get("/store/findings", response_model=list[Finding])
def findings(settings: SettingsPart) -> Any:
    """What is wrong or doubtful with what is stored; reads all of it."""
    return [each._asdict() for each in market.store(settings).check()]


def _series(kept: BarStore, held: Holding) -> dict[str, Any]:
    return {**held._asdict(), "first": _day(held.first), "last": _day(held.last), "holes": _holes(kept, held)}


def _holes(kept: BarStore, held: Holding) -> list[dict[str, Any]]:
    if held.first is None:
        return []
    hours = get_calendar(held.calendar)
    return _runs(kept.missing(held.symbol, hours.between(held.first, held.last), held.interval, source=held.source, calendar=held.calendar), hours)


def _runs(missing: np.ndarray, hours: Calendar) -> list[dict[str, Any]]:
    """Sessions that follow each other, as one."""
    if not len(missing):
        return []
    breaks = np.flatnonzero(np.diff(hours.position(missing)) > 1) + 1
    return [{"start": str(part[0]), "end": str(part[-1]), "sessions": len(part)} for part in np.split(missing, breaks)]


def _day(session: np.datetime64 | None) -> str | None:
    return None if session is None else str(session)
