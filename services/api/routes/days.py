"""The daily run: /v1/days, its steps and the page of each session. Imports the journal, services.daily and what is beside it."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from core.errors import UnknownName
from journal.daily_log import DailyStep
from services.api.parts import Body, JournalPart, SettingsPart
from services.api.record_bodies import At, LongText, Name
from services.api.report_page import page_at
from services.daily.report import page_of

router = APIRouter(tags=["daily run"])
SESSION = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
Session = Annotated[str, Field(pattern=SESSION, examples=["2026-01-30"], description="Exchange date.")]


class Step(BaseModel):
    """What became of a step."""

    step: str
    done: bool
    attempts: int
    time: dt.datetime = Field(description="When it was tried last.")
    time_ns: int = Field(description="The same, exactly; UTC nanoseconds.")
    text: str = Field(description="What it did, or why it failed.")


class Day(BaseModel):
    """A session and its steps, in order."""

    session: str
    steps: list[Step]


class Days(BaseModel):
    """Sessions, the latest first."""

    days: list[Day]


class NewStep(Body):
    """How a step went."""

    session: Session
    step: Name
    done: bool
    text: LongText
    at_ns: At = 0


@router.get("/days", response_model=Days)
def days(journal: JournalPart, limit: Annotated[int, Query(ge=1, le=1_000)] = 30, session: Annotated[str | None, Query(pattern=SESSION)] = None) -> Any:
    """The daily runs of the latest sessions, or of one."""
    found = journal.daily.days(limit) if session is None else [(session, journal.daily.steps(session)[::-1])]
    return {"days": [{"session": name, "steps": [_told(each) for each in steps]} for name, steps in found if steps]}


@router.post("/days", response_model=Step)
def record(journal: JournalPart, body: NewStep) -> Any:
    """Record how a step went; one that was done stays so, and the same moment counts once."""
    return _told(journal.daily.record(body.session, body.step, body.done, body.text, body.at_ns))


@router.get("/days/{session}/report", response_class=HTMLResponse)
def report(settings: SettingsPart, session: Annotated[str, Path(pattern=SESSION)]) -> HTMLResponse:
    """The page of a session."""
    page = page_of(settings, session)
    if not page.is_file():
        raise UnknownName(f"there is no page of {session}: its daily run has not come to the last step, or was elsewhere")
    return page_at(page, settings, False, f"session {session}")


def _told(step: DailyStep) -> dict[str, Any]:
    return {**vars(step), "time": dt.datetime.fromtimestamp(step.time_ns / 1e9, dt.UTC)}
