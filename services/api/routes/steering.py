"""What is asked of running strategies, and what they have made of it: /v1/steering.

Imports the journal and what is beside it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from services.api.parts import MOST_ROW, JournalPart
from services.api.portfolio_bodies import Answer, Asked, NewAnswer, NewRequest, Request, SteeringPage
from services.api.record_bodies import TEXT, AskedName, Limit, SteeringKind

router = APIRouter(tags=["steering"])
Name = Annotated[str, Query(pattern=TEXT, max_length=200)]
RequestId = Annotated[int, Path(ge=1, le=MOST_ROW)]


@router.get("/steering", response_model=SteeringPage)
def requests(journal: JournalPart, kind: SteeringKind | None = None, strategy: AskedName = None, run: AskedName = None,
             after: Annotated[int, Query(ge=0, le=MOST_ROW)] = 0, limit: Limit = 100) -> Any:
    """The requests and their answers, in the order they were asked."""
    found = journal.steering.requests(kind, strategy, run, after, limit + 1)
    shown = [{**vars(each), "answers": [vars(answer) for answer in journal.steering.answers(each.id)]} for each in found[:limit]]
    return {"requests": shown, "next": str(found[limit - 1].id) if len(found) > limit else None}


@router.post("/steering", response_model=Asked)
def ask(journal: JournalPart, body: NewRequest) -> Any:
    """Ask something of running strategies; each run sees to it at its next decision and answers."""
    asked = journal.steering.ask(**vars(body))
    return {**vars(asked), "answers": [vars(answer) for answer in journal.steering.answers(asked.id)]}


@router.get("/steering/waiting", response_model=list[Request])
def waiting(journal: JournalPart, account: Name, run: Name, strategy: Name) -> Any:
    """What is asked of a run of a strategy, and not answered by it."""
    return [vars(each) for each in journal.steering.waiting(account, run, strategy)]


@router.get("/steering/taken", response_model=list[Request])
def taken(journal: JournalPart, account: Name, run: Name) -> Any:
    """What a run has carried out so far."""
    return [vars(each) for each in journal.steering.taken(account, run)]


@router.get("/steering/answers", response_model=list[Answer])
def answers(journal: JournalPart, request_id: Annotated[int | None, Query(ge=1, le=MOST_ROW)] = None, account: AskedName = None,
            run: AskedName = None) -> Any:
    """What runs have made of requests, in order."""
    return [vars(each) for each in journal.steering.answers(request_id, account, run)]


@router.post("/steering/{request_id}/answers", status_code=204)
def answer(journal: JournalPart, request_id: RequestId, body: NewAnswer) -> None:
    """Record what a run has made of a request; its first answer stays."""
    journal.steering.answer(request_id, **vars(body))
