"""What the report of a recorded run says beside its numbers: its curves by session, and its trades. May import what lies below services."""

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analyzers import metrics
from core.errors import CorruptFile, UsageError
from reports.archive import BARS, RESULT

MOST_KEPT = 8  # runs whose trades are remembered


class Curves(NamedTuple):
    """(S,) session dates, and the account's equity, the benchmark (NaN = none), drawdown (0 or below) and exposure at their last bars."""

    session: np.ndarray
    equity: np.ndarray
    benchmark: np.ndarray
    drawdown: np.ndarray
    exposure: np.ndarray


def curves(run: int, directory: str | None, cash: float) -> Curves:
    """The curves of a run that began with this cash.

    Raises:
        UsageError: its report is gone. CorruptFile: it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = _file(run, directory, BARS)
    try:
        table = pq.read_table(file, columns=["session", "equity", "benchmark", "exposure"])
        columns = {name: table[name].to_numpy() for name in table.column_names}
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _damaged(file, error) from None
    session = columns["session"].astype("datetime64[D]")
    dates, equity = metrics.session_last(session, columns["equity"])
    benchmark, exposure = (metrics.session_last(session, columns[name])[1] for name in ("benchmark", "exposure"))
    return Curves(dates, equity, benchmark, -metrics.drawdown(equity, cash), exposure)


def trades(run: int, directory: str | None) -> list[dict[str, Any]]:
    """The trades of a run, in time order, with the fields of `core.result.Trade`. Raises as `curves`."""
    file = _file(run, directory, RESULT)
    return _trades(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=MOST_KEPT)
def _trades(file: Path, _: int) -> list[dict[str, Any]]:
    try:
        return [{**each, "return": _return(each)} for each in json.loads(file.read_text(encoding="utf-8"))["trades"]]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(file, error) from None


def _return(trade: dict[str, Any]) -> float | None:
    """Profit over what the shares cost."""
    cost = abs(trade["size"] * (trade["entry_price"] or math.nan))
    return trade["pnl"] / cost if cost > 0 else None


def _file(run: int, directory: str | None, name: str) -> Path:
    if directory is None or not (Path(directory) / name).is_file():
        raise UsageError(f"the report of run {run} is gone ({directory or 'it had none'}): run it again")
    return Path(directory) / name


def _damaged(file: Path, error: Exception) -> CorruptFile:
    return CorruptFile(f"{file} is damaged ({str(error).splitlines()[0] if str(error) else type(error).__name__}): run the backtest again")
