"""`simulate`: a run through the compiled twin of the simulated broker, which needs no Cerebro.

It plays what target strategies ask for with market orders at the next open and protective exits; `obstacle` names
what it leaves to Cerebro. The result is that of `engine.run`, to the last fill.
"""

import random
import time
from inspect import isfunction
from typing import Any

import numpy as np

from core.bars import Bars
from core.carry import BORROW_FEE, CASH_INTEREST, MARGIN_INTEREST
from core.costs import parse_commission, parse_slippage
from core.errors import BadSpec
from core.options import Exits, Guard, Limits, read_group
from core.result import CashEvent, Fill, OrderRecord, RunResult
from core.spec import RunSpec
from engine import resolve, twin
from engine.assemble import assemble, need_history
from engine.build import lone_sizer, sizer_of, strategy_params, trades_adjusted
from engine.carrying import carry_of, nights_of
from engine.plans import plan_of, wish_of
from engine.twin import book
from sizers.base import PortfolioSizer
from strategies.base import TargetStrategy

STATUS = ("Submitted", "Accepted", "Completed", "Margin", "Margin", "Canceled", "Canceled")
INTENTS = ("enter", "resize", "exit", "time", "stop", "trail", "profit")
ORDER_KINDS = ("Market", "Stop", "StopTrail", "Limit")
KINDS = ("dividend", "cash in lieu", BORROW_FEE, MARGIN_INTEREST, CASH_INTEREST)
SIGNALS = {"signals", "check", "features", "warmup", "check_bars"}  # what a strategy states; any other method changes the way to orders
WEIGHTS = {"weights", "weights_at", "check", "solve"}


def simulate(spec: RunSpec, bars: Bars) -> RunResult:
    """Run a spec on the twin.

    Raises:
        BadSpec: it is one for Cerebro (see `obstacle`). Otherwise as `engine.run`.
    """
    started = time.perf_counter()
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    reason = obstacle(spec, strategy)
    if reason:
        raise BadSpec(f"{spec.strategy} cannot run on the twin: {reason}; use engine.run")
    p = strategy.params()
    for name, value in strategy_params(spec, strategy).items():
        setattr(p, name, value)
    strategy.check(p)
    spec = resolve.of_bars(spec, bars)
    traded = bars.adjusted if trades_adjusted(spec, strategy) else bars
    random.seed(spec.seed)
    np.random.seed(spec.seed)
    sizer = lone_sizer(*sizer_of(spec, strategy), strategy)
    decisions = strategy.decisions(traded, p)
    decided = time.perf_counter()
    plan = plan_of(decisions, 0, sizer, traded)
    planned = time.perf_counter()
    account = account_of(spec, sizer, traded)
    equity, cash, orders, events = twin.play(market_of(traded), plan, account, wish_of(sizer, traded))
    played = time.perf_counter()
    records, fills = _orders(orders, traded)
    result = assemble(spec, traded, strategy=strategy, equity=equity, cash=cash, orders=records, fills=fills,
                      events=_events(events, traded), notes=sizer.notes)
    if not result.orders:
        need_history(strategy, p, bars)
    result.timings.update(sizing=planned - decided, plan=planned - started, run=played - planned,
                          total=time.perf_counter() - started)
    return result


def obstacle(spec: RunSpec, strategy: Any) -> str:
    """Why a run needs Cerebro, in a few words; "" when the twin can play it."""
    if not issubclass(strategy, TargetStrategy):
        return "it is a plain Backtrader strategy"
    own = _own_methods(strategy, TargetStrategy) - SIGNALS
    if own:
        return f"{strategy.__name__} has {', '.join(sorted(own))} of its own"
    for name, fill in zip(("fill", "exit_fill"), strategy.fills(spec.fill), strict=True):
        if fill != "next_open":
            return f"{name} = {fill}"
    if spec.max_volume is not None:
        return "a cap on volume"
    if spec.rules is not None:
        return f"rules = {spec.rules}"
    if read_group(Guard, spec.guard).active:
        return "a guard"
    if spec.execution is not None:
        return f"execution = {spec.execution}"
    sizer, params = sizer_of(spec, strategy)
    if sizer is None or not issubclass(sizer, PortfolioSizer):
        return "a plain Backtrader sizer"
    if getattr(sizer, "minds_current", False) or _own_methods(sizer, PortfolioSizer) - WEIGHTS - {"weights_from"}:
        return f"{sizer.__name__} sizes from what is held"
    if params.get("rounding", "floor") != "floor":
        return f"rounding = {params['rounding']}"
    return ""


def _own_methods(kind: type, base: type) -> set[str]:
    """Methods of `base` that `kind`, or a class between them, states anew."""
    between = [each for each in kind.__mro__ if issubclass(each, base) and each is not base]
    return {name for each in between for name, value in vars(each).items()
            if hasattr(base, name) and isfunction(getattr(value, "__func__", value))}


# -- what the twin plays --------------------------------------------------------------------------------


def market_of(bars: Bars) -> twin.Market:
    """The panels the twin trades on."""
    acts = (bars.split != 1.0) | (bars.dividend != 0.0)
    acts[:, ~bars.has_actions] = False
    actions = np.ascontiguousarray(np.argwhere(acts & bars.traded))
    at = tuple(actions.T)
    opening, high, low = bars.raw_open, bars.raw_high, bars.raw_low
    closed = np.isnan(opening)
    if (closed & bars.traded).any():
        opening = np.where(closed, bars.raw_close, opening)
        high, low = np.where(closed, np.nan, high), np.where(closed, np.nan, low)
    seen = np.where(bars.traded, np.arange(len(bars), dtype=np.int32)[:, None], np.int32(0))
    np.maximum.accumulate(seen, axis=0, out=seen)
    return twin.Market(_fixed(opening), _fixed(high), _fixed(low), _fixed(bars.raw_close), _fixed(bars.last_close), seen, actions,
                       bars.split[at], bars.dividend[at], _pay_rows(bars, actions))


def _fixed(panel: np.ndarray) -> np.ndarray:
    """The panel, read-only whoever made it: one type, for which the twin is compiled once."""
    panel = panel.view()
    panel.flags.writeable = False
    return panel


def _pay_rows(bars: Bars, actions: np.ndarray) -> np.ndarray:
    """(A,) the symbol's first row from the pay date on; the ex-date where none is known, T where there is no bar."""
    row, column = actions.T
    day = bars.pay_date[row, column]
    rows = np.where(np.isnat(day), row, np.maximum(row, np.searchsorted(bars.session, day)))
    left = np.flatnonzero(rows < len(bars))
    while len(left):
        left = left[~bars.traded[rows[left], column[left]]]
        rows[left] += 1
        left = left[rows[left] < len(bars)]
    return rows


def account_of(spec: RunSpec, sizer: PortfolioSizer, bars: Bars) -> twin.Account:
    """Cash, costs and limits in the types the twin is compiled for."""
    limits = Limits(*map(float, sizer.p.limits))
    return twin.Account(float(spec.cash), parse_commission(spec.commission), parse_slippage(spec.slippage), limits,
                        sizer.groups(bars), bool(spec.fractional), Exits(*map(float, read_group(Exits, spec.exits))), carry_of(spec),
                        nights_of(spec, bars))


# -- what it leaves behind ------------------------------------------------------------------------------


def _orders(orders: np.ndarray, bars: Bars) -> tuple[list[OrderRecord], list[Fill]]:
    records, filled = [], []
    for number, order in enumerate(orders, start=1):
        row, column, status = int(order[book.ROW]), int(order[book.COLUMN]), int(order[book.STATUS])
        intent, done = INTENTS[int(order[book.INTENT])], float(order[book.FILLED])
        kind = int(order[book.KIND])
        records.append(OrderRecord(
            number, int(bars.index[row]), bars.symbols[column], float(order[book.SIZE]), ORDER_KINDS[kind],
            float(order[book.LEVEL]) if kind else float("nan"), STATUS[status], done, _reason(order, status), intent))
        if done:
            at = int(order[book.FILL_ROW])
            filled.append((order[book.TURN], Fill(
                int(bars.index[at]), bars.session[at], bars.symbols[column], done, float(order[book.PRICE]),
                float(order[book.COST]), number, intent)))
    return records, [fill for _, fill in sorted(filled, key=lambda pair: pair[0])]


def _reason(order: np.ndarray, status: int) -> str:
    needed, at_hand = order[book.NEEDED], order[book.AT_HAND]
    if status == book.REFUSED:
        return f"needs {needed:,.2f} at the last close, {at_hand:,.2f} is at hand"
    if status == book.MARGIN:
        return f"needs {needed:,.2f} at {order[book.PRICE]:,.4g}, {at_hand:,.2f} is at hand"
    return f"nothing is left of it after the split {needed:g}:1" if status == book.SPLIT_AWAY else ""


def _events(events: np.ndarray, bars: Bars) -> list[CashEvent]:
    return [CashEvent(int(bars.index[int(row)]), bars.symbols[int(column)] if column >= 0 else "", KINDS[int(kind)], float(amount))
            for row, column, kind, amount in events]
