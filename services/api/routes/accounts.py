"""Live accounts at a glance: /v1/accounts, /v1/equity/sessions, /v1/orders/latest, /v1/executions/latest and /v1/broker.

Imports services, the journal and what is beside it.
"""

import datetime as dt
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from analyzers import metrics
from core.calendars import get_calendar
from journal import Journal
from journal.pages import Chosen
from services.api.parts import Exact, JournalPart, SettingsPart
from services.api.portfolio_bodies import HeldPosition
from services.api.record_bodies import TEXT, AskedName, Execution, Order
from services.api.routes.records import told_order
from services.live_account import live_account

router = APIRouter(tags=["accounts"])
Account = Annotated[str, Query(pattern=TEXT, max_length=200, description="The broker's id of it.")]
Few = Annotated[int, Query(ge=1, le=1_000, description="How many, at most.")]


class KnownAccount(BaseModel):
    """An account, the runs on it, and what it was worth when it was last seen; null where nobody has looked."""

    account: str
    runs: list[str]
    equity: float | None
    cash: float | None
    time: dt.datetime | None


class EquitySessions(BaseModel):
    """An account, or a run on it, at the end of each session; account currency."""

    account: str
    run: str | None
    session: list[dt.date]
    equity: list[float]
    cash: list[float]
    drawdown: list[float] = Field(description="Part of the highest equity so far that was lost; 0 or below.")


class LatestOrders(BaseModel):
    """Orders, those of the last decision first."""

    orders: list[Order]


class LatestExecutions(BaseModel):
    """Executions, the last first."""

    executions: list[Execution]


class BrokerAccount(BaseModel):
    """What Alpaca says of an account; account currency."""

    account: str
    status: str
    currency: str
    equity: Exact
    last_equity: Exact = Field(description="At the close of the session before.")
    cash: Exact
    buying_power: Exact
    positions: list[HeldPosition]
    time: dt.datetime


@router.get("/accounts", response_model=list[KnownAccount])
def accounts(journal: JournalPart) -> Any:
    """Every live account of the journal."""
    runs: dict[str, list[str]] = {}
    for account, run in journal.account_log.runs():
        runs.setdefault(account, []).extend([run] if run else [])
    return [_known(journal, account, runs.get(account, [])) for account in sorted({*journal.glance.accounts(), *runs})]


@router.get("/equity/sessions", response_model=EquitySessions)
def sessions(journal: JournalPart, account: Account, run: AskedName = None, calendar: Annotated[str, Query(max_length=20)] = "XNYS") -> Any:
    """Equity, cash and drawdown by session, all in one answer; what was seen after a close counts for that session."""
    found, hours = journal.glance.worth(account, run or ""), get_calendar(calendar)
    opened = hours.opens.searchsorted(found.time_ns, "right") - 1
    names = hours.sessions[opened.clip(min=0)]
    dates, equity = metrics.session_last(names, found.equity)
    return {"account": account, "run": run, "session": dates.astype(str).tolist(), "equity": equity.tolist(),
            "cash": metrics.session_last(names, found.cash)[1].tolist(), "drawdown": _fallen(equity).tolist()}


@router.get("/orders/latest", response_model=LatestOrders)
def orders(journal: JournalPart, account: Account, run: AskedName = None, limit: Few = 100) -> Any:
    """The latest orders of an account, or of a run on it."""
    return {"orders": [told_order(each) for each in journal.glance.orders(Chosen(account, run), limit)]}


@router.get("/executions/latest", response_model=LatestExecutions)
def executions(journal: JournalPart, account: Account, run: AskedName = None, limit: Few = 100) -> Any:
    """The latest executions on an account, or of a run on it."""
    return {"executions": [vars(each) for each in journal.glance.executions(Chosen(account, run), limit)]}


@router.get("/broker", response_model=BrokerAccount)
def broker(settings: SettingsPart, paper: Annotated[bool, Query(description="The paper account, or the one with real money.")] = True) -> Any:
    """What Alpaca itself says of the account of the keys that the API was started with."""
    if not all(settings.alpaca_keys):
        raise HTTPException(409, "no Alpaca keys are set: start the API with ALPACA_API_KEY and ALPACA_SECRET_KEY (see env.example)")
    found = live_account(settings, paper)
    said = found.account
    held = [{"symbol": each.symbol, "quantity": each.qty, "average_price": each.avg_entry_price, "market_value": each.market_value,
             "last_price": each.market_value / each.qty if each.qty else each.avg_entry_price,
             "unrealized": each.market_value - each.qty * each.avg_entry_price} for each in found.positions]
    return {"account": said.number, "status": said.status, "currency": said.currency, "equity": said.equity, "last_equity": said.last_equity,
            "cash": said.cash, "buying_power": said.buying_power, "positions": held, "time": dt.datetime.fromtimestamp(found.time_ns / 1e9, dt.UTC)}


def _known(journal: Journal, account: str, runs: list[str]) -> dict[str, Any]:
    seen = journal.glance.worth(account, only_last=True)
    if not len(seen.time_ns):
        return {"account": account, "runs": runs, "equity": None, "cash": None, "time": None}
    return {"account": account, "runs": runs, "equity": seen.equity[-1], "cash": seen.cash[-1],
            "time": dt.datetime.fromtimestamp(seen.time_ns[-1] / 1e9, dt.UTC)}


def _fallen(equity: np.ndarray) -> np.ndarray:
    """(S,) part of the highest equity so far that was lost, 0 or below; 0 before there was any."""
    begun = np.flatnonzero(equity > 0)[:1]
    fallen = np.zeros(len(equity))
    for at in begun:
        fallen[at:] = -metrics.drawdown(equity[at:], equity[at])
    return fallen
