"""Asking for what takes its time: /v1/backtests, /v1/sweeps, /v1/walkforwards, /v1/recommendations, /v1/runs/{id}/verdict, /v1/store/fetches.

Each is a job, see `jobs`. Imports services and what is beside it.
"""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from core.calendars import get_calendar
from core.errors import UsageError
from core.spec import RunSpec
from core.spec_texts import period_start
from engine import resolve
from engine.build import sizer_of
from engine.deciding import deciding
from engine.varying import read_space
from feeds.load import source_named
from optimize import Search, read_objectives
from optimize.recommend import TRIALS, WINDOWS
from optimize.walk_forward import meant_windows
from services import catalogue, own_files
from services.api.parts import MOST_ROW, Body, FilesPart, JobsPart, JournalPart, SettingsPart, iso, stated
from services.api.report_page import readable
from services.api.routes.jobs import JobState, asked
from services.api.spec_body import SpecBody, check_numbers, spec_of
from services.comparing import compared, compared_on
from services.tasks import Backtest, Fetch, Gate, Recommendation, Sweep, WalkForward

router = APIRouter(tags=["jobs"])
Value = bool | int | float | str


class SweepAsked(Body):
    """A sweep; the names of `cerebrolab sweep`."""

    spec: SpecBody
    vary: dict[str, Value | list[Value]] = Field(
        default={}, examples=[{"fast": "5:50:5", "slow": [100, 200]}],
        description="Parameter -> low:high:step, a list, or one value, which is fixed; none: the strategy's own space.")
    where: list[str] = Field(default=[], max_length=100, description="Rules between parameters, such as fast < slow.")
    method: str = "grid"
    trials: int | None = Field(default=None, ge=1, le=1_000_000)
    objective: str = "sharpe"
    folds: int | None = Field(default=None, ge=1, le=1_000)
    jobs: int | None = Field(default=None, ge=1, le=1_000)
    engine: Literal["auto", "twin", "cerebro"] = "auto"
    verify: bool = True


class WalkForwardAsked(Body):
    """A walk-forward; the names of `cerebrolab walkforward`."""

    spec: SpecBody
    vary: dict[str, Value | list[Value]] = Field(default={}, description="As in a sweep.")
    where: list[str] = Field(default=[], max_length=100)
    train: str | None = Field(default=None, max_length=20, examples=["3y"])
    test: str | None = Field(default=None, max_length=20, examples=["6mo"])
    windows: int | None = Field(default=None, ge=1, le=1_000)
    anchored: bool = False
    embargo: int = Field(default=0, ge=0, le=10_000, description="Sessions left out between training and test.")
    method: Literal["grid", "random"] = "grid"
    trials: int | None = Field(default=None, ge=1, le=1_000_000)
    objective: str = "sharpe"
    jobs: int | None = Field(default=None, ge=1, le=1_000)
    engine: Literal["auto", "twin", "cerebro"] = "auto"


class RecommendationAsked(Body):
    """A recommendation; the names of `cerebrolab recommend`."""

    symbol: str = Field(min_length=1, max_length=50, examples=["SPY"])
    strategies: list[str] = Field(default=[], max_length=100, description="To compare; none = all that decide on daily bars.")
    source: str | None = None
    period: str = "10y"
    commission: str = "0.1%"
    windows: int = Field(default=WINDOWS, ge=1, le=1_000)
    trials: int = Field(default=TRIALS, ge=1, le=100_000)
    seed: int = Field(default=0, ge=0)


class FetchAsked(Body):
    """Bars to fetch; the names of `cerebrolab data fetch`."""

    symbols: list[str] = Field(min_length=1, max_length=5_000)
    source: str | None = None
    period: str | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    interval: str = "1d"
    calendar: str = "XNYS"
    again: bool = False


@router.post("/backtests", response_model=JobState, status_code=202)
def backtest(jobs: JobsPart, files: FilesPart, response: Response, body: SpecBody) -> Any:
    """Begin a backtest; the result is recorded as that of the command is."""
    spec = spec_of(body, files)
    deciding(spec)
    return asked(jobs, Backtest(spec), response)


@router.post("/sweeps", response_model=JobState, status_code=202)
def sweep(jobs: JobsPart, files: FilesPart, response: Response, body: SweepAsked) -> Any:
    """Begin a sweep; every trial is recorded, and the best run."""
    spec = spec_of(body.spec, files)
    kind = resolve.strategy_class(spec.strategy)
    named = resolve.without_aliases(spec, kind)
    resolve.typed_params(kind, named.params)  # what varies may resolve a contradiction between them
    sizer_of(named, kind)
    search = stated(body, "spec", "vary", "where")
    check_numbers("vary", body.vary)
    read_space(spec, body.vary, body.where)
    read_objectives(Search(**search).objective)
    return asked(jobs, Sweep(spec, body.vary, body.where, search), response)


@router.post("/walkforwards", response_model=JobState, status_code=202)
def walk_forward(jobs: JobsPart, files: FilesPart, response: Response, body: WalkForwardAsked) -> Any:
    """Begin a walk-forward; every trial is recorded."""
    spec = spec_of(body.spec, files)
    windows = stated(body, "spec", "vary", "where")
    count = meant_windows(body.test, body.windows, body.method, body.trials)
    for length in (body.train, body.test):
        if length is not None:
            period_start(length, dt.date.today())
    check_numbers("vary", body.vary)
    read_space(spec, body.vary, body.where)
    read_objectives(body.objective)
    return asked(jobs, WalkForward(spec, body.vary, body.where, {**windows, **({} if count is None else {"windows": count})}), response)


@router.post("/recommendations", response_model=JobState, status_code=202)
def recommendation(jobs: JobsPart, settings: SettingsPart, files: FilesPart, response: Response, body: RecommendationAsked) -> Any:
    """Begin to walk every strategy forward over one symbol: the summary names the one to take, or none where the best may be luck."""
    spec = compared_on(body.symbol, body.source or settings.source, body.period, body.commission, body.seed)
    names = list(dict.fromkeys(catalogue.canonical(name, files) for name in body.strategies)) or list(compared())
    if not files:
        own_files.refuse(spec)
    source_named(spec.source, spec.calendar)
    return asked(jobs, Recommendation(spec, names, body.windows, body.trials), response)


@router.post("/runs/{id}/verdict", response_model=JobState, status_code=202)
def gate(jobs: JobsPart, journal: JournalPart, settings: SettingsPart, files: FilesPart, response: Response,
         id: Annotated[int, Path(ge=1, le=MOST_ROW)]) -> Any:
    """Begin to judge a run: is it more than the luck of having tried so much? The verdict is recorded."""
    row = journal.run(id)
    if row.directory is not None:
        readable(row.directory, settings, files, f"run {id}")
    return asked(jobs, Gate(id, files), response)


@router.post("/store/fetches", response_model=JobState, status_code=202)
def fetch(jobs: JobsPart, settings: SettingsPart, files: FilesPart, response: Response, body: FetchAsked) -> Any:
    """Begin to fetch the sessions the store does not have yet."""
    spec = RunSpec(symbols=tuple(body.symbols), source=body.source or settings.source, period=body.period, start=iso(body.start), end=iso(body.end),
                   interval=body.interval, calendar=body.calendar)
    if not files:
        own_files.refuse(spec)
    get_calendar(spec.calendar)
    if not source_named(spec.source, spec.calendar).stored:
        raise UsageError(f"bars of {spec.source} are not kept in the store: name yahoo or alpaca")
    return asked(jobs, Fetch(spec, body.again), response)
