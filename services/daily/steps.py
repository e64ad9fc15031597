"""The steps of a day. Each may be done again: what it has done stays done. Imports feeds, journal, core, services.notify and what is beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.calendars import get_calendar
from core.clock import Clock
from core.errors import CerebrolabError, SourceUnavailable
from feeds.averages import update
from feeds.load import load_bars, source_named
from feeds.store import BarStore
from journal import Journal
from services.daily.portfolio import accounts_told
from services.notify.advice import advise
from services.notify.channels import tell
from services.notify.post import post
from services.notify.sender import Sender


@dataclass(frozen=True)
class Day:
    """What the steps of a session work with.

    Attributes:
        session: exchange date. source, period: of the bars, as in `RunSpec`. way: how mails leave; None = none do.
        channels: where the operator is told, addresses of apprise.
        symbols: collected beside those that are followed. progress: told (done, total, symbol).
    """

    session: np.datetime64
    journal: Journal
    store: BarStore
    clock: Clock
    source: str
    calendar: str = "XNYS"
    period: str = "5y"
    symbols: tuple[str, ...] = ()
    way: Sender | None = None
    channels: tuple[str, ...] = ()
    progress: Callable[[int, int, str], Any] | None = None

    @property
    def collected(self) -> tuple[str, ...]:
        """The symbols whose bars are wanted."""
        followed = [symbol for symbols in self.journal.subscriptions.followed().values() for symbol in symbols]
        return tuple(dict.fromkeys((*self.symbols, *followed)))


def collect(day: Day) -> str:
    """Fetch the bars that are missing.

    Raises:
        SourceUnavailable: the source does not answer, or has not published the session yet. Otherwise as `load_bars`.
    """
    symbols = day.collected
    if not symbols:
        return "nobody follows anything"
    bars = load_bars(source=day.source, symbols=symbols, period=day.period, calendar=day.calendar, store=day.store, progress=day.progress, clock=day.clock)
    late = [symbol for symbol in bars.symbols if bars.series(symbol).session[-1] < day.session]
    if len(late) == len(bars.symbols):
        raise SourceUnavailable(f"{bars.origin.source} has not published {day.session} yet: try again later")
    told = [f"{len(bars.symbols)} symbols up to {bars.session[-1]}", *([f"without a bar: {', '.join(late[:10])}"] if late else []), *bars.origin.warnings]
    return "; ".join(told)


def averages(day: Day) -> str:
    """Bring the moving averages beside the bars up to date, where the bars are kept in the store."""
    source = source_named(day.source, day.calendar, day.clock)
    if not source.stored:
        return f"bars of {source.name} are not kept in the store"
    held = {each.symbol for each in day.store.list() if each.source == source.name and each.interval == "1d" and each.bars}
    wanted = [symbol for symbol in source.canonical(day.collected) if symbol in held]
    return f"{sum(update(day.store, symbol, '1d', source.name) for symbol in wanted)} rows of {len(wanted)} symbols"


def signals(day: Day) -> str:
    """Ask every followed strategy.

    Raises:
        SourceUnavailable: none of them could be asked.
    """
    made = advise(day.journal, day.store, day.source, day.clock, day.progress, day.period)
    if made.problems and len(made.problems) == made.asked:
        raise SourceUnavailable(f"no strategy could be asked; the first: {made.problems[0]}")
    return "; ".join([f"{made.asked} asked, {made.new} to tell", *made.problems[:10]])


def mails(day: Day) -> str:
    """Send what is due.

    Raises:
        SourceUnavailable: the mail server does not answer, or has refused some for now.
    """
    if day.way is None:
        waiting = day.journal.subscriptions.waiting()
        return f"no mail server is set (EMAIL_HOST); {waiting} mails wait" if waiting else "nothing to send"
    posted = post(day.journal, day.way, day.clock)
    if posted.later:
        raise SourceUnavailable(f"{posted.sent} mails sent, {posted.later} refused for now: try again later")
    return f"{posted.sent} mails sent" + (f", {posted.given_up} given up" if posted.given_up else "")


def portfolio(day: Day) -> str:
    """Tell the operator what live accounts are worth, and their alerts.

    Raises:
        SourceUnavailable: not every channel took it.
    """
    lines = accounts_told(day.journal, day.session, get_calendar(day.calendar))
    if not lines:
        return "no live account has traded"
    if day.channels and not tell(day.channels, f"Portfolio on {day.session}", "\n".join(lines)):
        raise SourceUnavailable("not every channel of CEREBROLAB_NOTIFY took the portfolio: look at its addresses, and at the log")
    return f"{len(lines)} lines told" if day.channels else "; ".join(line.strip() for line in lines)


STEPS: Mapping[str, Callable[[Day], str]] = {"collect": collect, "averages": averages, "signals": signals, "mails": mails, "portfolio": portfolio}


def told(error: CerebrolabError) -> str:
    """The error as it is noted: one line."""
    return " ".join(str(error).split())[:500]
