"""The pages that links in mails lead to: /v1/subscriptions/confirm, change and leave. They need no token of the API: the link has its own.

Opening a page changes nothing, as programs open links too; its button does. Imports services and what is beside it.
"""

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from core.errors import CerebrolabError, StoreFailed, UsageError
from core.settings import Settings
from journal import Journal
from journal.subscriptions import Subscriber
from services.api.parts import JobsPart, JournalPart, SettingsPart
from services.api.routes.subscriptions import known, no_file, played
from services.notify.advice import followable
from services.notify.backtests import Pair, said_of

if TYPE_CHECKING:
    import jinja2

log = logging.getLogger(__name__)
async def _form(request: Request) -> str:
    return (await request.body()).decode("utf-8", "replace")


FormPart = Annotated[str, Depends(_form)]
Measured = Callable[[Subscriber], dict[Pair, str]]  # (strategy, symbol) -> what its backtest measured
router = APIRouter(tags=["subscriptions"], include_in_schema=False)
Token = Annotated[str, Query(max_length=100)]
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
           "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=/-]{0,19}")


@router.get("/subscriptions/confirm")
def ask_confirm(journal: JournalPart, token: Token = "") -> HTMLResponse:
    """Ask whether these signals are wanted."""
    return _page("confirm", lambda: journal.subscriptions.subscriber(token))


@router.post("/subscriptions/confirm")
def confirm(journal: JournalPart, settings: SettingsPart, jobs: JobsPart, token: Token = "") -> HTMLResponse:
    """They are."""
    return _page("confirmed", lambda: played(journal.subscriptions.confirm(token), journal, settings, jobs))


@router.get("/subscriptions/leave")
def ask_leave(journal: JournalPart, token: Token = "") -> HTMLResponse:
    """Ask whether mails are to stop."""
    return _page("leave", lambda: journal.subscriptions.subscriber(token))


@router.post("/subscriptions/leave")
def leave(journal: JournalPart, token: Token = "") -> HTMLResponse:
    """They are: by the page's button, or by the mail program's own (RFC 8058)."""
    return _page("left", lambda: journal.subscriptions.leave(token))


@router.get("/subscriptions/change")
def ask_change(journal: JournalPart, settings: SettingsPart, token: Token = "") -> HTMLResponse:
    """Show what is followed."""
    return _page("change", lambda: journal.subscriptions.subscriber(token), measured=_measured(journal, settings))


@router.post("/subscriptions/change")
def change(journal: JournalPart, settings: SettingsPart, jobs: JobsPart, text: FormPart, token: Token = "") -> HTMLResponse:
    """Follow what is chosen, and what is added."""

    def changed() -> Subscriber:
        try:
            form = parse_qs(text, max_num_fields=2_000)
        except ValueError:
            raise UsageError("the form has too many fields: choose fewer signals") from None
        kept = [pair for pair in journal.subscriptions.subscriber(token).follows if " ".join(pair) in form.get("keep", [])]
        return played(journal.subscriptions.follow(token, [*kept, *_added(form, settings)]), journal, settings, jobs)

    return _page("change", changed, saved=True, again=lambda: journal.subscriptions.subscriber(token), measured=_measured(journal, settings))


def _measured(journal: Journal, settings: Settings) -> Measured:
    """What tells what the backtests of a subscriber's signals have measured."""
    return lambda found: said_of(journal, settings.source, found.follows)


def _added(form: dict[str, list[str]], settings: Settings) -> list[tuple[str, str]]:
    symbols = [each for text in form.get("symbols", []) for each in re.split(r"[,;\s]+", text.upper()) if each]
    strategies = form.get("strategy", [])
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise UsageError(f"symbol {symbol[:30]!r} is none: write such as SPY, BRK.B")
        no_file(symbol, settings)
    for strategy in strategies:
        known(strategy)
    return [(strategy, symbol) for strategy in strategies for symbol in symbols]


def _page(name: str, found: Any, saved: bool = False, again: Any = None, measured: Measured = lambda _: {}) -> HTMLResponse:
    """The page about a subscriber; where there is none, or what is asked is not possible, one that says so."""
    problem, status, subscriber, backtests = "", 200, None, dict[Pair, str]()
    try:
        subscriber = found()
        backtests = measured(subscriber)
    except StoreFailed:
        log.exception("a page about a subscription failed")
        problem, status, saved, again = "The service does not answer for the moment. Open the link again in a few minutes.", 503, False, None
    except CerebrolabError as error:
        problem, status, saved = str(error), 404 if again is None else 422, False
        if again is not None:
            try:
                subscriber = again()
                backtests = measured(subscriber)
            except CerebrolabError:
                status = 404
    page = _pages().get_template("subscription.html.j2")
    shown = page.render(name=name if subscriber is not None else "nobody", subscriber=subscriber, problem=problem, away=status == 503, saved=saved, strategies=followable(), backtests=backtests)
    return HTMLResponse(shown, status, HEADERS)


@lru_cache(maxsize=1)
def _pages() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
