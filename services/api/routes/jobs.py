"""Backtests and sweeps in the background: /v1/backtests, /v1/sweeps, /v1/jobs. Imports services and what is beside it."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from core import errors
from engine import resolve
from engine.build import sizer_of
from engine.deciding import deciding
from engine.varying import read_space
from optimize import Search, read_objectives
from services.api import problems
from services.api.parts import Body, FilesPart, JobsPart, Limit, Offset, Page, next_page, stated
from services.api.spec_body import SpecBody, check_numbers, spec_of
from services.job_files import Job
from services.jobs import Jobs
from services.tasks import Backtest, Sweep, Task

router = APIRouter(tags=["jobs"])
State = Literal["waiting", "running", "done", "failed", "cancelled", "lost"]
Kind = Literal["backtest", "sweep"]
Value = bool | int | float | str


class Links(BaseModel):
    """Where the results are."""

    run: str | None = Field(default=None, description="Path of the run, or of the best run of a sweep.")
    metrics: str | None = None
    report: str | None = Field(default=None, description="File on the machine of the API.")


class JobState(BaseModel):
    """A job and how far it is."""

    id: str
    kind: Kind
    state: State
    progress: float = Field(ge=0, le=1)
    stage: str
    created: dt.datetime
    started: dt.datetime | None
    finished: dt.datetime | None
    asked: dict[str, Any]
    run: int | None = Field(description="Number in the journal.")
    sweep: int | None
    links: Links
    summary: dict[str, Any] = Field(description="What the command prints with --json; empty until it is done.")
    problem: problems.Problem | None


class JobPage(Page):
    """Jobs, the latest first."""

    jobs: list[JobState]


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


@router.post("/backtests", response_model=JobState, status_code=202)
def backtest(jobs: JobsPart, files: FilesPart, response: Response, body: SpecBody) -> Any:
    """Begin a backtest; the result is recorded as that of the command is."""
    spec = spec_of(body, files)
    deciding(spec)
    return _asked(jobs, Backtest(spec), response)


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
    return _asked(jobs, Sweep(spec, body.vary, body.where, search), response)


@router.get("/jobs", response_model=JobPage)
def listed(request: Request, jobs: JobsPart, state: State | None = None, kind: Annotated[Kind | None, Query()] = None,
           limit: Limit = 100, offset: Offset = 0) -> Any:
    """The jobs, the latest first."""
    found = jobs.jobs(state, kind)
    return {"total": len(found), "next": next_page(request, limit, offset, len(found)),
            "jobs": [_told(job) for job in found[offset : offset + limit]]}


@router.get("/jobs/{id}", response_model=JobState)
def job(jobs: JobsPart, id: str) -> Any:
    """A job and how far it is."""
    return _told(jobs.job(id))


@router.delete("/jobs/{id}", response_model=JobState)
def cancel(jobs: JobsPart, id: str) -> Any:
    """End a job; one that is over stays as it is."""
    return _told(jobs.cancel(id))


def _asked(jobs: Jobs, task: Task, response: Response) -> dict[str, Any]:
    if jobs.full:
        raise HTTPException(429, "so many jobs wait that no more are taken: repeat it later", {"Retry-After": "60"})
    made = jobs.ask(task)
    response.headers["Location"] = f"/v1/jobs/{made.id}"
    return _told(made)


def _told(job: Job) -> dict[str, Any]:
    run = f"/v1/runs/{job.run}" if job.run is not None else None
    links = {"run": run, "metrics": run and f"{run}/metrics", "report": job.report}
    return {**vars(job), "links": links, "problem": job.problem and _problem(job)}


def _problem(job: Job) -> problems.Problem:
    """Why a job has failed, as a request would have been told."""
    assert job.problem is not None
    kind, text, instance = job.problem["kind"], job.problem["text"], f"/v1/jobs/{job.id}"
    known = getattr(errors, kind, None)
    if known is None:
        return problems.problem(500, text, instance, kind)
    error = errors.CerebrolabError.__new__(known)
    error.args = (text,)
    return problems.of_error(error, instance)
