"""`Steering`: what people ask of running strategies, and what each run has made of it. Append-only, so that it is the audit.

A request is addressed to a strategy, a run, or all of them; a run looks for what waits for it before it decides, and answers
each request once. A process that starts again applies what its run had taken.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.clock import Clock
from core.errors import UnknownName
from journal.database import Database, insert_new
from journal.tables import SteeringAnswerRow, SteeringRequestRow

CONFIGURE, REBALANCE, SCHEDULE = KINDS = ("configure", "rebalance", "schedule")


@dataclass(frozen=True)
class SteeringRequest:
    """What somebody asks of running strategies.

    Attributes:
        id: counts up. kind: one of `KINDS`. strategy: its canonical name, "" = any. run: the name of a run, "" = any.
        facts: what is asked, plain values. by: who asks. asked_ns: when, UTC ns.
    """

    id: int
    kind: str
    strategy: str
    run: str
    facts: dict[str, Any]
    by: str
    asked_ns: int


@dataclass(frozen=True)
class SteeringAnswer:
    """What one run has made of a request.

    Attributes:
        request_id: of which. account, run: who answers. taken: whether it was carried out. text: what changed, or why nothing did.
        bar_ns: the bar it was carried out on, UTC ns. answered_ns: when, UTC ns.
    """

    request_id: int
    account: str
    run: str
    taken: bool
    text: str
    bar_ns: int
    answered_ns: int


class Steering:
    """Requests and answers of one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def ask(self, kind: str, strategy: str = "", run: str = "", facts: Mapping[str, Any] | None = None, by: str = "",
            key: str = "", asked_ns: int = 0) -> SteeringRequest:
        """Record a request; it outlives a power cut.

        Args:
            key: the same one again changes nothing; "" = a new one. asked_ns: when it was asked, UTC ns; 0 = now.

        Raises:
            UnknownName: another kind than those of `KINDS`.
        """
        self.check(kind)
        row = dict(key=key or uuid.uuid4().hex, kind=kind, strategy=strategy, run=run, facts=dict(facts or {}), by=by,
                   asked_ns=asked_ns or self._clock.now_ns())
        self._database.keep_open()
        with self._database.writing(durable=True) as session:
            session.execute(insert_new(session, SteeringRequestRow).values(**row))
            [made] = _requests(session, select(SteeringRequestRow).where(SteeringRequestRow.key == row["key"]))
        return made

    def check(self, kind: str) -> None:
        """See to it that there is such a kind of request.

        Raises:
            UnknownName: there is not.
        """
        if kind not in KINDS:
            raise UnknownName.of("kind of steering request", kind, KINDS)

    def waiting(self, account: str, run: str, strategy: str) -> list[SteeringRequest]:
        """What is asked of a run of a strategy on an account, and not answered by it, in the order it was asked."""
        answered = select(SteeringAnswerRow.request_id).where(SteeringAnswerRow.account == account, SteeringAnswerRow.run == run)
        return self._found(select(SteeringRequestRow).where(SteeringRequestRow.strategy.in_(("", strategy)), SteeringRequestRow.run.in_(("", run)),
                                                            SteeringRequestRow.id.not_in(answered)))

    def taken(self, account: str, run: str) -> list[SteeringRequest]:
        """What a run on an account has carried out so far, in the order it was asked."""
        did = select(SteeringAnswerRow.request_id).where(SteeringAnswerRow.account == account, SteeringAnswerRow.run == run,
                                                         SteeringAnswerRow.taken.is_(True))
        return self._found(select(SteeringRequestRow).where(SteeringRequestRow.id.in_(did)))

    def answer(self, request_id: int, account: str, run: str, taken: bool, text: str, bar_ns: int, answered_ns: int = 0) -> None:
        """Record what a run has made of a request; its first answer counts, another one changes nothing. It outlives a power cut.

        Args:
            answered_ns: when, UTC ns; 0 = now.

        Raises:
            UnknownName: no such request.
        """
        self._database.keep_open()
        with self._database.writing(durable=True) as session:
            if session.get(SteeringRequestRow, request_id) is None:
                raise UnknownName(f"unknown steering request {request_id}: the journal has none of that number")
            session.execute(insert_new(session, SteeringAnswerRow).values(
                request_id=request_id, account=account, run=run, taken=taken, text=text, bar_ns=bar_ns,
                answered_ns=answered_ns or self._clock.now_ns()))

    def requests(self, kind: str | None = None, strategy: str | None = None, run: str | None = None, after: int = 0,
                 limit: int | None = None) -> list[SteeringRequest]:
        """The requests of a kind, addressed to a strategy and a run as they stand there, or all; in the order they were asked.

        Args:
            after: the number after which to go on. limit: so many at most.
        """
        chosen = select(SteeringRequestRow).where(SteeringRequestRow.id > after).limit(limit)
        for name, value in (("kind", kind), ("strategy", strategy), ("run", run)):
            if value is not None:
                chosen = chosen.where(getattr(SteeringRequestRow, name) == value)
        return self._found(chosen)

    def answers(self, request_id: int | None = None, account: str | None = None, run: str | None = None) -> list[SteeringAnswer]:
        """The answers to a request, of an account and run, or all; in order."""
        chosen = select(SteeringAnswerRow).order_by(SteeringAnswerRow.id)
        for name, value in (("request_id", request_id), ("account", account), ("run", run)):
            if value is not None:
                chosen = chosen.where(getattr(SteeringAnswerRow, name) == value)
        with self._database.reading() as session:
            return [SteeringAnswer(**{name: getattr(row, name) for name in SteeringAnswer.__dataclass_fields__})
                    for row in session.scalars(chosen)]

    def _found(self, chosen: Select[Any]) -> list[SteeringRequest]:
        with self._database.reading() as session:
            return _requests(session, chosen.order_by(SteeringRequestRow.id))


def _requests(session: Session, chosen: Select[Any]) -> list[SteeringRequest]:
    return [SteeringRequest(**{name: getattr(row, name) for name in SteeringRequest.__dataclass_fields__}) for row in session.scalars(chosen)]
