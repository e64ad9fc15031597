"""`Deliveries`: the mails that are due, each told once, and tried again where it did not leave."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, update

from core.clock import Clock
from core.errors import UsageError
from journal.database import Database
from journal.subscription_records import Advice, Due, Posted, Subscriber, advice_of, follows_of, subscriber_of
from journal.tables import AdviceRow, DeliveryRow, SubscriberRow

ADVICE, CONFIRM, WISH = "advice", "confirm", "wish"
NEVER = 2**62  # when a mail that was given up is tried again


class _Delivery(NamedTuple):
    id: int
    kind: str
    ref: int
    attempts: int


class Deliveries:
    """The mails of one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def due(self, after: int = 0, limit: int = 100) -> list[Due]:
        """Mails whose time has come, in the order of subscribers, of those after a number; at most `limit`."""
        now, row = self._clock.now_ns(), DeliveryRow
        gone = select(SubscriberRow.id).where(SubscriberRow.left_ns.is_not(None))
        waits = (row.sent_ns.is_(None), row.next_ns <= now, row.subscriber_id.not_in(gone))
        with self._database.reading() as session:
            chosen = select(row.subscriber_id).where(*waits, row.subscriber_id > after).distinct().order_by(row.subscriber_id).limit(limit)
            numbers = list(session.scalars(chosen))
            wanted = select(row.subscriber_id, row.id, row.kind, row.ref, row.attempts).where(*waits, row.subscriber_id.in_(numbers)).order_by(row.id)
            deliveries: dict[int, list[_Delivery]] = {}
            for number, delivery, kind, ref, attempts in session.execute(wanted):
                deliveries.setdefault(number, []).append(_Delivery(delivery, kind, ref, attempts))
            refs = {each.ref for rows in deliveries.values() for each in rows if each.kind == ADVICE}
            told = {each.id: advice_of(each) for each in session.scalars(select(AdviceRow).where(AdviceRow.id.in_(refs)))}
            rows = {each.id: each for each in session.scalars(select(SubscriberRow).where(SubscriberRow.id.in_(numbers)))}
            follows = follows_of(session, numbers)
            return [_due(subscriber_of(rows[number], follows.get(number, ())), deliveries[number], told) for number in numbers]

    def sent(self, due: Due) -> bool:
        """A mail is to leave now: nothing in it is told again. False where another process has told some of it, or the subscriber has left."""
        waiting = select(DeliveryRow.id).where(DeliveryRow.id.in_(due.deliveries), DeliveryRow.sent_ns.is_(None)).with_for_update()
        with self._database.writing() as session:
            if len(session.scalars(waiting).all()) != len(due.deliveries):
                return False
            session.execute(update(DeliveryRow).where(DeliveryRow.id.in_(due.deliveries)).values(
                sent_ns=self._clock.now_ns(), attempts=DeliveryRow.attempts + 1, error=""))
        return True

    def failed(self, due: Due, error: str, next_ns: int) -> None:
        """A mail did not leave, or was marked as sent and was refused after all: it is to be tried from a moment on (UTC ns)."""
        with self._database.writing() as session:
            session.execute(update(DeliveryRow).where(DeliveryRow.id.in_(due.deliveries)).values(
                sent_ns=None, attempts=due.attempts + 1, error=error, next_ns=next_ns))

    def waiting(self) -> int:
        """How many mails are still to be sent, now or later."""
        with self._database.reading() as session:
            wait = (DeliveryRow.sent_ns.is_(None), DeliveryRow.next_ns < NEVER)
            return session.scalar(select(func.count(DeliveryRow.subscriber_id.distinct())).where(*wait)) or 0

    def posts(self) -> bool | None:
        """Whether whoever holds the database can send mails (`post`); None = it is held here, and the caller sends them."""
        return None

    def post(self) -> Posted:
        """Have whoever holds the database send what is due now.

        Raises:
            UsageError: it is held here. StoreFailed: the mail server, or the holder, does not answer; what has not left stays due.
        """
        raise UsageError("mails are sent by the caller here: use services.notify.post")


def _due(subscriber: Subscriber, rows: Sequence[_Delivery], told: Mapping[int, Advice]) -> Due:
    advices = tuple(told[row.ref] for row in rows if row.kind == ADVICE)
    asks, wishes = (any(row.kind == kind for row in rows) for kind in (CONFIRM, WISH))
    return Due(subscriber, asks, wishes, advices, tuple(row.id for row in rows), max(row.attempts for row in rows))
