"""The reports of recorded runs: /v1/runs/{id}/report, /v1/runs/{id}/equity and /v1/runs/{id}/trades. Imports services and what is beside it."""

import datetime as dt
import math
from pathlib import Path as FilePath
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from core.settings import Settings
from journal import RunRow
from reports.archive import PAGE
from services import run_files
from services.api.parts import MOST_ROW, FilesPart, JournalPart, Limit, Offset, Page, SettingsPart, next_page
from services.api.report_page import page_at, readable

router = APIRouter(tags=["runs"])
RunId = Annotated[int, Path(ge=1, le=MOST_ROW)]
Number = float | None


class RunCurves(BaseModel):
    """A run by session; account currency."""

    session: list[dt.date]
    equity: list[Number]
    benchmark: list[Number] = Field(description="What the benchmark would be worth; null where there is none.")
    drawdown: list[Number] = Field(description="Part of the highest equity so far that was lost; 0 or below.")
    exposure: list[Number] = Field(description="Worth of the positions, long and short, over the equity.")


class RunTrade(BaseModel):
    """One round trip; see `core.result.Trade`."""

    symbol: str
    size: float = Field(description="Largest number of shares held; negative for a short.")
    entry_session: dt.date
    entry_price: Number
    exit_session: dt.date
    exit_price: Number
    pnl: Number = Field(description="Account currency, after commission, without dividends.")
    commission: Number
    dividends: Number
    borrow: Number
    bars: int
    open: bool = Field(description="Not closed at the end of the run.")
    profit: Number = Field(validation_alias="return", serialization_alias="return", description="Profit over what the shares cost.")


class RunTradePage(Page):
    """Trades in time order."""

    trades: list[RunTrade]


@router.get("/runs/{id}/report", response_class=HTMLResponse)
def report(journal: JournalPart, settings: SettingsPart, files: FilesPart, id: RunId) -> HTMLResponse:
    """The page of a run's report."""
    row = journal.run(id)
    return page_at(row.directory and FilePath(row.directory) / PAGE, settings, files, f"run {id}")


@router.get("/runs/{id}/equity", response_model=RunCurves)
def equity(journal: JournalPart, settings: SettingsPart, files: FilesPart, id: RunId) -> Any:
    """Equity, benchmark, drawdown and exposure of a run, by session."""
    row = journal.run(id)
    found = run_files.curves(id, _directory(row, settings, files), float(row.cash))
    return {"session": found.session.astype(str).tolist(), **{name: _known(getattr(found, name)) for name in found._fields if name != "session"}}


@router.get("/runs/{id}/trades", response_model=RunTradePage)
def trades(request: Request, journal: JournalPart, settings: SettingsPart, files: FilesPart, id: RunId, limit: Limit = 1_000, offset: Offset = 0) -> Any:
    """The trades of a run, in time order."""
    found = run_files.trades(id, _directory(journal.run(id), settings, files))
    return {"total": len(found), "next": next_page(request, limit, offset, len(found)), "trades": found[offset : offset + limit]}


def _directory(row: RunRow, settings: Settings, files: bool) -> str | None:
    return None if row.directory is None else str(readable(row.directory, settings, files, f"run {row.id}"))


def _known(values: np.ndarray) -> list[Number]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
