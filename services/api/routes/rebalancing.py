"""The desired portfolio, the orders that lead there, and calls to rebalance: /v1/portfolio/desired, /v1/rebalances, /v1/schedules.

Imports services and what is beside it.
"""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from engine import resolve
from journal.steering import SteeringRequest
from services import catalogue, portfolio
from services.api.parts import Body, Exact, FilesPart, JournalPart, SettingsPart
from services.api.spec_body import SpecBody, spec_of
from services.told_signals import ToldSignal
from strategies.schedules import SCHEDULES

router = APIRouter(tags=["portfolio"])
Number = float | None
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Real = Annotated[float, Field(allow_inf_nan=False)]


class SignalGiven(Body):
    """What somebody says of a symbol, in place of the strategy."""

    symbol: Text = Field(examples=["AAPL"])
    signal: str = Field(examples=["BUY"], description="BUY, SELL, HOLD or SHORT.")
    risk_unit: Real | None = Field(default=None, description="Average true range over price.")
    momentum_score: Real | None = None
    current_price: Real | None = None


class DesiredAsked(Body):
    """Whose desired portfolio."""

    spec: SpecBody | None = Field(default=None, description="Of a target strategy; momentum on the packaged sample where none is named.")
    account: Text = Field(default="", description="The only account of the journal where none is named.")
    run: Text = ""
    signals: list[SignalGiven] | None = Field(default=None, min_length=1, max_length=2_000, description="In place of the strategy's own.")


class DesiredPosition(BaseModel):
    """A symbol that is held, or is to be held."""

    symbol: str
    desired: Number = Field(description="Shares.")
    held: Exact
    price: Number
    conviction: Number


class PlannedOrder(BaseModel):
    """An order that would lead there; nobody has sent it."""

    symbol: str
    side: str
    quantity: Exact
    intent: str
    reason: str
    target: Number
    price: Number
    client_order_id: str


class Desired(BaseModel):
    """The desired portfolio at the latest bar, and the way there."""

    strategy: str
    session: dt.date
    account: str
    source: str = Field(description="Who says what is held: executions, reconciliation, or spec (nobody: the cash of the spec).")
    value: Number = Field(description="Of the actual portfolio, at the latest prices.")
    cash: Number = Field(description="Left once the orders have filled at the latest prices.")
    schedule: str = Field(description="The latest word asked for; empty where nobody asked.")
    positions: list[DesiredPosition]
    orders: list[PlannedOrder]
    notes: list[str]


class Addressed(Body):
    """Which runs are meant: of a strategy, of a name; empty = any."""

    strategy: Text = ""
    run: Text = ""
    by: Text = ""


class Rescheduled(Addressed):
    """Other days to decide on."""

    schedule: str = Field(examples=["weekly"], description=", ".join(SCHEDULES))


class Asked(BaseModel):
    """A request as it was recorded; runs take it with their next decision, and answer in the steering log."""

    request: int
    kind: str
    strategy: str
    run: str
    facts: dict[str, Any]
    by: str
    asked: dt.datetime


class Schedule(BaseModel):
    """The days a strategy was asked to decide on, and the words there are."""

    strategy: str
    schedule: str = Field(description="The latest word asked for; empty where nobody asked.")
    known: list[str]


@router.post("/portfolio/desired", response_model=Desired)
def desired(settings: SettingsPart, journal: JournalPart, files: FilesPart, body: DesiredAsked) -> Any:
    """What is to be held at the latest bar, by a specification or by signals that are given, and the orders that lead there."""
    spec = portfolio.DEFAULT if body.spec is None else spec_of(body.spec, files)
    if body.signals is None:
        plan = portfolio.desired(settings, spec, journal, body.account, body.run)
    else:
        told = [ToldSignal(each.symbol, each.signal, each.risk_unit, each.momentum_score, each.current_price).check(f"signals[{at}]")
                for at, each in enumerate(body.signals)]
        plan = portfolio.orders_for(settings, spec, journal, told, body.account, body.run)
    name, held, wanted = resolve.strategy_class(plan.spec.strategy).__name__, plan.actual.held, plan.desired()
    return {"strategy": name, "session": plan.session, "account": plan.actual.portfolio.account, "source": plan.actual.source, "value": plan.value,
            "cash": plan.cash, "schedule": portfolio.scheduled(journal, name), "notes": list(plan.notes),
            "positions": [{"symbol": symbol, "desired": wanted.get(symbol, 0.0), "held": held.get(symbol, 0), "price": plan.prices.get(symbol),
                           "conviction": plan.convictions.get(symbol)} for symbol in sorted({*held, *wanted})],
            "orders": [vars(each) | {"reason": each.reason} for each in plan.orders]}


@router.post("/rebalances", response_model=Asked, status_code=202)
def rebalance(request: Request, journal: JournalPart, body: Addressed) -> Any:
    """Call on running strategies to trade to their targets at their next decision, whatever their schedule says."""
    return _told(portfolio.trigger(journal, body.strategy, body.run, body.by or _caller(request)))


@router.put("/schedules", response_model=Asked)
def reschedule(request: Request, journal: JournalPart, body: Rescheduled) -> Any:
    """Ask running strategies to decide on other days, from their next decision on."""
    return _told(portfolio.reschedule(journal, body.schedule, body.strategy, body.run, body.by or _caller(request)))


@router.get("/schedules", response_model=Schedule)
def schedule(journal: JournalPart, strategy: Annotated[str, Query(max_length=200, examples=["Momentum"])]) -> Any:
    """The days a strategy was asked to decide on."""
    name = catalogue.canonical(strategy)
    return {"strategy": name, "schedule": portfolio.scheduled(journal, name), "known": list(SCHEDULES)}


def _told(made: SteeringRequest) -> dict[str, Any]:
    return {**vars(made), "request": made.id, "asked": dt.datetime.fromtimestamp(made.asked_ns / 1e9, dt.UTC)}


def _caller(request: Request) -> str:
    return f"api {request.client.host if request.client else ''}".strip()
