"""The ledger of trials: /v1/ledger/sweeps, what sweeps have tried; and the gate's verdicts: /v1/verdicts.

Sweeps that the API itself plays are jobs (/v1/sweeps). Imports the journal and what is beside it. What is told twice is recorded once.
"""

import math
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, JsonValue

from core.errors import UsageError
from core.measures import MEASURES
from journal import SweepHead, TrialBatch, rows_of
from services.api.ledger_bodies import (
    MOST_NUMBERS,
    MOST_TRIALS,
    LatestSweeps,
    MeasuredPage,
    NewSweep,
    NewTrials,
    NewVerdict,
    NumberPage,
    Sweep,
    SweepPage,
    SweepsAsked,
    TrialCount,
    TrialPage,
)
from services.api.parts import MOST_ROW, Body, JournalPart
from services.api.record_bodies import LongText, Numbered, Symbol, Text

router = APIRouter(tags=["ledger"])
SweepId = Annotated[int, Path(ge=1, le=MOST_ROW)]
After = Annotated[int, Query(ge=-1, le=MOST_ROW, description="The number of a trial; those that follow are wanted. -1 = from the first.")]


class VerdictAsked(Body):
    """Which verdict: of a strategy's source with these parameters on these symbols."""

    strategy_source: LongText
    params: dict[Text, JsonValue]
    universe: list[Symbol]
    fingerprint: Text | None = None


class Verdict(BaseModel):
    """What the gate has said."""

    id: int
    created_ns: int
    run_id: int | None
    strategy: str
    strategy_source: str
    params: dict[str, Any]
    universe: list[str]
    fingerprint: str
    passed: bool
    reasons: list[str]
    numbers: dict[str, Any]


@router.post("/ledger/sweeps", response_model=Numbered)
def begin(journal: JournalPart, body: NewSweep) -> Any:
    """Begin a sweep, or go on with the unfinished one that has its key; see its numbers for what is recorded already."""
    return {"id": journal.ledger.begin(SweepHead(**vars(body)))[0]}


@router.post("/ledger/sweeps/found", response_model=SweepPage)
def sweeps(journal: JournalPart, body: SweepsAsked) -> Any:
    """Sweeps of a strategy on a universe, the first first."""
    found = journal.ledger.sweeps(body.strategy, body.universe, body.after, body.limit + 1)
    return {"sweeps": [vars(each) for each in found[: body.limit]], "next": str(found[body.limit - 1].id) if len(found) > body.limit else None}


@router.get("/ledger/sweeps/latest", response_model=LatestSweeps)
def latest(journal: JournalPart, limit: Annotated[int, Query(ge=1, le=1_000, description="How many, at most.")] = 20) -> Any:
    """The sweeps that were begun last, the last first, without single backtests and the windows of walk-forwards."""
    return {"sweeps": [{**vars(each), "trials": journal.ledger.count(each.id)} for each in journal.ledger.latest(limit)]}


@router.get("/ledger/sweeps/{id}", response_model=Sweep)
def sweep(journal: JournalPart, id: SweepId) -> Any:
    """One sweep."""
    return vars(journal.ledger.sweep(id))


@router.get("/ledger/sweeps/{id}/count", response_model=TrialCount)
def count(journal: JournalPart, id: SweepId) -> Any:
    """How many trials of a sweep are recorded."""
    return {"trials": journal.ledger.count(id)}


@router.get("/ledger/sweeps/{id}/numbers", response_model=NumberPage)
def numbers(journal: JournalPart, id: SweepId, after: After = -1,
            limit: Annotated[int, Query(ge=1, le=MOST_NUMBERS, description="How many, at most.")] = 1_000) -> Any:
    """The numbers of the trials of a sweep that are recorded, in order."""
    found = journal.ledger.numbers(id, after, limit + 1)
    return {"numbers": found[:limit], "next": str(found[limit - 1]) if len(found) > limit else None}


@router.get("/ledger/sweeps/{id}/trials", response_model=TrialPage)
def trials(journal: JournalPart, id: SweepId, after: After = -1,
           limit: Annotated[int, Query(ge=1, le=MOST_TRIALS, description="How many, at most.")] = 100) -> Any:
    """The trials of a sweep, in the order of their numbers."""
    found = journal.ledger.part(id, after, limit + 1)
    return {**_told(found, limit), "next": str(found.numbers[limit - 1]) if found is not None and len(found.numbers) > limit else None}


@router.get("/ledger/sweeps/{id}/measures", response_model=MeasuredPage)
def measured(journal: JournalPart, id: SweepId, after: After = -1,
             limit: Annotated[int, Query(ge=1, le=MOST_TRIALS, description="How many, at most.")] = 1_000) -> Any:
    """Parameters and measures of the trials of a sweep, by name, in the order of their numbers."""
    journal.ledger.sweep(id)
    found = journal.ledger.part(id, after, limit + 1)
    if found is None:
        return {"trials": [], "next": None}
    known = [{name: value if math.isfinite(value) else None for name, value in zip(MEASURES, row, strict=True)} for row in found.measures.tolist()]
    trials = [{"number": number, "params": params, "measures": each} for number, params, each in zip(found.numbers.tolist(), found.params, known, strict=True)]
    return {"trials": trials[:limit], "next": str(trials[limit - 1]["number"]) if len(trials) > limit else None}


@router.post("/ledger/sweeps/{id}/trials", status_code=204)
def record_trials(journal: JournalPart, id: SweepId, body: NewTrials) -> None:
    """Record trials, all or none; those whose number is recorded already are left as they are."""
    journal.ledger.sweep(id)
    new, known = body.batch(), journal.ledger.part(id, -1, 1)
    if known is not None and len(new.numbers) and new.sum.shape[1] != known.sum.shape[1]:
        raise UsageError(f"blocks: {new.sum.shape[1]} of each trial, and those of sweep {id} have {known.sum.shape[1]}: divide the sessions alike")
    rows = rows_of(id, new.numbers.tolist(), new.params, new.measures, new.sum, new.square) if body.numbers else []
    journal.ledger.insert(rows, id if body.finished else None)


@router.post("/verdicts", response_model=Numbered)
def record_verdict(journal: JournalPart, body: NewVerdict) -> Any:
    """Append a verdict; the latest on a strategy's source, parameters, universe and data counts."""
    if body.run_id is not None:
        journal.run(body.run_id)
    return {"id": journal.ledger.record_verdict(**vars(body))}


@router.post("/verdicts/latest", response_model=Verdict | None)
def verdict(journal: JournalPart, body: VerdictAsked) -> Any:
    """The latest verdict of the gate; null where it was not asked."""
    found = journal.ledger.verdict(body.strategy_source, body.params, body.universe, body.fingerprint)
    return None if found is None else vars(found)


def _told(batch: TrialBatch | None, limit: int) -> dict[str, Any]:
    if batch is None:
        return {"names": MEASURES, "numbers": [], "params": [], "measures": b"", "blocks": b""}
    return {"names": MEASURES, "numbers": batch.numbers[:limit].tolist(), "params": batch.params[:limit],
            "measures": batch.measures[:limit].astype("<f8").tobytes(),
            "blocks": np.stack([batch.sum[:limit], batch.square[:limit]], axis=1).astype("<f4").tobytes()}
