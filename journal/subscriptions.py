"""`Subscriptions`: who follows the advice of which strategies on which symbols, what was advised, and who has been told.

An address takes part once it has opted in by the link it was mailed, and until it leaves. Advice is recorded once a strategy, symbol
and session; in the same transaction every follower of that moment is due to be told, once.
"""

import re
import secrets
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, insert, literal, select, tuple_
from sqlalchemy.orm import Session

from core.errors import UnknownName, UsageError
from journal.database import insert_new
from journal.deliveries import ADVICE, CONFIRM, NEVER, WISH, Deliveries
from journal.pages import Part
from journal.subscription_records import (
    Advice,
    Backtested,
    Due,
    Posted,
    Subscriber,
    advice_of,
    follows_of,
    subscriber_of,
)
from journal.tables import AdviceRow, DeliveryRow, RunRow, SubscriberRow, SubscriptionRow

__all__ = ["AGAIN_NS", "MOST_FOLLOWED", "NEVER", "Advice", "Backtested", "Due", "Posted", "Subscriber", "Subscriptions"]
MOST_FOLLOWED = 1_000  # subscriptions of one address
AGAIN_NS = 10 * 60 * 10**9  # before a second question whether an address is right
AT_ONCE = 300  # symbols in one question to the database
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")
_ADDRESS = re.compile(r"[^@\s<>\"'(),:;\\\[\]]{1,64}@(?=.{1,255}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


class Subscriptions(Deliveries):
    """Subscriptions in one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

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
            known = set(follows_of(session, [row.id]).get(row.id, ()))
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

    def backtests(self, source: str) -> dict[tuple[str, str], Backtested]:
        """(strategy, symbol) that somebody follows -> its latest backtest; without those that have none. See `backtests_of`."""
        return self.backtests_of(source, [(strategy, symbol) for strategy, symbols in self.followed().items() for symbol in symbols])

    def backtests_of(self, source: str, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Backtested]:
        """The latest backtest of each (strategy, symbol): on that symbol alone, with the strategy's own parameters, on daily bars of a source."""
        wanted: dict[str, list[str]] = {}
        for strategy, symbol in pairs:
            wanted.setdefault(strategy, []).append(symbol)
        found: dict[tuple[str, str], Backtested] = {}
        with self._database.reading() as session:
            for strategy, symbols in wanted.items():
                for first in range(0, len(symbols), AT_ONCE):
                    alone = [[symbol] for symbol in symbols[first : first + AT_ONCE]]
                    chosen = select(RunRow).where(RunRow.strategy == strategy, RunRow.interval == "1d", RunRow.symbols.in_(alone)).order_by(RunRow.id)
                    for row in session.scalars(chosen):
                        if row.spec.get("source", "sample") == source and not row.spec.get("params"):
                            found[strategy, row.symbols[0]] = Backtested(row.id, row.start, row.end, row.metrics)
        return found

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
            return [advice_of(row) for row in session.scalars(chosen)]

    def latest(self, strategy: str | None = None, symbol: str | None = None, since: str = "", limit: int = 100, after: str = "") -> Part[Advice]:
        """What was advised from a session on, the latest first, in parts.

        Raises:
            UsageError: `after` is no place of such a part.
        """
        row = AdviceRow
        chosen = select(row).where(row.session >= since).order_by(row.session.desc(), row.id.desc()).limit(limit + 1)
        for column, value in ((row.strategy, strategy), (row.symbol, symbol)):
            if value is not None:
                chosen = chosen.where(column == value)
        if after:
            chosen = chosen.where(tuple_(row.session, row.id) < tuple_(*map(literal, _place(after))))
        with self._database.reading() as session:
            rows = list(session.scalars(chosen))
        return Part([advice_of(each) for each in rows[:limit]], f"{rows[limit - 1].session}.{rows[limit - 1].id}" if len(rows) > limit else "")

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
        return subscriber_of(row, follows_of(session, [row.id]).get(row.id, ()))


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


def _place(after: str) -> tuple[str, int]:
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})\.(\d{1,18})", after, re.ASCII)
    if not found:
        raise UsageError(f"after {after[:60]!r} is no place to go on from: give `next` of the page before")
    return found[1], int(found[2])
