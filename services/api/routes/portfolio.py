"""What live accounts hold and were worth: /v1/positions, /v1/portfolio, its reconciliations, /v1/equity and /v1/signals as recorded.

Imports the journal and what is beside it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from core.errors import UsageError
from journal.pages import Chosen
from journal.state import Portfolio
from services.api.parts import MOST_ROW, JournalPart
from services.api.portfolio_bodies import (
    ActualPortfolio,
    EquityPage,
    HeldPosition,
    NewReconciliation,
    NewSnapshot,
    Reconciliation,
    ReconciliationPage,
    RecordedSignal,
    SignalPage,
    SnapshotPage,
)
from services.api.record_bodies import TEXT, AskedName, Limit, Wanted
from services.api.record_bodies import After as Place

router = APIRouter(tags=["portfolio"])
Account = Annotated[str, Query(pattern=TEXT, max_length=200, description="The broker's id of it.")]
After = Annotated[int, Query(ge=0, le=MOST_ROW, description="Where to go on: `next` of the page before.")]
WantedPart = Annotated[Wanted, Depends()]
Few = Annotated[int, Query(ge=1, le=1_000, description="How many, at most.")]  # each names every symbol


@router.get("/portfolio", response_model=ActualPortfolio)
def portfolio(journal: JournalPart, account: Account, run: AskedName = None) -> Any:
    """The actual portfolio of an account, or of a run on it, from executions and bookings."""
    return _portfolio(journal.state.portfolio(account, run))


@router.get("/positions", response_model=list[HeldPosition])
def positions(journal: JournalPart, account: Account, run: AskedName = None) -> Any:
    """The positions of an account, or of a run on it, by symbol."""
    return _portfolio(journal.state.portfolio(account, run))["positions"]


@router.get("/portfolio/reconciliations", response_model=ReconciliationPage)
def reconciliations(journal: JournalPart, account: AskedName = None, after: After = 0, limit: Limit = 100) -> Any:
    """What was said of accounts, beside what the journal knew then."""
    found = journal.state.reconciliations(account, after, limit + 1)
    return {"reconciliations": [vars(each) for each in found[:limit]], "next": str(found[limit - 1].id) if len(found) > limit else None}


@router.post("/portfolio/reconciliations", response_model=Reconciliation)
def reconcile(journal: JournalPart, body: NewReconciliation) -> Any:
    """Record what somebody says an account holds; it is a record and changes nothing else."""
    stated: dict[str, dict[str, Any]] = {}
    for each in body.positions:
        if each.symbol in stated:
            raise UsageError(f"positions: {each.symbol} is there twice; say once what is held of it")
        stated[each.symbol] = each.model_dump(mode="json", exclude={"symbol"}, exclude_none=True)
    return vars(journal.state.reconcile(body.account, stated, body.cash, body.run, body.by, body.key, body.time_ns))


@router.get("/equity", response_model=EquityPage)
def equity(journal: JournalPart, account: Account, wanted: WantedPart, after: Place = "", limit: Limit = 100) -> Any:
    """Equity and cash of an account over time, as snapshots and decisions have seen them."""
    found, place = journal.pages.equity(_chosen(wanted, account), after, limit)
    return {"equity": [vars(each) for each in found], "next": place or None}


@router.post("/equity", status_code=204)
def record_snapshot(journal: JournalPart, body: NewSnapshot) -> None:
    """Record what an account was worth; the first snapshot of a moment stays."""
    journal.history.take(**vars(body))


@router.get("/equity/snapshots", response_model=SnapshotPage)
def snapshots(journal: JournalPart, wanted: WantedPart, after: Place = "", limit: Few = 100) -> Any:
    """Snapshots with their positions, in order."""
    found, place = journal.pages.snapshots(_chosen(wanted, wanted.account), after, limit)
    return {"snapshots": [vars(each) for each in found], "next": place or None}


@router.get("/signals", response_model=SignalPage)
def signals(journal: JournalPart, wanted: WantedPart, after: Place = "", limit: Few = 100) -> Any:
    """What strategies have said for live accounts, in the order of the bars."""
    found, place = journal.pages.signals(_chosen(wanted, wanted.account), after, limit)
    return {"signals": [vars(each) for each in found], "next": place or None}


@router.put("/signals", status_code=204)
def record_signal(journal: JournalPart, body: RecordedSignal) -> None:
    """Record what a strategy says on a bar; what it has said first on it stays."""
    journal.history.say(**vars(body))


def _chosen(wanted: Wanted, account: str | None) -> Chosen:
    return Chosen(account, wanted.run, (), wanted.since_ns, wanted.until_ns)


def _portfolio(found: Portfolio) -> dict[str, Any]:
    held = [{"symbol": each.symbol, "quantity": each.qty, "average_price": each.average, "last_price": each.price,
             "market_value": each.value, "unrealized": each.unrealized} for each in found.positions]
    return {**vars(found), "positions": held, "market_value": found.value, "equity": found.equity, "dividends": found.booked}
