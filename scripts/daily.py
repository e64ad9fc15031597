"""`cerebrolab daily`: after the close, collect bars, mail signals, backtest what is new, tell of the portfolio, write a page; each session once."""

import datetime as dt
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from journal.daily_log import DailyStep

AGAIN_S = 600.0  # before a step that failed is tried again


def daily(
    source: Annotated[str | None, typer.Option(help="Of the bars: yahoo, alpaca, csv:DIR, sample; the default is CEREBROLAB_SOURCE.")] = None,
    symbols: Annotated[list[str] | None, typer.Option(help="Collect these too, beside those that are followed: A,B or repeated.")] = None,
    period: Annotated[str, typer.Option(help="Length of the bars: 5y, 18mo.")] = "5y",
    calendar: Annotated[str, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = "XNYS",
    loop: Annotated[bool, typer.Option("--loop", help="Go on: run half an hour after every close, and try what failed again every ten minutes.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Do the daily run of the latest session whose close was half an hour ago: 16:30 in New York, on trading days.

    Steps: collect, averages, signals, mails, channels (signals told to CEREBROLAB_NOTIFY), backtests (of what is followed and has none), portfolio (told to CEREBROLAB_NOTIFY), report (a page of the day). What is done is not done again;
    what failed or was interrupted goes on with the next run. One machine runs it for a journal: a second one tells the portfolio again. Exit code 1: a step failed.
    """
    from core.calendars import get_calendar
    from core.clock import SystemClock
    from core.errors import StoreFailed
    from core.settings import load_settings
    from core.spec_texts import period_start
    from feeds.load import source_named
    from journal import Journal, opened
    from scripts.ending import heard
    from scripts.spec_options import split_names
    from services.daily.report import page_of
    from services.daily.run import alone, last_due, next_due, run_day
    from services.daily.steps import Day
    from services.notify.channels import channels_of, tell
    from services.notify.post import posting

    settings, clock, sessions = load_settings(), SystemClock(), get_calendar(calendar)
    followed = source or settings.source
    source_named(followed, calendar)
    period_start(period, dt.date.today())
    channels = channels_of(settings)

    def today(journal: Journal) -> bool:
        with output.progress_bar() as progress:
            day = Day(last_due(sessions, clock.now_ns()), journal, settings, clock, followed, calendar, period, split_names(symbols or ()),
                      posting(journal, settings, clock), channels, progress)
            stand = run_day(day, lambda title, text: tell(channels, title, text))
        _show(stand, page_of(settings, str(day.session)).resolve(), as_json)
        return stand[-1].done

    stopped = threading.Event()
    with alone(settings.home), opened(settings.journal, clock) as journal, heard(stopped.set):
        while True:
            try:
                done = today(journal)
            except StoreFailed as error:
                if not loop:
                    raise
                output.warn(str(error))
                done = False
            if not loop:
                break
            now = clock.now_ns()
            due = next_due(sessions, now)
            if clock.wait(stopped, (due - now) / 1e9 if done else min(AGAIN_S, (due - now) / 1e9)):
                return
    if not done:
        raise typer.Exit(1)


def _show(stand: "list[DailyStep]", page: Path, as_json: bool) -> None:
    shown = str(page) if stand[-1].done else None
    if as_json:
        output.as_json({"session": stand[-1].session, "done": stand[-1].done, "page": shown, "steps": [vars(each) for each in stand]})
        return
    rows = [(each.step, "done" if each.done else f"failed, {each.attempts} times" if each.attempts > 1 else "failed", each.text) for each in stand]
    output.table(f"daily run of {stand[-1].session}", ("step", "state", "what it did"), rows, left=3)
    if shown:
        output.line(f"page: {shown}")
