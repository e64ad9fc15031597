"""`cerebrolab daily`: after the close, collect bars, keep averages, mail signals, tell of the portfolio; each session once."""

import datetime as dt
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from journal.daily_log import DailyStep
    from services.daily.steps import Day

AGAIN_S = 600.0  # before a step that failed is tried again


def daily(
    source: Annotated[str, typer.Option(help="Of the bars: yahoo, alpaca, csv:DIR, sample.")] = "yahoo",
    symbols: Annotated[list[str] | None, typer.Option(help="Collect these too, beside those that are followed: A,B or repeated.")] = None,
    period: Annotated[str, typer.Option(help="Length of the bars: 5y, 18mo.")] = "5y",
    calendar: Annotated[str, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = "XNYS",
    loop: Annotated[bool, typer.Option("--loop", help="Go on: run half an hour after every close, and try what failed again every ten minutes.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Do the daily run of the latest session whose close was half an hour ago: 16:30 in New York, on trading days.

    Steps: collect, averages, signals, mails, portfolio (told to CEREBROLAB_NOTIFY). What is done is not done again; what failed or was interrupted goes on with the next run. Exit code 1:
    a step failed.
    """
    from core.calendars import get_calendar
    from core.clock import SystemClock
    from core.settings import load_settings
    from core.spec_texts import period_start
    from feeds import stores
    from feeds.load import source_named
    from journal import Journal
    from scripts.ending import heard
    from scripts.spec_options import split_names
    from services.daily.run import alone, last_due, next_due, run_day
    from services.daily.steps import Day
    from services.notify.channels import channels_of, tell
    from services.notify.sender import sender_of

    settings, clock, sessions = load_settings(), SystemClock(), get_calendar(calendar)
    source_named(source, calendar)
    period_start(period, dt.date.today())
    way, channels = sender_of(settings) if settings.email_host else None, channels_of(settings)

    def today(journal: Journal, progress: Any) -> "Day":
        return Day(last_due(sessions, clock.now_ns()), journal, stores.opened(settings.store), clock, source, calendar, period, split_names(symbols or ()), way, channels, progress)

    stopped = threading.Event()
    with alone(settings.home), Journal(settings.journal) as journal, heard(stopped.set):
        while True:
            with output.progress_bar() as progress:
                stand = run_day(today(journal, progress), lambda title, text: tell(channels, title, text))
            _show(stand, as_json)
            if not loop:
                break
            now = clock.now_ns()
            due = next_due(sessions, now)
            seconds = (due - now) / 1e9 if stand[-1].done else min(AGAIN_S, (due - now) / 1e9)
            if clock.wait(stopped, seconds):
                return
    if not stand[-1].done:
        raise typer.Exit(1)


def _show(stand: "list[DailyStep]", as_json: bool) -> None:
    if as_json:
        output.as_json({"session": stand[-1].session, "done": stand[-1].done, "steps": [vars(each) for each in stand]})
        return
    rows = [(each.step, "done" if each.done else f"failed, {each.attempts} times" if each.attempts > 1 else "failed", each.text) for each in stand]
    output.table(f"daily run of {stand[-1].session}", ("step", "state", "what it did"), rows, left=3)
