"""The record of jobs: a JSON file each, replaced whole, so that a restart knows what was asked for. Imports core only."""

import copy
import dataclasses
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic_core import to_json

from core.errors import StoreFailed, UnknownName, UsageError

log = logging.getLogger(__name__)
STATES = ("waiting", "running", "done", "failed", "cancelled", "lost")
ACTIVE = ("waiting", "running")
KEPT = 1_000  # jobs that are remembered


@dataclass
class Job:
    """One job.

    Attributes:
        id: begins with its UTC time. kind: one of `services.tasks.KINDS`. asked: what was asked for.
        created, started, finished: ISO times in UTC; None = not yet. state: one of `STATES`. progress: 0 to 1. stage: what it does.
        run, sweep: numbers in the journal. report: page. summary: what `--json` prints. problem: {"kind", "text"}, why it failed.
    """

    id: str
    kind: str
    asked: dict[str, Any]
    created: str
    state: str = "waiting"
    progress: float = 0.0
    stage: str = ""
    started: str | None = None
    finished: str | None = None
    run: int | None = None
    sweep: int | None = None
    report: str | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, str] | None = None

    def copy(self) -> "Job":
        """The job as it is now."""
        return copy.copy(self)


class JobFiles:
    """The jobs in one folder, which one process at a time holds open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "jobs.lock")
        self._jobs: dict[str, Job] = {}

    def open(self) -> None:
        """Read the jobs; those that were not over are lost. The oldest are forgotten.

        Raises:
            UsageError: another process holds the folder. StoreFailed: the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"another API serves jobs from {self._folder}: end it, or set CEREBROLAB_HOME to another folder") from None
        except OSError as error:
            raise StoreFailed(f"cannot write {self._folder}: {error.strerror}; make it writable") from None
        files = sorted(self._folder.glob("*.json"))
        for file in files[:-KEPT]:
            file.unlink(missing_ok=True)
        self._jobs = {job.id: job for job in map(_read, files[-KEPT:]) if job is not None}
        for job in self._jobs.values():
            if job.state in ACTIVE:
                job.state, job.problem = "lost", {"kind": "job-lost", "text": "the API ended before this job was over: ask for it again"}
                self.keep(job)

    def close(self) -> None:
        """Let another process hold the folder."""
        self._lock.release()

    def job(self, name: str) -> Job:
        """A job.

        Raises:
            UnknownName: there is none.
        """
        if name not in self._jobs:
            raise UnknownName(f"unknown job {name!r:.60}: see /v1/jobs for those there are")
        return self._jobs[name]

    def jobs(self) -> list[Job]:
        """Every job, the latest first."""
        return list(reversed(self._jobs.values()))

    def keep(self, job: Job) -> None:
        """Write a job; beyond `KEPT` the oldest that is over is forgotten.

        Raises:
            StoreFailed: it could not be written.
        """
        text = to_json(dataclasses.asdict(job), inf_nan_mode="null", fallback=_plain)
        job.summary = json.loads(text)["summary"]
        file = self._folder / f"{job.id}.json"
        try:
            file.with_suffix(".new").write_bytes(text)
            file.with_suffix(".new").replace(file)
        except OSError as error:
            raise StoreFailed(f"cannot write {file}: {error.strerror}; make room or make it writable") from None
        self._jobs[job.id] = job
        over = [each for each in self._jobs.values() if each.state not in ACTIVE]
        if len(self._jobs) > KEPT and over:
            del self._jobs[over[0].id]
            (self._folder / f"{over[0].id}.json").unlink(missing_ok=True)


def _read(file: Path) -> Job | None:
    try:
        return Job(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        log.warning("the job in %s cannot be read: %s", file, error)
        return None


def _plain(value: Any) -> Any:
    """A numpy number or array as plain values; anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
