"""Recording backtests, and what they ordered and executed: POST /v1/runs, /v1/runs/{id}/orders and /v1/runs/{id}/executions.

Imports the journal and what is beside it. What is told twice is recorded once.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from core.clock import SystemClock
from services.api.parts import MOST_ROW, JournalPart, StagedPart
from services.api.record_bodies import After, Counted, Limit, Numbered
from services.api.run_bodies import (
    MOST_RECORDS,
    MoreExecutions,
    NewRun,
    RunExecutionPage,
    RunOrderPage,
    RunRecords,
)

router = APIRouter(tags=["runs"])
RunId = Annotated[int, Path(ge=1, le=MOST_ROW)]
Key = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,100}$", description="That of the run that will follow.")]
PartNumber = Annotated[int, Path(ge=0, lt=MOST_RECORDS)]


@router.post("/runs", response_model=Numbered)
def record_run(journal: JournalPart, staged: StagedPart, body: NewRun) -> Any:
    """Record a backtest with its orders and executions, all or nothing; the first one with its key stays."""
    number = journal.run_named(body.key)
    if number is None:
        parts = [RunRecords.model_validate_json(each) for each in staged.all_of(body.key, body.parts)]
        number = journal.insert_run(body.record(parts, SystemClock().now_ns()), body.key)
    staged.drop(body.key)
    return {"id": number}


@router.put("/runs/parts/{key}/{number}", status_code=204)
def stage(staged: StagedPart, key: Key, number: PartNumber, body: RunRecords) -> None:
    """Send a part of the orders and executions of a run that is too large for one request; nothing is recorded until the run is told."""
    staged.put(key, number, body.model_dump_json().encode())


@router.get("/runs/{id}/orders", response_model=RunOrderPage)
def orders(journal: JournalPart, id: RunId, after: After = "", limit: Limit = 100) -> Any:
    """The orders of a run as they ended, in time order."""
    journal.run(id)
    found, place = journal.pages.run_orders(id, after, limit)
    return {"orders": [vars(each) for each in found], "next": place or None}


@router.get("/runs/{id}/executions", response_model=RunExecutionPage)
def executions(journal: JournalPart, id: RunId, after: After = "", limit: Limit = 100) -> Any:
    """The executions of a run, in the order they were recorded."""
    journal.run(id)
    found, place = journal.pages.run_executions(id, after, limit)
    return {"executions": [vars(each) for each in found], "next": place or None}


@router.post("/runs/{id}/executions", response_model=Counted)
def record_executions(journal: JournalPart, id: RunId, body: MoreExecutions) -> Any:
    """Add executions to a run; those with a key that is known change nothing."""
    return {"recorded": journal.insert_executions(id, [vars(each) for each in body.executions])}
