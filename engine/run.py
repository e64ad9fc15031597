"""`run`: play a spec through Cerebro and gather what it leaves behind."""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import backtrader as bt
import numpy as np

from analyzers.shortfall import ImplementationShortfall
from core.bars import Bars
from core.day_numbers import day_numbers
from core.notes import Note
from core.result import CashEvent, Fill, OrderRecord, RunResult
from core.spec import RunSpec
from engine import resolve
from engine.assemble import assemble, need_history
from engine.build import build, trades_adjusted
from engine.loading import load
from strategies.base import TargetStrategy

TOLD = 100  # times that somebody who looks on is told how far a run is


def run(spec: RunSpec, bars: Bars | None = None, store: Any = None,
        progress: Callable[..., Any] | None = None, playing: Callable[[int, int], Any] | None = None) -> RunResult:
    """Run a spec on the simulated broker.

    Args:
        spec: what to run.
        bars: what to run it on, instead of what the spec's source delivers.
        store: a bar store for sources that need one. progress: called while data is fetched.
        playing: called with the bars played so far, and all, a hundred times; an error that it raises ends the run.

    Raises:
        CerebrolabError: one of `core.errors`, for anything the user can put right.
    """
    started = time.perf_counter()
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    resolve.checked_params(strategy, spec.params)
    if bars is None:
        bars = load(spec, store, progress)
    spec = resolve.of_bars(spec, bars)
    loaded = time.perf_counter()
    random.seed(spec.seed)
    np.random.seed(spec.seed)
    cerebro = build(spec, bars=bars)
    if spec.execution is not None:
        cerebro.addanalyzer(ImplementationShortfall, _name="shortfall")
    if playing is not None:
        cerebro.watched = partial(_watched, total=len(bars), told=playing)
    strategies = cerebro.run()
    played = time.perf_counter()
    traded = bars.adjusted if trades_adjusted(spec, strategy) else bars
    result = _gather(spec, traded, cerebro, strategies)
    if not result.orders and issubclass(strategy, TargetStrategy):
        need_history(strategy, strategies[0].p, bars)
    if spec.execution is not None:
        costs = strategies[0].analyzers.shortfall.get_analysis()["costs"]
        result.metrics.update({f"shortfall_{name}": value for name, value in costs.summary().items()})
    result.timings.update(sizing=getattr(strategies[0].getsizer(), "seconds", 0.0))
    result.timings.update(load=loaded - started, run=played - loaded, total=time.perf_counter() - started)
    return result


def _watched(moments: Iterator[float], total: int, told: Callable[[int, int], Any]) -> Iterator[float]:
    every = -(-total // TOLD)
    for at, moment in enumerate(moments):
        if at % every == 0:
            told(at, total)
        yield moment


def _gather(spec: RunSpec, bars: Bars, cerebro: bt.Cerebro, strategies: list[bt.Strategy]) -> RunResult:
    broker = cerebro.broker
    times = _Times(bars)
    account = np.array(broker.account, dtype=np.float64).reshape(-1, 2)
    account = np.concatenate([account, np.repeat(account[-1:], len(bars) - len(account), axis=0)])
    numbers = {order.ref: at for at, order in enumerate(broker.orders, start=1)}
    fills = [_fill(order, bit, numbers, times, bars) for order, bit in broker.fills]
    events = [CashEvent(times.of(each.moment), each.data._name if each.data is not None else "", each.kind, each.amount)
              for each in broker.corporate.booked]
    events += [CashEvent(int(bars.index[-1]), each.data._name, "dividend", each.amount)
               for each in broker.corporate.receivables]
    return assemble(
        spec, bars, equity=account[:, 0], cash=account[:, 1], fills=fills, events=events, notes=_notes(strategies[0]),
        orders=[_order(order, numbers, times) for order in broker.orders], strategy=type(strategies[0]))


def _notes(strategy: bt.Strategy) -> list[Note]:
    return getattr(strategy.getsizer(), "notes", [])


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
