"""The steps of a day. Each may be done again: what it has done stays done.

Imports feeds, journal, core, services.market, services.notify and what is beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.clock import Clock
from core.errors import BadBars, CerebrolabError, SourceUnavailable, StoreFailed, UsageError
from core.settings import Settings
from feeds.averages import update
from feeds.load import load_bars, source_named
from feeds.store import BarStore
from journal import Journal
from journal.subscriptions import Posted
from services import market
from services.daily.portfolio import Account, accounts, lines
from services.daily.report import write_day
from services.notify import backtests as played
from services.notify.advice import advise
from services.notify.channels import cut, tell
from services.notify.letters import line_of

MOST_PLAYED = 100  # backtests that are tried on one day
LINES_TOLD = "lines told"  # the end of what the step "portfolio" says where it has told
LOOKS_BACK = 60  # sessions, for the one whose portfolio was told last


@dataclass(frozen=True)
class Day:
    """What the steps of a session work with.

    Attributes:
        session: exchange date. source, period: of the bars, as in `RunSpec`. post: sends the mails that are due; None = none leave.
        channels: where the operator is told, addresses of apprise.
        symbols: collected beside those that are followed. progress: told (done, total, symbol).
    """

    session: np.datetime64
    journal: Journal
    settings: Settings
    clock: Clock
    source: str
    calendar: str = "XNYS"
    period: str = "5y"
    symbols: tuple[str, ...] = ()
    post: Callable[[], Posted] | None = None
    channels: tuple[str, ...] = ()
    progress: Callable[[int, int, str], Any] | None = None

    @property
    def store(self) -> BarStore:
        """The store of the bars."""
        return market.store(self.settings)

    @property
    def collected(self) -> tuple[str, ...]:
        """The symbols whose bars are wanted."""
        followed = [symbol for symbols in self.journal.subscriptions.followed().values() for symbol in symbols]
        return tuple(dict.fromkeys((*self.symbols, *followed)))


def collect(day: Day) -> str:
    """Fetch the bars that are missing; symbols that have none are named, and hold up no others.

    Raises:
        SourceUnavailable: the source does not answer, or has not published the session yet. Otherwise as `load_bars`, where no symbol can be loaded.
    """
    symbols = day.collected
    if not symbols:
        return "nobody follows anything"
    parts, problems = _loaded(day, symbols)
    last = {symbol: bars.series(symbol).session[-1] for bars in parts for symbol in bars.symbols}
    late = [symbol for symbol, session in last.items() if session < day.session]
    if len(late) == len(last):
        raise SourceUnavailable(f"{parts[0].origin.source} has not published {day.session} yet: try again later")
    said = [f"{len(last)} symbols up to {max(last.values())}", *([f"without a bar: {', '.join(late[:10])}"] if late else []), *problems[:10]]
    return "; ".join(dict.fromkeys((*said, *(warning for bars in parts for warning in bars.origin.warnings))))


def _loaded(day: Day, symbols: Sequence[str]) -> tuple[list[Bars], list[str]]:
    """The bars of all symbols; where some cannot be loaded, those of each of the others alone, and the problems."""
    load = partial(load_bars, source=day.source, period=day.period, calendar=day.calendar, store=day.store, clock=day.clock)
    try:
        return [load(symbols=symbols, progress=day.progress)], []
    except (UsageError, BadBars):
        parts, problems = list[Bars](), list[str]()
        for number, symbol in enumerate(symbols, 1):
            try:
                parts.append(load(symbols=(symbol,)))
            except (UsageError, BadBars) as error:
                problems.append(f"{symbol}: {told(error)}")
            if day.progress is not None:
                day.progress(number, len(symbols), symbol)
        if not parts:
            raise
        return parts, problems


def backtests(day: Day) -> str:
    """Play what is followed and has no backtest, so many a day; one that fails is tried again on another day.

    Every day has an order of its own, so that those that fail do not keep the others from their turn.

    Raises:
        StoreFailed: the journal, or the folder of the reports, fails.
    """
    wanted = played.missing(day.journal, day.source)
    tried = sorted(wanted, key=lambda pair: crc32(f"{day.session} {pair}".encode()))[:MOST_PLAYED]
    done, problems = 0, list[str]()
    for number, pair in enumerate(tried, 1):
        try:
            folder = played.directory(day.settings.runs_dir.resolve(), day.session, pair)
            played.backtest(*pair, day.source).play(day.settings, day.journal, folder, lambda *_: None)
            done += 1
        except StoreFailed:
            raise
        except CerebrolabError as error:
            problems.append(f"{pair[0]} on {pair[1]}: {told(error)}")
        if day.progress is not None:
            day.progress(number, len(tried), pair[1])
    if not wanted:
        return "nothing new is followed"
    left = len(wanted) - len(tried)
    return "; ".join([f"{done} played", *([f"{left} left for the next day"] if left else []), *problems[:10]])


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
    if day.post is None:
        waiting = day.journal.subscriptions.waiting()
        return f"no mail server is set (EMAIL_HOST); {waiting} mails wait" if waiting else "nothing to send"
    posted = day.post()
    if posted.later:
        raise SourceUnavailable(f"{posted.sent} mails sent, {posted.later} refused for now: try again later")
    return f"{posted.sent} mails sent" + (f", {posted.given_up} given up" if posted.given_up else "")


def channels(day: Day) -> str:
    """Tell the operator the signals of the session, with their numbers.

    Raises:
        SourceUnavailable: no channel took them.
    """
    if not day.channels:
        return "no channel is set (CEREBROLAB_NOTIFY)"
    said = [line_of(each) for each in day.journal.subscriptions.advices(since=str(day.session)) if each.session == str(day.session)]
    if not said:
        return "no signal to tell"
    taken = tell(day.channels, f"Signals of {day.session}", "\n".join(map(cut, said)))
    if not taken:
        raise SourceUnavailable("no channel of CEREBROLAB_NOTIFY took the signals: look at its addresses, and at the log")
    return f"{taken} of {len(day.channels)} channels took {len(said)} signals"


def portfolio(day: Day) -> str:
    """Tell the operator what live accounts are worth, and their alerts; nothing where it is all as it was when it was told last.

    Raises:
        SourceUnavailable: no channel took it.
    """
    found = accounts(day.journal, day.session, get_calendar(day.calendar))
    said = list(lines(found))
    if not said:
        return "no live account has traded"
    if not day.channels:
        return "; ".join(line.strip() for line in said)
    before = _told_last(day)
    if before is not None and _unchanged(day, found, before):
        return f"nothing has changed since {before}, and nobody was told"
    taken = tell(day.channels, f"Portfolio on {day.session}", "\n".join(said))
    if not taken:
        raise SourceUnavailable("no channel of CEREBROLAB_NOTIFY took the portfolio: look at its addresses, and at the log")
    return f"{taken} of {len(day.channels)} channels took it: {len(said)} {LINES_TOLD}"


def _told_last(day: Day) -> np.datetime64 | None:
    """The latest session before this one whose portfolio was told."""
    told_on = (name for name, steps in day.journal.daily.days(LOOKS_BACK) for each in steps
               if name < str(day.session) and each.step == "portfolio" and each.done and each.text.endswith(LINES_TOLD))
    return next((np.datetime64(name) for name in told_on), None)


def _unchanged(day: Day, found: Sequence[Account], before: np.datetime64) -> bool:
    """Whether accounts are worth and hold what they did on an earlier session, and nothing has alerted."""
    then = accounts(day.journal, before, get_calendar(day.calendar))
    return [each.state for each in found] == [each.state for each in then] and not any(each.alerts for each in found)


def report(day: Day) -> str:
    """Write the page of the session.

    Raises:
        StoreFailed: it cannot be written.
    """
    return f"page {write_day(day.journal, day.settings, day.session, get_calendar(day.calendar), day.source).name} is written"


STEPS: Mapping[str, Callable[[Day], str]] = {
    "collect": collect, "averages": averages, "signals": signals, "mails": mails, "channels": channels, "backtests": backtests,
    "portfolio": portfolio, "report": report}


def told(error: CerebrolabError) -> str:
    """The error as it is noted: one line."""
    return " ".join(str(error).split())[:500]
