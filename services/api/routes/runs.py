"""Backtests in the journal: /v1/runs. Imports the journal and what is beside it."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from journal import RunRow
from services.api.parts import MOST_ROW, Exact, JournalPart, Limit, Offset, next_page

router = APIRouter(tags=["runs"])
Number = int | float | None
RunId = Annotated[int, Path(ge=1, le=MOST_ROW)]


class Run(BaseModel):
    """A run: what was asked for, what it ran on, what came out."""

    id: int
    created: dt.datetime
    created_ns: int = Field(description="The same, exactly; UTC nanoseconds.")
    strategy: str
    strategy_source: str = Field(description="Digest of its source text: equal text, equal digest.")
    symbols: list[str]
    start: dt.date
    end: dt.date
    interval: str
    source: str
    fingerprint: str = Field(description="Of the bars: equal bars, equal fingerprint.")
    spec: dict[str, Any]
    cash: Exact
    final_value: Exact
    trades: int
    fills: int
    rejected: int
    seconds: float
    metrics: dict[str, Number]
    warnings: list[str]
    versions: dict[str, Any]
    report: str | None = Field(description="Folder of the report, on the machine of the API.")


class RunPage(BaseModel):
    """Runs, the latest first."""

    next: str | None = Field(description="Path of the next page; null on the last.")
    runs: list[Run]


class Metrics(BaseModel):
    """The measures of a run beside those of the runs of the same strategy on the same symbols that came before it."""

    run: int
    strategy: str
    metrics: dict[str, Number]
    history: list["Measured"] = Field(description="The latest last; this run is the last one.")


class Measured(BaseModel):
    """What one run measured."""

    run: int
    created: dt.datetime
    start: dt.date
    end: dt.date
    params: dict[str, Any]
    metrics: dict[str, Number]


Metrics.model_rebuild()


@router.get("/runs", response_model=RunPage)
def runs(request: Request, journal: JournalPart, limit: Limit = 100, offset: Offset = 0,
         strategy: Annotated[str | None, Query(pattern=r"^[^\x00-\x1f]*$", max_length=200)] = None,
         symbol: Annotated[str | None, Query(max_length=50, description="Only runs that could trade it.")] = None,
         before: Annotated[int | None, Query(ge=1, le=MOST_ROW, description="Only runs with smaller numbers.")] = None) -> Any:
    """Runs, the latest first."""
    needed = offset + limit + 1 if symbol is None else None
    found = [each for each in journal.runs(strategy, needed, before) if symbol is None or symbol in each.symbols]
    return {"next": next_page(request, limit, offset, len(found)), "runs": [_run(each) for each in found[offset : offset + limit]]}


@router.get("/runs/{id}", response_model=Run)
def run(journal: JournalPart, id: RunId) -> Any:
    """One run."""
    return _run(journal.run(id))


@router.get("/runs/{id}/metrics", response_model=Metrics)
def metrics(journal: JournalPart, id: RunId, limit: Limit = 100) -> Any:
    """The measures of a run, and their history: what earlier runs of its strategy on its symbols measured."""
    found = journal.run(id)
    alike = [each for each in journal.runs(found.strategy) if each.id <= id and sorted(each.symbols) == sorted(found.symbols)]
    return {"run": id, "strategy": found.strategy, "metrics": _numbers(found), "history": [_measured(each) for each in alike[:limit][::-1]]}


def _run(row: RunRow) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in Run.model_fields if hasattr(row, name)}, "created": _moment(row.created_ns),
            "metrics": _numbers(row), "report": row.directory}


def _measured(row: RunRow) -> dict[str, Any]:
    return {"run": row.id, "created": _moment(row.created_ns), "start": row.start, "end": row.end, "params": row.spec.get("params", {}),
            "metrics": _numbers(row)}


def _numbers(row: RunRow) -> dict[str, Any]:
    return {name: value for name, value in row.metrics.items() if value is None or isinstance(value, int | float)}


def _moment(time_ns: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ns / 1e9, dt.UTC)
