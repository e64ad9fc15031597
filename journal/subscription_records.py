"""The records of subscriptions: who follows what, what was advised, what is due to be told. Imports journal.tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.tables import AdviceRow, SubscriberRow, SubscriptionRow


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
class Backtested:
    """What the latest backtest of a strategy on one symbol measured: its number, its first and last session (ISO dates), name -> number."""

    run: int
    start: str
    end: str
    metrics: dict[str, float | None]


@dataclass
class Posted:
    """What became of mails: sent, to be tried later, and given up because the server will never take them."""

    sent: int = 0
    later: int = 0
    given_up: int = 0


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


def follows_of(session: Session, numbers: Sequence[int]) -> Mapping[int, tuple[tuple[str, str], ...]]:
    """What each of some subscribers follows, by number; without those that follow nothing."""
    chosen = select(SubscriptionRow.subscriber_id, SubscriptionRow.strategy, SubscriptionRow.symbol).where(
        SubscriptionRow.subscriber_id.in_(numbers)).order_by(SubscriptionRow.id)
    found: dict[int, list[tuple[str, str]]] = {}
    for number, strategy, symbol in session.execute(chosen):
        found.setdefault(number, []).append((strategy, symbol))
    return {number: tuple(pairs) for number, pairs in found.items()}


def subscriber_of(row: SubscriberRow, follows: tuple[tuple[str, str], ...]) -> Subscriber:
    """A subscriber, of its row."""
    return Subscriber(row.id, row.address, row.token, row.confirmed_ns is not None and row.left_ns is None, follows)


def advice_of(row: AdviceRow) -> Advice:
    """An advice, of its row."""
    return Advice(row.strategy, row.symbol, row.session, row.signal, row.close, row.reasons)
