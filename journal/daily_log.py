"""`DailyLog`: what became of each step of the daily run of each session, and how far those who tell of records have come."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, func, select, update

from core.clock import Clock
from journal.account_log import Note
from journal.database import Database
from journal.pages import record_of
from journal.tables import AccountNoteRow, DailyStepRow

NO_SESSION = ""  # of the rows that are places


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

    def record(self, day: str, step: str, done: bool, text: str, at_ns: int = 0) -> DailyStep:
        """Note how a step went; one that was done stays so.

        Args:
            at_ns: when that was, UTC ns: telling the same moment again changes nothing; 0 = now.
        """
        now = at_ns or self._clock.now_ns()
        with self._database.writing() as session:
            row = session.scalar(select(DailyStepRow).where(DailyStepRow.session == day, DailyStepRow.step == step))
            if row is None:
                row = DailyStepRow(session=day, step=step, done=False, attempts=0, time_ns=0, text="")
                session.add(row)
            if not row.done and not row.time_ns == at_ns > 0:
                row.done, row.attempts, row.time_ns, row.text = done, row.attempts + 1, now, text
            return _step(row)

    def steps(self, day: str | None = None, limit: int = 100) -> list[DailyStep]:
        """The steps of a session, or the latest of all, the latest first."""
        chosen = select(DailyStepRow).where(DailyStepRow.session != NO_SESSION)
        if day is not None:
            chosen = chosen.where(DailyStepRow.session == day)
        return self._found(chosen.order_by(DailyStepRow.session.desc(), DailyStepRow.id.desc()).limit(limit))

    def days(self, limit: int = 30) -> list[tuple[str, list[DailyStep]]]:
        """The latest sessions with their steps in order, the latest session first."""
        latest = select(DailyStepRow.session).where(DailyStepRow.session != NO_SESSION).distinct().order_by(DailyStepRow.session.desc()).limit(limit)
        found: dict[str, list[DailyStep]] = {}
        for each in self._found(select(DailyStepRow).where(DailyStepRow.session.in_(latest)).order_by(DailyStepRow.session.desc(), DailyStepRow.id)):
            found.setdefault(each.session, []).append(each)
        return list(found.items())

    def place(self, teller: str) -> str | None:
        """How far somebody who tells of records has come, as it was kept; None = nothing was."""
        return next((each.text for each in self._found(_place(teller))), None)

    def keep_place(self, teller: str, place: str) -> None:
        """Keep how far somebody who tells of records has come."""
        with self._database.writing(durable=True) as session:
            row = session.scalar(_place(teller))
            if row is None:
                row = DailyStepRow(session=NO_SESSION, step=teller, done=False, attempts=0, time_ns=0, text="")
                session.add(row)
            row.attempts, row.time_ns, row.text = row.attempts + 1, self._clock.now_ns(), place

    def move_place(self, teller: str, before: str, after: str) -> bool:
        """Move on from one place to another; False where it is at another place already: somebody else has moved it."""
        moved = update(DailyStepRow).where(DailyStepRow.session == NO_SESSION, DailyStepRow.step == teller, DailyStepRow.text == before)
        values = dict(text=after, time_ns=self._clock.now_ns(), attempts=DailyStepRow.attempts + 1)
        with self._database.writing(durable=True) as session:
            return session.execute(moved.values(values).returning(DailyStepRow.id)).first() is not None

    def last_note(self) -> int:
        """The number of the latest note of live accounts; 0 = there is none."""
        with self._database.reading() as session:
            return session.scalar(select(func.max(AccountNoteRow.id))) or 0

    def notes_after(self, number: int, kinds: Iterable[str], limit: int = 100) -> list[tuple[int, Note]]:
        """Notes of some kinds of live accounts after one of them, with their numbers, in the order they were written."""
        chosen = select(AccountNoteRow).where(AccountNoteRow.id > number, AccountNoteRow.kind.in_(list(kinds))).order_by(AccountNoteRow.id).limit(limit)
        with self._database.reading() as session:
            return [(row.id, record_of(Note, row)) for row in session.scalars(chosen)]

    def _found(self, chosen: Select[DailyStepRow]) -> list[DailyStep]:
        with self._database.reading() as session:
            return [_step(row) for row in session.scalars(chosen)]


def _place(teller: str) -> Select[DailyStepRow]:
    return select(DailyStepRow).where(DailyStepRow.session == NO_SESSION, DailyStepRow.step == teller)


def _step(row: DailyStepRow) -> DailyStep:
    return DailyStep(row.session, row.step, row.done, row.attempts, row.time_ns, row.text)
