"""Jobs in the background: each in a process of its own, so many at a time, told about, cancelled, and remembered over a restart.

The process that holds the jobs holds the journal, and records for them. May import what lies below services; services.tasks, .worker.
"""

import contextlib
import datetime as dt
import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import threading
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import CerebrolabError, UsageError
from core.settings import Settings
from journal.journal import Journal
from services import worker
from services.job_files import ACTIVE, Job, JobFiles
from services.tasks import Outcome, Task

log = logging.getLogger(__name__)
MOST_WAITING = 100
STOP_S = 10.0  # to wait for a thread when all ends


class Jobs:
    """The jobs of one API; a context manager, at whose end what still runs is ended.

    Args:
        settings: where runs, bars and the record of jobs are. journal: where results are recorded. workers: processes at a time.

    Raises:
        UsageError: another process serves jobs from the same folder.
    """

    def __init__(self, settings: Settings, journal: Journal, workers: int = 1) -> None:
        self._settings, self._journal = settings, journal
        self._files = JobFiles(settings.home / "jobs")
        self._changed = threading.Condition(threading.RLock())
        self._waiting: deque[tuple[Job, Task]] = deque()
        self._processes: dict[str, Any] = {}
        self._threads = [threading.Thread(target=self._work, name=f"jobs {at}", daemon=True) for at in range(workers)]
        self._ending = False

    def __enter__(self) -> Self:
        self._files.open()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            for process in self._processes.values():
                _kill(process)
        for thread in self._threads:
            thread.join(STOP_S)
        self._files.close()

    # -- asking -------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether so many jobs wait that no more are taken."""
        return len(self._waiting) >= MOST_WAITING

    def ask(self, task: Task) -> Job:
        """A new job, which waits for its turn."""
        job = Job(id=f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}", kind=task.kind, asked=task.asked(), created=_now())
        with self._changed:
            self._files.keep(job)
            self._waiting.append((job, task))
            self._changed.notify()
        return job.copy()

    def job(self, name: str) -> Job:
        """A job as it is now.

        Raises:
            UnknownName: there is none.
        """
        with self._changed:
            return self._files.job(name).copy()

    def jobs(self, state: str | None = None, kind: str | None = None) -> list[Job]:
        """Jobs as they are now, the latest first."""
        with self._changed:
            return [job.copy() for job in self._files.jobs() if state in (None, job.state) and kind in (None, job.kind)]

    def cancel(self, name: str) -> Job:
        """End a job, before it begins or while it runs; one that is over, or whose result is recorded, stays as it is.

        Raises:
            UnknownName: there is none.
        """
        with self._changed:
            job = self._files.job(name)
            if job.state in ACTIVE and job.run is None:
                self._waiting = deque((each, task) for each, task in self._waiting if each is not job)
                self._over(job, "cancelled")
                if name in self._processes:
                    _kill(self._processes[name])
            return job.copy()

    # -- carrying out -------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ending or self._waiting)
                if self._ending:
                    return
                job, task = self._waiting.popleft()
                job.state, job.started = "running", _now()
                self._kept(job)
            self._carry_out(job, task)

    def _carry_out(self, job: Job, task: Task) -> None:
        directory = (self._settings.runs_dir / job.id).resolve()
        try:
            with self._process(job, task, directory) as pipe:
                while job.state == "running" and not self._ending:
                    self._heard(job, pipe, *pipe.recv())
        except EOFError:
            with self._changed:
                if job.state == "running" and not self._ending:
                    self._over(job, "failed", "job-crashed", "the process of the job ended without a word: look for what killed it")
        except Exception as error:
            log.error("job %s", job.id, exc_info=error)
            with self._changed:
                if job.state == "running":
                    self._over(job, "failed", "job-crashed", "the job could not be carried out: the log says why")
        if job.run is None and job.state != "done":
            shutil.rmtree(directory, ignore_errors=True)

    @contextlib.contextmanager
    def _process(self, job: Job, task: Task, directory: Path) -> Iterator[Connection]:
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(target=worker.main, args=(theirs, self._settings, directory, task), name=f"job {job.id}")
        with self._changed:
            if self._ending or job.state != "running":
                raise EOFError
            process.start()
            self._processes[job.id] = process
        theirs.close()
        try:
            yield pipe
        finally:
            with self._changed:
                del self._processes[job.id]
            _kill(process)
            process.join()
            process.close()
            pipe.close()

    def _heard(self, job: Job, pipe: Connection, kind: str, *said: Any) -> None:
        """One message of the process of a job; nothing is done for a job that is over."""
        with self._changed:
            if job.state != "running" or self._ending:
                return
            if kind == "progress":
                job.progress, job.stage = round(max(job.progress, said[0]), 4), said[1]
            elif kind == "call":
                pipe.send(self._called(job, *said))
            elif kind == "done":
                self._done(job, said[0])
            elif kind == "failed":
                self._over(job, "failed", *said)
            else:
                log.error("job %s failed\n%s", job.id, said[1])
                self._over(job, "failed", "job-crashed", f"unexpected {said[0]}: the log says where")

    def _called(self, job: Job, of: str, name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[str, Any]:
        """What a method of the journal gives, or the error it raises."""
        allowed = worker.JOURNAL if of == "journal" else worker.LEDGER
        if name not in allowed:
            return "error", UsageError(f"{name} is not done for a job")
        try:
            value = getattr(self._journal if of == "journal" else self._journal.ledger, name)(*args, **keywords)
            if name == "record_run":
                job.run = value
                self._kept(job)
            return "value", list(value) if isinstance(value, Iterator) else value
        except CerebrolabError as error:
            return "error", error

    def _done(self, job: Job, outcome: Outcome) -> None:
        job.run, job.sweep, job.report, job.progress = outcome.run, outcome.sweep, outcome.report or None, 1.0
        job.summary = dict(outcome.summary)
        self._over(job, "done")

    def _over(self, job: Job, state: str, kind: str = "", text: str = "") -> None:
        job.state, job.stage, job.finished = state, "", _now()
        job.problem = {"kind": kind, "text": text} if kind else None
        self._kept(job)

    def _kept(self, job: Job) -> None:
        """Write a job; where that fails, what is known until the end of this process is enough."""
        try:
            self._files.keep(job)
        except CerebrolabError as error:
            log.error("job %s: %s", job.id, error)


def _kill(process: Any) -> None:
    """End a process and those it began."""
    with contextlib.suppress(ProcessLookupError, ValueError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ValueError):
        process.kill()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
