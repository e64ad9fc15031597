"""`run`: play a spec through Cerebro and gather what it leaves behind."""

import random
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import Any

import backtrader as bt
import numpy as np

from analyzers.benchmark import benchmark_equity
from analyzers.metrics import compute
from analyzers.trades import positions, round_trips
from core.bars import Bars
from core.day_numbers import day_numbers
from core.errors import NoBars
from core.notes import Note
from core.result import CashEvent, Fill, OrderRecord, RunResult
from core.spec import RunSpec
from engine import resolve
from engine.build import build, load, trades_adjusted
from strategies.base import TargetStrategy

DECIDING_PACKAGES = ("cerebrolab", "backtrader", "numpy", "numba", "pandas")


def run(spec: RunSpec, bars: Bars | None = None, store: Any = None,
        progress: Callable[..., Any] | None = None) -> RunResult:
    """Run a spec on the simulated broker.

    Args:
        spec: what to run.
        bars: what to run it on, instead of what the spec's source delivers.
        store: a bar store for sources that need one. progress: called while data is fetched.

    Raises:
        CerebrolabError: one of `core.errors`, for anything the user can put right.
    """
    started = time.perf_counter()
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    resolve.checked_params(strategy, spec.params)
    if bars is None:
        bars = load(spec, store, progress)
    spec = spec.replace(symbols=tuple(np.array(bars.symbols)[bars.tradable].tolist()),
                        reference=tuple(np.array(bars.symbols)[~bars.tradable].tolist()))
    loaded = time.perf_counter()
    random.seed(spec.seed)
    np.random.seed(spec.seed)
    cerebro = build(spec, bars=bars)
    strategies = cerebro.run()
    played = time.perf_counter()
    traded = bars.adjusted if trades_adjusted(spec, strategy) else bars
    result = _gather(spec, traded, cerebro, strategies)
    if not result.orders:
        _need_history(strategies[0], bars)
    result.timings.update(sizing=getattr(strategies[0].getsizer(), "seconds", 0.0))
    result.timings.update(load=loaded - started, run=played - loaded, total=time.perf_counter() - started)
    return result


def _need_history(strategy: bt.Strategy, bars: Bars) -> None:
    """Raise `NoBars` if no symbol has the bars after which the strategy can decide."""
    needed = strategy.warmup(strategy.p) if isinstance(strategy, TargetStrategy) else None
    longest = int(bars.traded[:, bars.tradable].sum(axis=0).max())
    if needed and longest < needed:
        raise NoBars(f"{type(strategy).__name__} needs {needed} bars before it can decide, and the longest series has "
                     f"{longest}: name an earlier start or shorter periods")


def _gather(spec: RunSpec, bars: Bars, cerebro: bt.Cerebro, strategies: list[bt.Strategy]) -> RunResult:
    broker = cerebro.broker
    times = _Times(bars)
    account = np.array(broker.account, dtype=np.float64).reshape(-1, 2)
    account = np.concatenate([account, np.repeat(account[-1:], len(bars) - len(account), axis=0)])
    numbers = {order.ref: at for at, order in enumerate(broker.orders, start=1)}
    fills = [_fill(order, bit, numbers, times, bars) for order, bit in broker.fills]
    events = [CashEvent(times.of(each.moment), each.data._name, each.kind, each.amount)
              for each in broker.corporate.booked]
    events += [CashEvent(int(bars.index[-1]), each.data._name, "dividend", each.amount)
               for each in broker.corporate.receivables]
    held = positions(bars, fills, whole=not spec.fractional)
    equity, cash = account[:, 0], account[:, 1]
    worth = np.abs(np.where(held == 0, 0.0, held * bars.last_close)).sum(axis=1)
    exposure = np.divide(worth, equity, out=np.zeros(len(bars)), where=equity > 0)
    result = RunResult(
        spec=spec, bars=bars, equity=equity, cash=cash, exposure=exposure, positions=held,
        benchmark=benchmark_equity(bars, spec.benchmark, spec.cash),
        orders=[_order(order, numbers, times) for order in broker.orders], fills=fills, cash_events=events,
        trades=round_trips(bars, fills, events), notes=_notes(strategies[0]), strategy_source=resolve.source_digest(type(strategies[0])),
        versions=_versions(),
    )
    result.metrics.update(compute(result))
    result.warnings.extend(_warnings(result))
    return result


def _notes(strategy: bt.Strategy) -> list[Note]:
    return sorted(getattr(strategy.getsizer(), "notes", []), key=lambda note: note.time)


class _Times:
    """From Backtrader's day numbers back to the panel's nanoseconds."""

    def __init__(self, bars: Bars) -> None:
        self._rows = {moment: row for row, moment in enumerate(day_numbers(bars.index).tolist())}
        self._index = bars.index

    def row(self, moment: float) -> int:
        return self._rows[moment]

    def of(self, moment: float) -> int:
        return int(self._index[self._rows[moment]])


def _fill(order: bt.Order, bit: Any, numbers: dict[int, int], times: _Times, bars: Bars) -> Fill:
    row = times.row(bit.dt)
    return Fill(int(bars.index[row]), bars.session[row], order.data._name, float(bit.size), float(bit.price),
                float(bit.comm), numbers[order.ref], order.info.get("intent", ""))


def _order(order: bt.Order, numbers: dict[int, int], times: _Times) -> OrderRecord:
    kind = order.getordername()
    price = float(order.created.price) if kind not in ("Market", "Close") else float("nan")
    return OrderRecord(
        order=numbers[order.ref], time=times.of(order.created.dt), symbol=order.data._name,
        size=float(order.created.size), kind=kind, price=price, status=order.getstatusname(),
        filled=float(order.executed.size), reason=order.info.get("reason", ""), intent=order.info.get("intent", ""))


def _versions() -> dict[str, str]:
    found = {}
    for name in DECIDING_PACKAGES:
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


def _date(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[D]"))
