"""What the routes over the journal take and answer: records of live accounts as pydantic models. Imports the journal and pydantic.

Money and shares are exact: decimals as texts in answers, texts or numbers in requests. Moments are UTC nanoseconds.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field, JsonValue

from journal.pages import FAR_AHEAD, LONG_AGO
from services.api.parts import MOST_ROW, Body

TEXT = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, Field(pattern=TEXT, max_length=200)]
Name = Annotated[str, Field(pattern=TEXT, min_length=1, max_length=200)]
LongText = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=10_000)]
Symbol = Annotated[str, Field(pattern=TEXT, min_length=1, max_length=50)]
Moment = Annotated[int, Field(ge=0, le=FAR_AHEAD, description="UTC nanoseconds since 1970.")]
Number = Annotated[int, Field(ge=1, le=MOST_ROW)]
Amount = Annotated[Decimal, Field(gt=-(10**18), lt=10**18, max_digits=60)]
Positive = Annotated[Decimal, Field(gt=0, lt=10**18, max_digits=60)]
NotNegative = Annotated[Decimal, Field(ge=0, lt=10**18, max_digits=60)]
Facts = dict[Text, JsonValue]
Side = Literal["buy", "sell"]
OrderState = Literal["planned", "sending", "open", "done"]
SteeringKind = Literal["configure", "rebalance", "schedule"]
At = Annotated[int, Field(ge=0, le=FAR_AHEAD, description="When it is recorded, UTC nanoseconds; 0 = now.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="How many, at most.")]
After = Annotated[str, Query(max_length=300, description="Where to go on: `next` of the page before.")]
AskedName = Annotated[str | None, Query(pattern=TEXT, max_length=200)]
Kept = Annotated[str, Field(pattern=TEXT, max_length=200, description="Names the record, so that telling it twice changes nothing.")]


class Page(BaseModel):
    """Base of answers that come in parts."""

    next: str | None = Field(description="What to give as `after` for the next page; null on the last.")


class Execution(Body):
    """One execution; an order and its shares executed so far, this execution included, name it."""

    client_order_id: Name
    broker_id: Text = ""
    filled: Positive
    account: Name
    run: Text = Field(default="", description="Whose it is; empty = nobody's.")
    symbol: Symbol
    side: Side
    qty: Positive
    price: NotNegative
    time_ns: Moment
    commission: Amount = Decimal(0)


class OrderChange(Body):
    """What has become of an order; a field that is left out stays as it is."""

    state: OrderState | None = None
    tif: Text | None = None
    broker_id: Text | None = None
    status: Text | None = None
    filled: NotNegative | None = None
    price: NotNegative | None = None
    reason: LongText | None = None


class LaterChange(OrderChange):
    """What has become of an order, and when that is recorded."""

    at_ns: At = 0


class NewExecutions(Body):
    """Executions, and what has become of orders with them: all or nothing."""

    executions: list[Execution] = Field(max_length=10_000)
    changes: dict[Name, OrderChange] = Field(default_factory=dict, description="By client order id; orders that are done stay.")
    at_ns: At = 0


class Counted(BaseModel):
    """How many records were new."""

    recorded: int


class ExecutionPage(Page):
    """Executions in the order of their times."""

    executions: list[Execution]


class NewOrder(Body):
    """One attempt to trade."""

    client_order_id: Name
    place: Annotated[int, Field(ge=0, le=10**9)] = 0
    symbol: Symbol
    side: Side
    qty: NotNegative
    intent: Text
    attempt: Annotated[int, Field(ge=1, le=10**9)] = 1
    state: OrderState = "planned"
    tif: Text = ""
    broker_id: Text = ""
    status: Text = ""
    filled: NotNegative = Decimal(0)
    price: NotNegative | None = None
    reason: LongText = ""


class Order(NewOrder):
    """An order as it stands."""

    account: str
    run: str
    decision: int
    created_ns: int
    updated_ns: int


class OrderPage(Page):
    """Orders by decision, and in their turns in it."""

    orders: list[Order]


class MoreOrders(Body):
    """Further attempts of a decision."""

    decision: Number
    orders: list[NewOrder] = Field(max_length=10_000)
    at_ns: At = 0


class NewDecision(Body):
    """What a strategy decided on one bar for one account, and the orders it asks for."""

    account: Name
    run_key: Text
    bar_ns: Moment
    session: Text
    strategy: Text
    strategy_source: LongText
    spec: Facts
    fingerprint: Text
    equity: Amount
    cash: Amount
    targets: Facts
    notes: list[LongText]
    orders: list[NewOrder] = Field(default_factory=list, max_length=10_000)
    at_ns: At = 0


class Decision(BaseModel):
    """A decision as it was recorded."""

    id: int
    created_ns: int
    account: str
    run_key: str
    bar_ns: int
    session: str
    strategy: str
    strategy_source: str
    spec: dict[str, Any]
    fingerprint: str
    equity: Decimal
    cash: Decimal
    targets: dict[str, Any]
    notes: list[str]


class DecisionPage(Page):
    """Decisions in the order of their bars."""

    decisions: list[Decision]


class Numbered(BaseModel):
    """The number of what was recorded."""

    id: int


class Latest(BaseModel):
    """The bar of a run's latest decision, UTC ns; 0 where it has made none."""

    bar_ns: int


class NoteBody(Body):
    """One thing to know of an account; of the kinds "cash" and "transfer" the facts `cash`, `symbol`, `qty` and `at_ns` are booked."""

    account: Name
    run: Text = ""
    kind: Name
    text: LongText
    time_ns: Moment
    facts: Facts = Field(default_factory=dict)


class NewNote(NoteBody):
    """A note to write down."""

    key: Kept | None = None


class NotePage(Page):
    """Notes in the order they were written."""

    notes: list[NoteBody]


class Owner(BaseModel):
    """An account, and a run on it; empty = nobody's."""

    account: str
    run: str


class Wanted:
    """The filters that all records have.

    Attributes:
        since_ns, until_ns: from one moment up to, but without, another.
    """

    def __init__(self, account: AskedName = None, run: AskedName = None, since: "When" = None, until: "When" = None) -> None:
        self.account, self.run = account, run
        self.since_ns = LONG_AGO if since is None else _ns(since)
        self.until_ns = FAR_AHEAD if until is None else _ns(until)


When = Annotated[Annotated[int, Field(ge=0, le=FAR_AHEAD)] | dt.datetime | None,
                 Query(union_mode="left_to_right", description="UTC nanoseconds, or ISO 8601; without a zone UTC.")]


def _ns(moment: int | dt.datetime) -> int:
    if isinstance(moment, int):
        return moment
    utc = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    elapsed = utc - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return min(max((elapsed.days * 86_400 + elapsed.seconds) * 10**9 + elapsed.microseconds * 1000, LONG_AGO), FAR_AHEAD)
