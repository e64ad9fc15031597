"""What live accounts are worth after a session, in words for the operator. Imports journal and core."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from core.calendars import Calendar
from journal import Journal
from journal.account_log import ALERT
from journal.history import Snapshot

MOST_POSITIONS, MOST_ALERTS = 20, 10


def accounts_told(journal: Journal, session: np.datetime64, calendar: Calendar) -> list[str]:
    """Lines on every account with a snapshot of the session: its worth, what has changed since the one before, positions, and alerts."""
    opened = int(calendar.open_of(np.array([session]))[0])
    day = journal.history.snapshots(run="", since_ns=opened)
    before = journal.history.snapshots(run="", since_ns=int(calendar.open_of(np.array([calendar.step(session, -1)]))[0]), until_ns=opened)
    latest, previous = ({each.account: each for each in snapshots} for snapshots in (day, before))
    lines: list[str] = []
    for account, now in sorted(latest.items()):
        lines += [*_worth(account, now, previous.get(account)), *_alerts(journal, account, opened)]
    return lines


def _worth(account: str, now: Snapshot, before: Snapshot | None) -> Iterator[str]:
    change = now.equity - before.equity if before else None
    since = f", {change:+,.2f} ({float(change / before.equity):+.2%}) since the session before" if before and change is not None and before.equity else ""
    yield f"{account}: {now.equity:,.2f}{since}, cash {now.cash:,.2f}"
    held = [(symbol, Decimal(str(facts["quantity"]))) for symbol, facts in sorted(now.positions.items())]
    shown = ", ".join(f"{symbol} {quantity.normalize():f}" for symbol, quantity in held[:MOST_POSITIONS] if quantity)
    more = f" and {len(held) - MOST_POSITIONS} more" if len(held) > MOST_POSITIONS else ""
    yield f"  holds {shown or 'nothing'}{more}"


def _alerts(journal: Journal, account: str, since_ns: int) -> Iterator[str]:
    notes = journal.account_log.notes(account, kinds=[ALERT], since_ns=since_ns)
    for note in notes[-MOST_ALERTS:]:
        yield f"  alert{f' of {note.run}' if note.run else ''}: {note.text}"
    if len(notes) > MOST_ALERTS:
        yield f"  and {len(notes) - MOST_ALERTS} earlier alerts"
