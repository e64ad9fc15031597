"""What the routes over recorded backtests take and answer, as pydantic models. Imports the journal and pydantic.

Numbers are exact: decimals as texts in answers, texts or numbers in requests. Moments are UTC nanoseconds.
"""

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from core.errors import UsageError
from journal.run_record import RunRecord
from services.api.parts import MOST_ROW, Body, Exact
from services.api.record_bodies import At, Facts, LongText, Name, Page, Text

MOST_RECORDS = 10_000  # in one request
Int64 = Annotated[int, Field(ge=-(2**63), le=MOST_ROW)]
Count = Annotated[int, Field(ge=0, le=MOST_ROW)]
AnyAmount = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=400)]  # whatever a float64 may be
Finite = Annotated[float, Field(allow_inf_nan=False)]
Universe = Annotated[list[Text], Field(max_length=50_000)]


class RunOrder(Body):
    """One order of a backtest, as it ended; fields as in the report."""

    number: Count
    time_ns: Int64
    symbol: Text
    size: AnyAmount
    kind: Text
    price: AnyAmount | None = None
    status: Text
    filled: AnyAmount
    reason: LongText = ""
    intent: Text = ""


class RunExecution(Body):
    """One execution of a backtest; `key` names it within the run."""

    key: Name
    order_number: Count
    time_ns: Int64
    session: Text
    symbol: Text
    size: AnyAmount
    price: AnyAmount
    commission: AnyAmount
    intent: Text = ""


class RunRecords(Body):
    """Orders and executions of a run, of which there may be more."""

    orders: list[RunOrder] = Field(default_factory=list, max_length=MOST_RECORDS)
    executions: list[RunExecution] = Field(default_factory=list, max_length=MOST_RECORDS)


class NewRun(RunRecords):
    """A backtest with its orders and executions, those of the parts that were sent before included: all or nothing."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,100}$", description="Names the run, so that telling it twice records it once.")]
    parts: Annotated[int, Field(ge=0, le=MOST_RECORDS, description="Parts sent before to /v1/runs/parts/{key}/0, 1, and so on.")] = 0
    created_ns: At = 0
    strategy: LongText
    strategy_source: LongText
    symbols: Universe
    spec: Facts
    source: LongText
    start: dt.date
    end: dt.date
    interval: Text
    fingerprint: Text
    versions: Facts
    directory: LongText | None = None
    cash: AnyAmount
    final_value: AnyAmount
    metrics: dict[Text, int | Finite | None]
    warnings: list[LongText] = Field(max_length=MOST_RECORDS)
    trades: Count
    fills: Count
    rejected: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]

    def record(self, parts: list[RunRecords], created_ns: int) -> RunRecord:
        """The run as the journal takes it; `parts` were sent before.

        Raises:
            UsageError: an order is there twice.
        """
        orders = [each for part in (*parts, self) for each in part.orders]
        executions = [each for part in (*parts, self) for each in part.executions]
        [(twice, count)] = Counter(each.number for each in orders).most_common(1) or [(0, 0)]
        if count > 1:
            raise UsageError(f"orders: number {twice} is there {count} times; name each order once")
        kept = {name: getattr(self, name) for name in NewRun.model_fields if name not in ("orders", "executions", "key", "parts")}
        kept.update(start=str(self.start), end=str(self.end), created_ns=self.created_ns or created_ns)
        return RunRecord(kept, [vars(each) for each in orders], [vars(each) for each in executions])


class MoreExecutions(Body):
    """Further executions of a run."""

    executions: list[RunExecution] = Field(max_length=MOST_RECORDS)


class RecordedRunOrder(BaseModel):
    """One order of a backtest, as it ended."""

    id: int
    number: int
    time_ns: int
    symbol: str
    size: Exact
    kind: str
    price: Exact | None
    status: str
    filled: Exact
    reason: str
    intent: str


class RunOrderPage(Page):
    """Orders of a run, in time order."""

    orders: list[RecordedRunOrder]


class RecordedRunExecution(BaseModel):
    """One execution of a backtest."""

    id: int
    key: str
    order_number: int
    time_ns: int
    session: str
    symbol: str
    size: Exact
    price: Exact
    commission: Exact
    intent: str


class RunExecutionPage(Page):
    """Executions of a run, in the order they were recorded."""

    executions: list[RecordedRunExecution]
