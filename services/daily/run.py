"""`run_day`: the steps of a session in succession, by one process at a time, going on where an earlier run stopped.

A step that fails ends the run; the next one tries it again. Its first failure is told to the operator, later ones are not.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from core.calendars import Calendar
from core.errors import CerebrolabError, UsageError
from journal.daily_log import DailyStep
from services.daily.steps import STEPS, Day, told

log = logging.getLogger(__name__)
AFTER_NS = 30 * 60 * 10**9  # from the close: 16:30 in New York, 13:30 on its half days


def run_day(day: Day, alert: Callable[[str, str], object] | None = None) -> list[DailyStep]:
    """Do what is left of a session's steps; returns how each stands, in order, up to the first that failed.

    Args:
        alert: told (title, text) of a step that failed for the first time.
    """
    name, log_of_day = str(day.session), day.journal.daily
    known = {each.step: each for each in log_of_day.steps(name)}
    stand: list[DailyStep] = []
    for step, work in STEPS.items():
        if step in known and known[step].done:
            stand.append(known[step])
            continue
        try:
            stand.append(log_of_day.record(name, step, True, work(day)))
        except CerebrolabError as error:
            stand.append(log_of_day.record(name, step, False, told(error)))
            log.error("%s of %s failed: %s", step, name, told(error))
            if stand[-1].attempts == 1 and alert is not None:
                alert(f"Daily run of {name}: {step} failed", told(error))
            break
        log.info("%s of %s: %s", step, name, stand[-1].text)
    return stand


def last_due(calendar: Calendar, now: int) -> np.datetime64:
    """The latest session whose daily run is due by `now` (UTC ns).

    Raises:
        UsageError: the calendar has none yet.
    """
    due = calendar.sessions[calendar.closes + AFTER_NS <= now]
    if not len(due):
        raise UsageError("no session has closed yet: look at the computer's clock")
    return due[-1]


def next_due(calendar: Calendar, now: int) -> int:
    """When the next daily run is due, UTC ns."""
    later = calendar.closes[calendar.closes + AFTER_NS > now]
    if not len(later):
        raise UsageError("the exchange calendar ends here: update cerebrolab's packages")
    return int(later[0]) + AFTER_NS


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Only one process of this folder at a time.

    Raises:
        UsageError: another is at work, or the folder cannot be written.
    """
    lock = FileLock(home / "daily.lock")
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"another daily run is at work ({lock.lock_file} is held): wait for it") from None
    except OSError as error:
        raise UsageError(f"cannot write the folder {home}: {error.strerror}; name another with CEREBROLAB_HOME") from None
    try:
        yield
    finally:
        lock.release()
