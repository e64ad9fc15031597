"""`RunRecord`: a run as plain values, as it goes into the database, or through the REST API to whoever holds it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.result import Fill, OrderRecord, RunResult

Values = dict[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """A run with what it ordered and executed.

    Attributes:
        values: the columns of `journal.tables.RunRow`, without its number and key.
        orders, executions: those of `OrderRow` and `ExecutionRow`, without the numbers of the rows and of the run.
    """

    values: Values
    orders: list[Values]
    executions: list[Values]


def run_record(result: RunResult, directory: str | None, created_ns: int) -> RunRecord:
    """What is recorded of a result, with secret-looking values masked; `directory` is where its report is."""
    summary, bars = result.summary(), result.bars
    values = dict(
        created_ns=created_ns, strategy=result.spec.strategy, strategy_source=result.strategy_source,
        symbols=list(result.spec.symbols), spec=result.spec.masked(), source=bars.origin.source or "own data",
        start=summary["start"], end=summary["end"], interval=bars.interval, fingerprint=bars.fingerprint,
        versions=dict(result.versions), directory=directory, cash=result.spec.cash, final_value=result.final_value,
        metrics=dict(result.metrics), warnings=list(result.warnings), trades=summary["trades"],
        fills=summary["fills"], rejected=summary["rejected"], seconds=summary["seconds"],
    )
    return RunRecord(values, [_order(each) for each in result.orders], execution_values(result.fills))


def execution_values(fills: Iterable[Fill]) -> list[Values]:
    """Fills as they are recorded; the key of one is its order, its time and its place among that order's fills of that time."""
    seen: Counter[tuple[int, int]] = Counter()
    rows = []
    for fill in fills:
        values = fill._asdict()
        order, time_ns = values.pop("order"), values.pop("time")
        seen[order, time_ns] += 1
        rows.append({**values, "order_number": order, "time_ns": time_ns, "session": str(fill.session),
                     "key": f"{order}:{time_ns}:{seen[order, time_ns]}"})
    return rows


def _order(order: OrderRecord) -> Values:
    values = order._asdict()
    return {"number": values.pop("order"), "time_ns": values.pop("time"), **values}
