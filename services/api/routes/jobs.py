"""What runs in the background: /v1/jobs; how it is asked for is in `tasks`. Imports services and what is beside it."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from core import errors
from services.api import problems
from services.api.parts import FilesPart, JobsPart, Limit, Offset, Page, SettingsPart, next_page
from services.api.report_page import page_at
from services.job_files import Job
from services.jobs import Jobs
from services.tasks import Task

router = APIRouter(tags=["jobs"])
State = Literal["waiting", "running", "done", "failed", "cancelled", "lost"]
Kind = Literal["backtest", "sweep", "walkforward", "recommendation", "gate", "fetch"]


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


@router.get("/jobs/{id}/report", response_class=HTMLResponse)
def report(jobs: JobsPart, settings: SettingsPart, files: FilesPart, id: str) -> HTMLResponse:
    """The page of a job's report."""
    return page_at(jobs.job(id).report, settings, files, f"job {id:.60}")


def asked(jobs: Jobs, task: Task, response: Response) -> dict[str, Any]:
    """Have a task carried out; says which job it is."""
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
    error = known.__new__(known, text)  # some take more than a text
    error.args = (text,)
    return problems.of_error(error, instance)
