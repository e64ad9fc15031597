"""What the routes over actual portfolios, equity, signals and steering take and answer. Imports what is beside it, and pydantic."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from services.api.parts import Body
from services.api.record_bodies import (
    Amount,
    Facts,
    Kept,
    LongText,
    Moment,
    Name,
    NotNegative,
    Page,
    SteeringKind,
    Symbol,
    Text,
)


class HeldPosition(BaseModel):
    """Shares of one symbol, account currency."""

    symbol: str
    quantity: Decimal = Field(description="Signed shares.")
    average_price: Decimal
    last_price: Decimal = Field(description="The last one known.")
    market_value: Decimal
    unrealized: Decimal


class ActualPortfolio(BaseModel):
    """What an account holds, or a run on it, as executions and bookings add up."""

    account: str
    run: str | None
    positions: list[HeldPosition]
    cash: Decimal = Field(description="All that came in less what went out; begins with what was booked as transferred.")
    market_value: Decimal
    equity: Decimal
    realized: Decimal
    commission: Decimal
    dividends: Decimal
    transferred: Decimal
    executions: int
    last_ns: int


class StatedPosition(Body):
    """What somebody says is held of a symbol."""

    symbol: Symbol
    quantity: Amount
    current_price: NotNegative | None = None
    market_value: Amount | None = None


class NewReconciliation(Body):
    """What somebody says an account holds; a symbol that is not among the positions is said not to be held."""

    account: Name
    run: Text | None = Field(default=None, description="null = all of the account.")
    positions: list[StatedPosition] = Field(max_length=10_000)
    cash: Amount | None = None
    by: Text = ""
    key: Kept = ""
    time_ns: Moment = Field(default=0, description="When, UTC ns; 0 = now.")


class Reconciliation(BaseModel):
    """A reconciliation as it was recorded, and what differed from the journal then."""

    id: int
    account: str
    run: str | None
    by: str
    time_ns: int
    positions: dict[str, Any]
    cash: Decimal | None
    differences: dict[str, Any]


class ReconciliationPage(Page):
    """Reconciliations in the order they were made."""

    reconciliations: list[Reconciliation]


class EquityPoint(BaseModel):
    """Equity and cash at a moment, and who says so."""

    account: str
    run: str
    time_ns: int
    equity: Decimal
    cash: Decimal
    source: str


class EquityPage(Page):
    """Equity over time, in the order of the moments."""

    equity: list[EquityPoint]


class NewSnapshot(Body):
    """What an account, or a run on it, was worth at a moment."""

    account: Name
    run: Text = ""
    time_ns: Moment = Field(default=0, description="When, UTC ns; 0 = now.")
    equity: Amount
    cash: Amount
    positions: Facts = Field(default_factory=dict)
    source: Text = "broker"


class Snapshot(EquityPoint):
    """A snapshot as it was recorded."""

    positions: dict[str, Any]


class SnapshotPage(Page):
    """Snapshots in the order of the moments."""

    snapshots: list[Snapshot]


class RecordedSignal(Body):
    """What a strategy has said on a bar: symbol -> conviction, 0 = out."""

    account: Name
    run: Text = ""
    strategy: Text
    bar_ns: Moment
    convictions: dict[Symbol, float]


class SignalPage(Page):
    """Signals in the order of the bars."""

    signals: list[RecordedSignal]


class NewRequest(Body):
    """What is asked of running strategies; empty = any."""

    kind: SteeringKind
    strategy: Text = ""
    run: Text = ""
    facts: Facts = Field(default_factory=dict)
    by: Text = ""
    key: Kept = ""
    asked_ns: Moment = Field(default=0, description="When, UTC ns; 0 = now.")


class Request(BaseModel):
    """What is asked of running strategies."""

    id: int
    kind: str
    strategy: str
    run: str
    facts: dict[str, Any]
    by: str
    asked_ns: int


class NewAnswer(Body):
    """What a run has made of a request."""

    account: Name
    run: Text
    taken: bool
    text: LongText
    bar_ns: Moment
    answered_ns: Moment = Field(default=0, description="When, UTC ns; 0 = now.")


class Answer(BaseModel):
    """What a run has made of a request."""

    request_id: int
    account: str
    run: str
    taken: bool
    text: str
    bar_ns: int
    answered_ns: int


class Asked(Request):
    """A request, and what runs have made of it."""

    answers: list[Answer]


class SteeringPage(Page):
    """Requests in the order they were asked."""

    requests: list[Asked]
