"""`Subscriptions`: who follows the advice of which strategies on which symbols, what was advised, and who has been told.

An address takes part once it has opted in by the link it was mailed, and until it leaves. Advice is recorded once a strategy, symbol
and session; in the same transaction every follower of that moment is due to be told, once.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from core.clock import Clock
from core.errors import UnknownName, UsageError
from journal.database import Database, insert_new
from journal.tables import AdviceRow, DeliveryRow, SubscriberRow, SubscriptionRow

ADVICE, CONFIRM, WISH = "advice", "confirm", "wish"
MOST_FOLLOWED = 1_000  # subscriptions of one address
NEVER = 2**62  # when a mail that was given up is tried again
AGAIN_NS = 10 * 60 * 10**9  # before a second question whether an address is right
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")
_ADDRESS = re.compile(r"[^@\s<>\"'(),:;\\\[\]]{1,64}@(?=.{1,255}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


@dataclass(frozen=True)
class Subscriber:
    """An address, and the secret of its links.

    Attributes:
        follows: (strategy, symbol), in order. confirmed: it has opted in, and has not left.
    """

    id: int
    address: str
    token: str = field(repr=False)
    confirmed: bool
    follows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Advice:
    """What a strategy says of a symbol on a session (ISO date): "BUY" or "SELL", at which raw close, and why, as numbers by name."""

    strategy: str
    symbol: str
    session: str
    signal: str
    close: Decimal
    reasons: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Due:
    """What one subscriber is to be told now: one mail.

    Attributes:
        asks: whether the address is to be confirmed. wishes: whether somebody wants it to follow more. deliveries: what `Subscriptions.sent` is to be told. attempts: how often it was tried.
    """

    subscriber: Subscriber
    asks: bool
    wishes: bool
    advices: tuple[Advice, ...]
    deliveries: tuple[int, ...]
    attempts: int


class _Delivery(NamedTuple):
    id: int
    kind: str
    ref: int
    attempts: int


class Subscriptions:
    """Subscriptions in one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    # -- subscribers ----------------------------------------------------------------------------------

    def ask(self, address: str, follows: Iterable[tuple[str, str]]) -> Subscriber:
        """Note that somebody wants an address to follow (strategy, symbol) pairs; unless it has opted in, it is asked by mail.

        A confirmed address is mailed the link by which it can follow more (`follow`): here nothing is added to what it follows.

        Raises:
            UsageError: it is no address, nothing is to be followed, or too much; whether it is known makes no difference.
        """
        name, now, pairs = _address(address), self._clock.now_ns(), _pairs(follows)
        with self._database.writing() as session:
            row = session.scalar(select(SubscriberRow).where(SubscriberRow.address == name))
            if row is None:
                row = SubscriberRow(address=name, token=secrets.token_urlsafe(32), created_ns=now)
                session.add(row)
                session.flush()
            if row.confirmed_ns is not None and row.left_ns is None:
                self._ask(session, row.id, WISH, now)
                return self._of(session, row)
            session.execute(delete(DeliveryRow).where(DeliveryRow.subscriber_id == row.id, DeliveryRow.sent_ns.is_(None), DeliveryRow.kind == ADVICE))
            back, row.confirmed_ns, row.left_ns = row.left_ns is not None, None, None
            known = set(_follows(session, [row.id]).get(row.id, ()))
            self._follow(session, row.id, [each for each in pairs if each not in known][: MOST_FOLLOWED - len(known)], now)
            self._ask(session, row.id, CONFIRM, now, always=back)
            return self._of(session, row)

    def confirm(self, token: str) -> Subscriber:
        """The address of a link opts in.

        Raises:
            UnknownName: the link is none of ours.
        """
        with self._database.writing() as session:
            row = _by_token(session, token)
            row.confirmed_ns, row.left_ns = row.confirmed_ns or self._clock.now_ns(), None
            return self._of(session, row)

    def leave(self, token: str) -> Subscriber:
        """The address of a link opts out: it is told nothing more. Raises as `confirm`."""
        with self._database.writing() as session:
            row = _by_token(session, token)
            row.left_ns = row.left_ns or self._clock.now_ns()
            session.execute(delete(SubscriptionRow).where(SubscriptionRow.subscriber_id == row.id))
            session.execute(delete(DeliveryRow).where(DeliveryRow.subscriber_id == row.id, DeliveryRow.sent_ns.is_(None)))
            return self._of(session, row)

    def subscriber(self, token: str) -> Subscriber:
        """Whose link it is. Raises as `confirm`."""
        with self._database.reading() as session:
            return self._of(session, _by_token(session, token))

    def follow(self, token: str, follows: Iterable[tuple[str, str]]) -> Subscriber:
        """What the address of a link follows from now on, instead of what it did. Raises as `confirm`, and UsageError as `ask`."""
        with self._database.writing() as session:
            row, pairs = _by_token(session, token), _pairs(follows)
            session.execute(delete(SubscriptionRow).where(SubscriptionRow.subscriber_id == row.id))
            self._follow(session, row.id, pairs, self._clock.now_ns())
            return self._of(session, row)

    def followed(self) -> dict[str, tuple[str, ...]]:
        """Strategy -> the symbols that somebody follows it on, in order."""
        pairs = select(SubscriptionRow.strategy, SubscriptionRow.symbol).join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
        chosen = pairs.where(*_TAKES_PART).distinct().order_by(SubscriptionRow.strategy, SubscriptionRow.symbol)
        found: dict[str, list[str]] = {}
        with self._database.reading() as session:
            for strategy, symbol in session.execute(chosen):
                found.setdefault(strategy, []).append(symbol)
        return {strategy: tuple(symbols) for strategy, symbols in found.items()}

    # -- advice ---------------------------------------------------------------------------------------

    def advise(self, advices: Iterable[Advice]) -> int:
        """Record advice, and that everybody who follows it is to be told; what was advised before stays. Returns how much was new."""
        now, new = self._clock.now_ns(), 0
        with self._database.writing() as session:
            for each in advices:
                known = (AdviceRow.strategy == each.strategy, AdviceRow.symbol == each.symbol, AdviceRow.session == each.session)
                if session.scalar(select(AdviceRow.id).where(*known)) is not None:
                    continue
                row = AdviceRow(created_ns=now, **vars(each))
                session.add(row)
                session.flush()
                followers = select(
                    SubscriptionRow.subscriber_id, literal(ADVICE), literal(row.id), literal(now), literal(now), literal(0), literal("")).join(
                    SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id).where(
                    *_TAKES_PART, SubscriptionRow.strategy == each.strategy, SubscriptionRow.symbol == each.symbol)
                session.execute(insert(DeliveryRow).from_select(
                    ["subscriber_id", "kind", "ref", "created_ns", "next_ns", "attempts", "error"], followers, include_defaults=False))
                new += 1
        return new

    def advices(self, strategy: str | None = None, symbol: str | None = None, since: str = "") -> list[Advice]:
        """What was advised from a session on (ISO date), in order."""
        chosen = select(AdviceRow).where(AdviceRow.session >= since).order_by(AdviceRow.session, AdviceRow.id)
        for column, value in ((AdviceRow.strategy, strategy), (AdviceRow.symbol, symbol)):
            if value is not None:
                chosen = chosen.where(column == value)
        with self._database.reading() as session:
            return [_advice(row) for row in session.scalars(chosen)]

    # -- mails ----------------------------------------------------------------------------------------

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
            told = {each.id: _advice(each) for each in session.scalars(select(AdviceRow).where(AdviceRow.id.in_(refs)))}
            rows = {each.id: each for each in session.scalars(select(SubscriberRow).where(SubscriberRow.id.in_(numbers)))}
            follows = _follows(session, numbers)
            return [_due(_subscriber(rows[number], follows.get(number, ())), deliveries[number], told) for number in numbers]

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

    # -- inside ---------------------------------------------------------------------------------------

    def _follow(self, session: Session, subscriber: int, pairs: Sequence[tuple[str, str]], now: int) -> None:
        if pairs:
            session.execute(insert_new(session, SubscriptionRow), [
                dict(subscriber_id=subscriber, strategy=strategy, symbol=symbol, created_ns=now) for strategy, symbol in pairs])

    def _ask(self, session: Session, subscriber: int, kind: str, now: int, always: bool = False) -> None:
        asked = session.scalar(select(func.max(DeliveryRow.ref)).where(DeliveryRow.subscriber_id == subscriber, DeliveryRow.kind == kind))
        if asked is None or now - asked >= AGAIN_NS or (always and now != asked):
            session.add(DeliveryRow(subscriber_id=subscriber, kind=kind, ref=now, created_ns=now, next_ns=now, attempts=0, error=""))

    def _of(self, session: Session, row: SubscriberRow) -> Subscriber:
        session.flush()
        return _subscriber(row, _follows(session, [row.id]).get(row.id, ()))


_TAKES_PART = (SubscriberRow.confirmed_ns.is_not(None), SubscriberRow.left_ns.is_(None))


def _pairs(follows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = list(dict.fromkeys(follows))
    if not pairs:
        raise UsageError("nothing is to be followed: name symbols and strategies")
    if len(pairs) > MOST_FOLLOWED:
        raise UsageError(f"{len(pairs)} subscriptions are too many for one address: {MOST_FOLLOWED} at most")
    return pairs


def _address(text: str) -> str:
    name = text.strip()
    if not name.isascii() or not _ADDRESS.fullmatch(name) or any(ord(each) < 33 or ord(each) == 127 for each in name):
        raise UsageError(f"address {text[:100]!r} is not an e-mail address: write it as name@example.org")
    local, _, host = name.rpartition("@")
    return f"{local}@{host.lower()}"


def _by_token(session: Session, token: str) -> SubscriberRow:
    row = session.scalar(select(SubscriberRow).where(SubscriberRow.token == token)) if _TOKEN.fullmatch(token) else None
    if row is None:
        raise UnknownName("this link is not valid: subscribe again, or use the link of the latest mail")
    return row


def _follows(session: Session, numbers: Sequence[int]) -> Mapping[int, tuple[tuple[str, str], ...]]:
    chosen = select(SubscriptionRow.subscriber_id, SubscriptionRow.strategy, SubscriptionRow.symbol).where(
        SubscriptionRow.subscriber_id.in_(numbers)).order_by(SubscriptionRow.id)
    found: dict[int, list[tuple[str, str]]] = {}
    for number, strategy, symbol in session.execute(chosen):
        found.setdefault(number, []).append((strategy, symbol))
    return {number: tuple(pairs) for number, pairs in found.items()}


def _subscriber(row: SubscriberRow, follows: tuple[tuple[str, str], ...]) -> Subscriber:
    return Subscriber(row.id, row.address, row.token, row.confirmed_ns is not None and row.left_ns is None, follows)


def _advice(row: AdviceRow) -> Advice:
    return Advice(row.strategy, row.symbol, row.session, row.signal, row.close, row.reasons)


def _due(subscriber: Subscriber, rows: Sequence[_Delivery], told: Mapping[int, Advice]) -> Due:
    advices = tuple(told[row.ref] for row in rows if row.kind == ADVICE)
    asks, wishes = (any(row.kind == kind for row in rows) for kind in (CONFIRM, WISH))
    return Due(subscriber, asks, wishes, advices, tuple(row.id for row in rows), max(row.attempts for row in rows))
