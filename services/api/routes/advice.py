"""What is followed, what was advised, and the mails of it: /v1/followed, /v1/advice, /v1/mails; nothing of single subscribers.

Imports the journal, services.notify and what is beside it.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, field_validator

from journal.subscriptions import Advice
from services.api.parts import MOST_ROW, Body, Exact, JournalPart
from services.api.record_bodies import TEXT, After, AskedName, Counted, Name, NotNegative, Page
from services.api.record_bodies import Symbol as SymbolName
from services.notify.letters import CLOSES

router = APIRouter(tags=["subscriptions"])
SESSION = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
Session = Annotated[str, Field(pattern=SESSION, examples=["2026-01-30"])]
Source = Annotated[str, Query(pattern=TEXT, max_length=200, examples=["yahoo"])]
Number = int | float | None
Finite = Annotated[float, Field(allow_inf_nan=False)]
Reason = (Annotated[int, Field(ge=-MOST_ROW, le=MOST_ROW)] | Finite | None | Annotated[str, Field(max_length=1_000)]
          | Annotated[list[Finite], Field(max_length=2_000)])


class Followed(BaseModel):
    """The advice of a strategy on a symbol."""

    strategy: str
    symbol: str


class AllFollowed(BaseModel):
    """What somebody follows."""

    follows: list[Followed]


class Backtest(Followed):
    """What the latest backtest of a strategy on a symbol measured."""

    run: int = Field(description="Number in the journal.")
    start: str
    end: str
    metrics: dict[str, Number]


class Backtests(BaseModel):
    """The backtests of what somebody follows; those that are missing have not been played."""

    backtests: list[Backtest]


class Advised(BaseModel):
    """What a strategy said of a symbol on a session, and why."""

    strategy: str
    symbol: str
    session: str
    signal: str
    close: Exact
    reasons: dict[str, Any] = Field(description="Numbers and texts by name; `closes` are the latest ones, oldest first.")


class AdvicePage(Page):
    """Advice, the latest first."""

    advice: list[Advised]


class OneAdvice(Body):
    """What a strategy says of a symbol on a session, and why."""

    strategy: Name
    symbol: SymbolName
    session: Session
    signal: Literal["BUY", "SELL"]
    close: NotNegative
    reasons: dict[Name, Reason] = Field(default={}, max_length=200, description="Numbers and texts by name; `closes` are the latest ones, oldest first.")

    @field_validator("reasons")
    @classmethod
    def _drawn(cls, reasons: dict[str, Any]) -> dict[str, Any]:
        if CLOSES in reasons and type(reasons[CLOSES]) is not list:
            raise ValueError(f"{CLOSES} are a list of numbers")
        return reasons


class NewAdvice(Body):
    """What strategies say."""

    advice: list[OneAdvice] = Field(max_length=1_000)


class Mails(BaseModel):
    """How many mails are still to be sent, now or later, and whether this API can send them."""

    waiting: int
    posts: bool


class Sent(BaseModel):
    """What became of mails."""

    sent: int
    later: int = Field(description="Refused for now, and tried again later.")
    given_up: int = Field(description="Refused for good.")
    done: bool = Field(description="False: some are still due; ask again.")


@router.get("/followed", response_model=AllFollowed)
def followed(journal: JournalPart) -> Any:
    """What somebody follows, by strategy and symbol."""
    return {"follows": [{"strategy": strategy, "symbol": symbol} for strategy, symbols in journal.subscriptions.followed().items() for symbol in symbols]}


@router.get("/followed/backtests", response_model=Backtests)
def backtests(journal: JournalPart, source: Source) -> Any:
    """What the latest backtests of what somebody follows have measured, on bars of a source."""
    found = journal.subscriptions.backtests(source)
    return {"backtests": [{"strategy": strategy, "symbol": symbol, **vars(each)} for (strategy, symbol), each in found.items()]}


@router.get("/advice", response_model=AdvicePage)
def advice(journal: JournalPart, since: Annotated[str | None, Query(pattern=SESSION, description="First session.")] = None, strategy: AskedName = None,
           symbol: AskedName = None, after: After = "", limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> Any:
    """What strategies have said to those who follow them, the latest first."""
    found, place = journal.subscriptions.latest(strategy, symbol, since or "", limit, after)
    return {"advice": [vars(each) for each in found], "next": place or None}


@router.post("/advice", response_model=Counted)
def advise(journal: JournalPart, body: NewAdvice) -> Any:
    """Record what strategies say: everybody who follows it is due a mail; what was said before stays."""
    return {"recorded": journal.subscriptions.advise([Advice(**vars(each)) for each in body.advice])}


@router.get("/mails", response_model=Mails)
def mails(journal: JournalPart, request: Request) -> Any:
    """How many mails wait."""
    return {"waiting": journal.subscriptions.waiting(), "posts": request.app.state.poster.posts}


@router.post("/mails", response_model=Sent)
def send(request: Request) -> Any:
    """Send what is due now, for some seconds at most."""
    posted, done = request.app.state.poster.post()
    return {**vars(posted), "done": done}
