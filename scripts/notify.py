"""`cerebrolab notify`: what followed strategies say today, mailed to those who follow them."""

import datetime as dt
from typing import Annotated, Any

import typer

from scripts import output
from scripts import run_options as given


def notify(
    source: Annotated[str | None, typer.Option(help="Of the bars: yahoo, alpaca, csv:DIR, sample; the default is CEREBROLAB_SOURCE.")] = None,
    period: Annotated[str, typer.Option(help="Length of the bars before the latest: 5y, 18mo.")] = "5y",
    mails_only: Annotated[bool, typer.Option("--mails-only", help="Ask no strategy: only send what is due.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Ask every followed strategy for its signals of today, and mail those that say buy or sell to who follows them.

    Everybody is told once a strategy, symbol and session, however often this runs; mails that did not leave are tried again.
    Where CEREBROLAB_JOURNAL is the API, the API sends the mails. Exit code 1: a strategy could not be asked, or a mail was given up.
    """
    from core.clock import SystemClock
    from core.errors import UsageError
    from core.settings import load_settings
    from core.spec_texts import period_start
    from feeds import stores
    from feeds.load import source_named
    from journal import opened
    from services.notify.advice import Advised, advise
    from services.notify.post import posting
    from services.notify.sender import NO_SERVER

    settings, clock = load_settings(), SystemClock()
    source = source or settings.source
    source_named(source)
    period_start(period, dt.date.today())
    with opened(settings.journal, clock) as journal:
        post = posting(journal, settings, clock)
        if post is None:
            raise UsageError(NO_SERVER)
        with output.progress_bar() as progress:
            advised = Advised() if mails_only else advise(journal, stores.opened(settings.store), source, clock, progress, period)
        posted = post()
        waiting = journal.subscriptions.waiting()
    _tell({"asked": advised.asked, "advices": advised.new, **vars(posted), "waiting": waiting, "problems": advised.problems}, as_json)
    if advised.problems or posted.given_up:
        raise typer.Exit(1)


def _tell(done: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(done)
        return
    output.line(f"{done['asked']} strategies and symbols asked, {done['advices']} new to tell; {done['sent']} mails sent, {done['waiting']} still to be sent")
    for problem in done["problems"]:
        output.warn(problem)
