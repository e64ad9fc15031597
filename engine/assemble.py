"""From the bare records of a run to its `RunResult`: shares, trades, metrics, and what a reader must know."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import Any

import numpy as np

from analyzers.benchmark import benchmark_equity
from analyzers.metrics import compute
from analyzers.trades import positions, round_trips
from core.bars import Bars
from core.errors import NoBars
from core.notes import Note
from core.result import CashEvent, Fill, OrderRecord, RunResult
from core.spec import RunSpec
from engine import resolve
from strategies.base import TargetStrategy

MANY = 20  # symbols that are a universe
YEARS = np.timedelta64(2 * 365, "D")  # after which somebody has left most universes
LAST_BARS = 10
DECIDING_PACKAGES = ("cerebrolab", "backtrader", "numpy", "numba", "pandas")


def assemble(spec: RunSpec, bars: Bars, *, strategy: type, equity: np.ndarray, cash: np.ndarray,
             orders: list[OrderRecord], fills: list[Fill], events: list[CashEvent], notes: Sequence[Note]) -> RunResult:
    """The result of a run.

    Args:
        strategy: its class. bars: what it traded on. equity, cash: (T,). The records: in time order.
    """
    held = positions(bars, fills, whole=not spec.fractional)
    worth = np.abs(np.where(held == 0, 0.0, held * bars.last_close)).sum(axis=1)
    exposure = np.divide(worth, equity, out=np.zeros(len(bars)), where=equity > 0)
    result = RunResult(
        spec=spec, bars=bars, equity=equity, cash=cash, exposure=exposure, positions=held,
        benchmark=benchmark_equity(bars, spec.benchmark, spec.cash), orders=orders, fills=fills, cash_events=events,
        trades=round_trips(bars, fills, events), notes=sorted(notes, key=lambda note: note.time),
        strategy_source=resolve.source_digest(strategy), versions=dict(versions_of(DECIDING_PACKAGES)))
    result.metrics.update(compute(result))
    result.warnings.extend(_warnings(result))
    return result


def need_history(strategy: Any, p: Any, bars: Bars) -> None:
    """Raise `NoBars` if no symbol has the bars after which a target strategy can decide."""
    needed = strategy.warmup(p)
    longest = int(bars.traded[:, bars.tradable].sum(axis=0).max())
    if needed and longest < needed:
        raise NoBars(f"{strategy.__name__} needs {needed} bars before it can decide, and the longest series has "
                     f"{longest}: name an earlier start or shorter periods")


@cache
def versions_of(packages: tuple[str, ...]) -> Mapping[str, str]:
    """Package -> its version, of those that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a checkout that is not installed
            continue
    return found


def _warnings(result: RunResult) -> list[str]:
    bars, refused = result.bars, result.rejected
    warnings = list(bars.origin.warnings)
    if bars.origin.synthetic:
        warnings.append("synthetic bars: invented by a generator, no statement about any market")
    closes = [symbol for symbol, flag in zip(bars.symbols, bars.close_only, strict=True) if flag]
    if closes:
        warnings.append(f"close-only series, filled at the next close: {', '.join(closes)}")
    if _only_survivors(bars):
        warnings.append(f"every one of the {int(bars.tradable.sum())} symbols is still there at the end: a universe of survivors flatters the result; "
                        "a universe file with dates of entry and exit avoids that")
    if (late := _late(result)) is not None:
        symbol, row = late
        warnings.append(f"{result.spec.strategy} has its first turn on {bars.session[row]}, with the first bar of {symbol}: Backtrader waits for every feed; "
                        "leave symbols out that begin late")
    if refused:
        warnings.append(f"{len(refused)} of {len(result.orders)} orders were refused; "
                        f"the first: {refused[0].symbol}, {refused[0].reason}")
    for source, notes in groupby(sorted(result.notes, key=lambda note: note.source), key=lambda note: note.source):
        told = list(notes)
        more = f" (and {len(told) - 1} more notes of {source})" if len(told) > 1 else ""
        warnings.append(f"{_date(told[0].time)}: {told[0].text}{more}")
    if not result.orders:
        warnings.append(f"no order was placed in {len(bars)} bars: the rule may need more history or other parameters")
    if result.equity.min() <= 0:
        warnings.append("equity fell to zero or below: the account was wiped out")
    return warnings


def _late(result: RunResult) -> tuple[str, int] | None:
    """The symbol whose first bar a plain strategy had to wait for, and its row, where that was long."""
    bars = result.bars
    if issubclass(resolve.strategy_class(result.spec.strategy), TargetStrategy):
        return None
    first = np.argmax(bars.traded, axis=0)
    at = int(np.argmax(first))
    return (bars.symbols[at], int(first[at])) if first[at] > LAST_BARS else None


def _only_survivors(bars: Bars) -> bool:
    """Whether a universe, or a list as long as one, has nobody who left it over some years, and nobody whose bars end."""
    many = bars.member is not None or int(bars.tradable.sum()) >= MANY
    if not many or bars.session[-1] - bars.session[0] < YEARS:
        return False
    leaves = ~bars.traded[-LAST_BARS:].any(axis=0)
    if bars.member is not None:
        leaves |= (bars.traded & ~bars.member).any(axis=0)
    return not (leaves & bars.tradable).any()


def _date(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[D]"))
