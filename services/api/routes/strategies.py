"""Strategies, their parameters and their signals: /v1/strategies, /v1/signals. Imports services and what is beside it."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from core.spec import RunSpec
from services import catalogue, own_files
from services.api.parts import Body, FilesPart, JournalPart, SettingsPart, stated

router = APIRouter(tags=["strategies"])
Number = float | None
Value = bool | int | float | str


class Parameter(BaseModel):
    """One parameter of a strategy or of its sizer."""

    name: str
    kind: str = Field(description="int, float, bool or text.")
    default: Value | None = Field(description="As shipped.")
    meaning: str
    tried: str = Field(description="What a sweep tries by itself, low:high:step; empty for none.")
    configured: Value | None = Field(description="What holds now.")
    aliases: list[str]


class Strategy(BaseModel):
    """A strategy and its parameters."""

    name: str
    meaning: str
    rule: str
    parameters: list[Parameter]
    sizer: str
    fill: str
    needs_index: bool


class Configuration(Body):
    """Other parameters of a strategy."""

    parameters: dict[str, Value] = Field(min_length=1, max_length=100, examples=[{"fast": 20, "sizer.across": "chosen"}])
    by: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""


class Configured(BaseModel):
    """A request to configure, as it was recorded: running strategies take it with their next decision."""

    request: int
    strategy: str
    parameters: dict[str, Any]
    by: str
    asked: dt.datetime


class SignalsAsked(Body):
    """What to decide on; the names of `cerebrolab signals`. Parameters that are not named are as they are configured."""

    strategy: str = Field(examples=["GoldenCross"])
    symbols: list[str] = Field(max_length=5_000, examples=[["AAPL", "IBM"]])
    reference: list[str] | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    period: str | None = None
    signal_start: dt.date | None = None
    interval: str | None = None
    source: str | None = None
    calendar: str | None = None
    cash: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    fractional: bool | None = None
    sizer: str | None = None
    quantity: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    params: dict[str, Value] = Field(default={}, examples=[{"fast": 20}], description="Names as in -p.")


class Signal(BaseModel):
    """What the strategy says of one symbol; see `cerebrolab signals --help`."""

    symbol: str
    signal: str = Field(description="BUY, SELL, HOLD, SHORT or OUT.")
    decided: dt.date | None
    conviction: Number
    weight: Number
    shares: Number
    close: Number
    signal_close: Number
    orders: list[str]
    numbers: dict[str, Number]


class Signals(BaseModel):
    """The signals of a strategy on the last bar."""

    strategy: str
    session: dt.date
    bar: str
    source: str
    cash: float
    params: dict[str, Any] = Field(description="What differs from the strategy's defaults.")
    signals: list[Signal]
    warnings: list[str]


@router.get("/strategies", response_model=list[Strategy])
def strategies(journal: JournalPart) -> Any:
    """Every shipped strategy."""
    return [_strategy(each) for each in catalogue.strategies(journal)]


@router.get("/strategies/{name}", response_model=Strategy)
def strategy(journal: JournalPart, name: str) -> Any:
    """One strategy: its rule, its parameters, and what is configured."""
    return _strategy(catalogue.strategy(name, journal))


@router.put("/strategies/{name}/parameters", response_model=Configured)
def configure(request: Request, journal: JournalPart, name: str, body: Configuration) -> Any:
    """Ask for other parameters of a strategy; running ones take them with their next decision, and say so in the steering log."""
    by = body.by or f"api {request.client.host if request.client else ''}".strip()
    made = catalogue.configure(journal, name, body.parameters, by)
    asked = dt.datetime.fromtimestamp(made.asked_ns / 1e9, dt.UTC)
    return {"request": made.id, "strategy": made.strategy, "parameters": made.facts[catalogue.PARAMETERS], "by": made.by, "asked": asked}


@router.post("/signals", response_model=Signals)
def signals(settings: SettingsPart, journal: JournalPart, files: FilesPart, body: SignalsAsked) -> Any:
    """What a strategy says on the last bar, symbol by symbol, with its numbers; nothing is ordered."""
    spec = RunSpec.from_dict({**stated(body, "params"), "strategy": catalogue.canonical(body.strategy, files)})
    spec = spec.with_assignments(catalogue.plain(body.params))
    if not files:
        own_files.refuse(spec)
    found = catalogue.signals(settings, spec, journal)
    return {**found.summary(), "params": catalogue.assignments(found.spec)}


def _strategy(each: catalogue.Strategy) -> dict[str, Any]:
    return vars(each) | {"parameters": [vars(one) for one in each.parameters]}
