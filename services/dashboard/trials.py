"""The trials of a sweep as a table, and slices of it. Imports core, pandas, Streamlit and what is beside it."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.measures import MEASURES
from services.dashboard import access
from services.dashboard.client import Client

if TYPE_CHECKING:
    from pandas import DataFrame

A_PAGE, MOST = 1_000, 50_000
LOWER_IS_BETTER = frozenset({"max_drawdown", "volatility", "turnover", "costs", "rejected"})


def trials_of(sweep: int) -> "tuple[DataFrame, list[str]]":
    """The first trials of a sweep, one a row: `number`, its parameters, its measures; and the names of the parameters that vary."""
    return _read(access.api(), sweep)


@st.cache_data(ttl=60, max_entries=8, show_spinner=False, hash_funcs={Client: lambda client: (client.url, client.token)})
def _read(api: Client, sweep: int) -> "tuple[DataFrame, list[str]]":
    from pandas import DataFrame

    rows: list[dict[str, Any]] = []
    after: Any = -1
    while after is not None and len(rows) < MOST:
        page = api.get(f"/ledger/sweeps/{sweep}/measures", after=after, limit=A_PAGE)
        rows += [{"number": each["number"], **each["params"], **each["measures"]} for each in page["trials"]]
        after = page["next"]
    found = DataFrame(rows)
    names = [name for name in found.columns if name != "number" and name not in MEASURES and found[name].astype(str).nunique() > 1]
    return found, names


def metric_of(objective: Any) -> str:
    """The measure that a sweep looked for: that of "sharpe", "-turnover", or the first of several."""
    first = objective[0] if isinstance(objective, list) else str(objective).split(",")[0]
    name = first.strip().lstrip("+-")
    return name if name in MEASURES else "sharpe"


def best(found: "DataFrame", measure: str, count: int) -> "DataFrame":
    """The best trials by a measure, the best first."""
    return found.dropna(subset=[measure]).sort_values(measure, ascending=measure in LOWER_IS_BETTER, kind="stable").head(count)


def grid(found: "DataFrame", x: str, y: str, measure: str) -> tuple[list[Any], list[Any], list[list[float | None]]]:
    """(values of x, values of y, rows of y by columns of x): the best of a measure over all other parameters; None where nothing was tried."""
    table = found.dropna(subset=[measure]).pivot_table(index=y, columns=x, values=measure, aggfunc="min" if measure in LOWER_IS_BETTER else "max")
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return list(table.columns), list(table.index), rows
