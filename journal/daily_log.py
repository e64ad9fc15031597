"""`DailyLog`: what became of each step of the daily run of each session."""

from dataclasses import dataclass

from sqlalchemy import select

from core.clock import Clock
from journal.database import Database
from journal.tables import DailyStepRow


@dataclass(frozen=True)
class DailyStep:
    """A step of a session (ISO date): whether it is done, how often it was tried, when last (UTC ns), and what it said."""

    session: str
    step: str
    done: bool
    attempts: int
    time_ns: int
    text: str


class DailyLog:
    """The steps in one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def record(self, day: str, step: str, done: bool, text: str) -> DailyStep:
        """Note how a step went; one that was done stays so."""
        now = self._clock.now_ns()
        with self._database.writing() as session:
            row = session.scalar(select(DailyStepRow).where(DailyStepRow.session == day, DailyStepRow.step == step))
            if row is None:
                row = DailyStepRow(session=day, step=step, done=False, attempts=0, time_ns=now, text="")
                session.add(row)
            if not row.done:
                row.done, row.attempts, row.time_ns, row.text = done, row.attempts + 1, now, text
            return _step(row)

    def steps(self, day: str | None = None, limit: int = 100) -> list[DailyStep]:
        """The steps of a session, or the latest of all, the latest first."""
        chosen = select(DailyStepRow).order_by(DailyStepRow.session.desc(), DailyStepRow.id.desc()).limit(limit)
        with self._database.reading() as session:
            return [_step(row) for row in session.scalars(chosen if day is None else chosen.where(DailyStepRow.session == day))]


def _step(row: DailyStepRow) -> DailyStep:
    return DailyStep(row.session, row.step, row.done, row.attempts, row.time_ns, row.text)
