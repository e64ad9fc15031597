"""Subscriptions to advice: /v1/subscriptions. What its links lead to is in `subscription_pages`. Imports services and what is beside it."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from core.errors import CerebrolabError, UnknownName, UsageError
from core.settings import Settings
from journal import Journal
from journal.subscriptions import Subscriber
from services.api.parts import Body, JobsPart, JournalPart, SettingsPart
from services.jobs import Jobs
from services.notify.advice import followable
from services.notify.backtests import begin
from services.own_files import ADVICE

log = logging.getLogger(__name__)
router = APIRouter(tags=["subscriptions"])
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9^][A-Z0-9.^=/-]{0,19}$", examples=["SPY"])]
Token = Annotated[str, Query(max_length=100, description="Of the links in mails to this address.")]


class Wanted(Body):
    """Who wants to be told of what."""

    address: Annotated[str, Field(max_length=320, examples=["ann@example.org"])]
    symbols: list[Symbol] = Field(min_length=1, max_length=100)
    strategies: list[Annotated[str, Field(max_length=100)]] = Field(min_length=1, max_length=20, examples=[["GoldenCross"]])


class Follow(Body):
    """The advice of a strategy on a symbol."""

    strategy: Annotated[str, Field(max_length=100)]
    symbol: Symbol


class Follows(Body):
    """All that an address is to follow."""

    follows: list[Follow] = Field(min_length=1, max_length=1_000)


class Asked(BaseModel):
    """What happens next."""

    detail: str


class Follower(BaseModel):
    """An address and what it follows; nothing is told to it before it is confirmed."""

    address: str
    confirmed: bool
    follows: list[Follow]


@router.post("/subscriptions", status_code=202, response_model=Asked)
def subscribe(wanted: Wanted, journal: JournalPart, settings: SettingsPart, request: Request) -> Any:
    """Have an address asked, by mail, whether it wants to be told; the answer is the same for addresses that are known already."""
    for strategy in wanted.strategies:
        known(strategy)
    for symbol in wanted.symbols:
        no_file(symbol, settings)
    journal.subscriptions.ask(wanted.address, [(strategy, symbol) for strategy in wanted.strategies for symbol in wanted.symbols])
    request.app.state.poster.wake()
    comes = "is on its way to this address" if request.app.state.poster.posts else "goes to this address once the operator has set a mail server (EMAIL_HOST)"
    return {"detail": f"a mail with a link {comes}; it is told nothing before the link was opened and confirmed"}


@router.get("/subscriptions", response_model=Follower)
def subscription(journal: JournalPart, token: Token) -> Any:
    """What the address of a link follows."""
    return follower(journal.subscriptions.subscriber(token))


@router.put("/subscriptions", response_model=Follower)
def change(wanted: Follows, journal: JournalPart, settings: SettingsPart, jobs: JobsPart, token: Token) -> Any:
    """Have the address of a link follow these, instead of what it did; what is new to the journal is backtested."""
    for each in wanted.follows:
        known(each.strategy)
        no_file(each.symbol, settings)
    return follower(played(journal.subscriptions.follow(token, [(each.strategy, each.symbol) for each in wanted.follows]), journal, settings, jobs))


def known(strategy: str) -> None:
    """See to it that a strategy can be followed.

    Raises:
        UnknownName: it is none that is shipped and decides on daily bars.
    """
    names = followable()
    if strategy not in names:
        raise UnknownName.of("strategy", strategy, names)


def no_file(symbol: str, settings: Settings) -> None:
    """See to it that a symbol is not taken for a file of this machine.

    Raises:
        UsageError: it would be.
    """
    if symbol.lower().endswith(".csv") or ("/" in symbol and settings.source.partition(":")[0] == "csv"):
        raise UsageError(f"symbol {symbol!r} {ADVICE}name such as SPY, BRK.B")


def played(found: Subscriber, journal: Journal, settings: Settings, jobs: Jobs) -> Subscriber:
    """Have the backtests begin that are missing of what a subscriber follows; whatever fails of that is only logged."""
    try:
        begun = begin(jobs, journal, settings.source, found)
        log.info("%s backtests of what is followed begun", begun)
    except CerebrolabError as error:
        log.warning("the backtests of what is followed did not begin: %s", error)
    return found


def follower(found: Subscriber) -> dict[str, Any]:
    """As it is served."""
    return {"address": found.address, "confirmed": found.confirmed, "follows": [{"strategy": strategy, "symbol": symbol} for strategy, symbol in found.follows]}

