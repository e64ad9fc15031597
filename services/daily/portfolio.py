"""What live accounts are worth after a session, in words for the operator. Imports journal, core and services.notify."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from core.calendars import Calendar
from journal import Journal
from journal.account_log import ALERT, Note
from journal.history import Snapshot
from services.notify.channels import cut

MOST_POSITIONS, MOST_ALERTS = 20, 10


@dataclass(frozen=True)
class Account:
    """An account after a session.

    Attributes:
        equity, cash: its currency. change: since the session before; None = it has no snapshot of that. before: what it was worth then.
        positions: (symbol, shares), none that are 0. alerts: of the session, in order.
    """

    name: str
    equity: Decimal
    cash: Decimal
    before: Decimal | None
    positions: tuple[tuple[str, Decimal], ...]
    alerts: tuple[Note, ...]

    @property
    def change(self) -> Decimal | None:
        """Of the equity since the session before; None where that is not known."""
        return None if self.before is None else self.equity - self.before

    @property
    def state(self) -> tuple[object, ...]:
        """What it is and holds: equal where nothing has changed."""
        return self.name, self.equity, self.cash, self.positions


def accounts(journal: Journal, session: np.datetime64, calendar: Calendar) -> list[Account]:
    """Every account with a snapshot of the session."""
    opened = int(calendar.open_of(np.array([session]))[0])
    following = int(calendar.open_of(np.array([calendar.step(session, 1)]))[0])
    day = journal.history.snapshots(run="", since_ns=opened, until_ns=following)
    before = journal.history.snapshots(run="", since_ns=int(calendar.open_of(np.array([calendar.step(session, -1)]))[0]), until_ns=opened)
    latest, previous = ({each.account: each for each in snapshots} for snapshots in (day, before))
    return [_account(journal, now, previous.get(name), opened, following) for name, now in sorted(latest.items())]


def lines(found: Iterable[Account]) -> Iterator[str]:
    """Accounts in words: worth, what has changed since the session before, positions, alerts."""
    for account in found:
        yield _worth(account)
        shown = ", ".join(f"{symbol} {quantity.normalize():f}" for symbol, quantity in account.positions[:MOST_POSITIONS])
        more = f" and {len(account.positions) - MOST_POSITIONS} more" if len(account.positions) > MOST_POSITIONS else ""
        yield f"  holds {shown or 'nothing'}{more}"
        for note in account.alerts[-MOST_ALERTS:]:
            yield f"  alert{f' of {note.run}' if note.run else ''}: {cut(note.text)}"
        if len(account.alerts) > MOST_ALERTS:
            yield f"  and {len(account.alerts) - MOST_ALERTS} earlier alerts"


def _account(journal: Journal, now: Snapshot, before: Snapshot | None, since_ns: int, until_ns: int) -> Account:
    held = ((symbol, Decimal(str(facts["quantity"]))) for symbol, facts in sorted(now.positions.items()))
    alerts = tuple(note for note in journal.account_log.notes(now.account, kinds=[ALERT], since_ns=since_ns) if note.time_ns < until_ns)
    return Account(now.account, now.equity, now.cash, before.equity if before else None, tuple((symbol, shares) for symbol, shares in held if shares), alerts)


def _worth(account: Account) -> str:
    since = ""
    if account.change is not None and account.before:
        since = f", {account.change:+,.2f} ({float(account.change / account.before):+.2%}) since the session before"
    return f"{account.name}: {account.equity:,.2f}{since}, cash {account.cash:,.2f}"
