"""The records of live accounts: /v1/executions, /v1/orders, /v1/decisions, /v1/notes and /v1/alerts.

Imports the journal and what is beside it. What is told twice is recorded once, so that every POST may be repeated.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from core.errors import UnknownName
from journal.account_log import ALERT, KINDS, LiveExecution, Note
from journal.blotter import LiveOrder
from journal.pages import Chosen, RecordedOrder
from services.api.parts import JournalPart
from services.api.record_bodies import (
    TEXT,
    After,
    Counted,
    DecisionPage,
    ExecutionPage,
    LaterChange,
    Latest,
    Limit,
    MoreOrders,
    NewDecision,
    NewExecutions,
    NewNote,
    NoteBody,
    NotePage,
    Numbered,
    Order,
    OrderPage,
    Owner,
    Wanted,
)

router = APIRouter(tags=["records"])
WantedPart = Annotated[Wanted, Depends()]
Symbols = Annotated[list[str] | None, Query(max_length=5_000, description="Only these; repeated.")]
OrderName = Annotated[str, Path(pattern=TEXT, max_length=200)]
Name = Annotated[str, Query(pattern=TEXT, max_length=200)]


@router.get("/executions", response_model=ExecutionPage)
def executions(journal: JournalPart, wanted: WantedPart, symbol: Symbols = None, after: After = "", limit: Limit = 100,
               owned: bool = False) -> Any:
    """Executions on live accounts, in the order of their times; `owned`: only those of runs."""
    found, place = journal.pages.executions(_chosen(wanted, symbol), after, limit, owned)
    return {"executions": [vars(each) for each in found], "next": place or None}


@router.post("/executions", response_model=Counted)
def record_executions(journal: JournalPart, body: NewExecutions) -> Any:
    """Add executions, and update the orders they belong to; what is known already, by client_order_id and filled, changes nothing."""
    changes = {name: change.model_dump(exclude_unset=True) for name, change in body.changes.items()}
    return {"recorded": journal.account_log.execute([LiveExecution(**vars(each)) for each in body.executions], changes, body.at_ns)}


@router.get("/executions/runs", response_model=list[Owner])
def traded(journal: JournalPart) -> Any:
    """The accounts and runs of which something was executed."""
    return [{"account": account, "run": run} for account, run in journal.account_log.runs()]


@router.get("/orders", response_model=OrderPage)
def orders(journal: JournalPart, wanted: WantedPart, symbol: Symbols = None, after: After = "", limit: Limit = 100,
           decision: Annotated[list[Annotated[int, Query(ge=1, le=2**63 - 1)]] | None, Query(max_length=1_000)] = None,
           unfinished: bool = False) -> Any:
    """Orders for live accounts, every attempt, as they stand."""
    found, place = journal.pages.orders(_chosen(wanted, symbol), after, limit, decision or (), unfinished)
    return {"orders": [told_order(each) for each in found], "next": place or None}


@router.post("/orders", response_model=Counted)
def record_orders(journal: JournalPart, body: MoreOrders) -> Any:
    """Add attempts to a decision; those that are known already stay as they are."""
    journal.blotter.add(body.decision, *(LiveOrder(**vars(each)) for each in body.orders), at_ns=body.at_ns)
    return {"recorded": len(body.orders)}


@router.get("/orders/{client_order_id:path}", response_model=Order)
def order(journal: JournalPart, client_order_id: OrderName) -> Any:
    """One order as it stands."""
    found = journal.pages.orders(Chosen(), named=client_order_id).records
    if not found:
        raise UnknownName(f"unknown order {client_order_id}: the journal has no order of that name")
    return told_order(found[0])


@router.patch("/orders/{client_order_id:path}", response_model=Order)
def change_order(journal: JournalPart, client_order_id: OrderName, body: LaterChange) -> Any:
    """Record what has become of an order; what is done stays done."""
    journal.blotter.change(client_order_id, **body.model_dump(exclude_unset=True))
    return order(journal, client_order_id)


@router.get("/decisions", response_model=DecisionPage)
def decisions(journal: JournalPart, wanted: WantedPart, after: After = "", limit: Limit = 100, with_orders: bool = False,
              latest: bool = False) -> Any:
    """Decisions for live accounts, in the order of their bars; `with_orders`: only those that asked for some, `latest`: the last of each run."""
    found, place = journal.pages.decisions(_chosen(wanted), after, limit, with_orders, latest)
    return {"decisions": [vars(each) for each in found], "next": place or None}


@router.get("/decisions/latest", response_model=Latest)
def latest(journal: JournalPart, account: Name, run: Name) -> Any:
    """When a run has decided last."""
    return {"bar_ns": journal.blotter.latest(account, run)}


@router.post("/decisions", response_model=Numbered)
def record_decision(journal: JournalPart, body: NewDecision) -> Any:
    """Record a decision with its orders; the first one of an account and run on a bar stays."""
    values = {name: getattr(body, name) for name in NewDecision.model_fields if name != "orders"}
    return {"id": journal.blotter.decide([LiveOrder(**vars(each)) for each in body.orders], **values)}


@router.get("/notes", response_model=NotePage)
def notes(journal: JournalPart, wanted: WantedPart, kind: Annotated[list[Name] | None, Query()] = None, after: After = "",
          limit: Limit = 100) -> Any:
    """What a human or a later run must know of live accounts, in the order it was written."""
    found, place = journal.pages.notes(_chosen(wanted), KINDS if kind is None else kind, after, limit)
    return {"notes": [vars(each) for each in found], "next": place or None}


@router.post("/notes", response_model=NoteBody)
def record_note(journal: JournalPart, body: NewNote) -> Any:
    """Write a note down."""
    values = {name: getattr(body, name) for name in NoteBody.model_fields}
    return vars(journal.account_log.add(Note(**values), body.key))


@router.get("/alerts", response_model=NotePage)
def alerts(journal: JournalPart, wanted: WantedPart, after: After = "", limit: Limit = 100) -> Any:
    """What a human must see to, in the order it was written."""
    return notes(journal, wanted, [ALERT], after, limit)


def _chosen(wanted: Wanted, symbols: list[str] | None = None) -> Chosen:
    return Chosen(wanted.account, wanted.run, tuple(symbols or ()), wanted.since_ns, wanted.until_ns)


def told_order(each: RecordedOrder) -> dict[str, Any]:
    """An order as it is served."""
    order, *rest = each
    return {**vars(order), **dict(zip(RecordedOrder._fields[1:], rest, strict=True))}
