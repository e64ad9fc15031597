"""A factory of finished runs, put together from fills without an engine."""

import numpy as np
import pytest

from analyzers import metrics
from analyzers.benchmark import benchmark_equity
from analyzers.trades import positions, round_trips
from core.bars import Bars, Origin
from core.calendars import get_calendar
from core.result import CashEvent, Fill, OrderRecord, RunResult
from core.series import SymbolBars
from core.spec import RunSpec


def make_bars(count=300, symbols=("AAA", "BBB"), seed=1, start="2019-01-02", minutes=False, actions=False,
              close_only=False, origin=None):
    """Random walks on the exchange calendar, daily or (30 a session) every 13 minutes."""
    calendar, rng = get_calendar("XNYS"), np.random.default_rng(seed)
    sessions = calendar.between(start, "2035-01-01")[: -(-count // 30) if minutes else count]
    if minutes:
        index = (calendar.open_of(sessions)[:, None] + np.arange(1, 31) * 13 * 60 * 10**9).ravel()[:count]
        sessions = np.repeat(sessions, 30)[:count]
    else:
        index = calendar.close_of(sessions)
    series = []
    for symbol in symbols:
        close = 100 * np.exp(np.cumsum(rng.normal(0.0006, 0.004 if minutes else 0.016, count)))
        split, dividend = np.ones(count), np.zeros(count)
        if actions and count > 100:
            split[60], dividend[[30, 90]] = 2.0, 0.4
            close[60:] /= 2
        opening = None if close_only else close * (1 + rng.normal(0, 0.002, count))
        high = None if close_only else np.maximum(opening, close) * 1.003
        low = None if close_only else np.minimum(opening, close) * 0.997
        series.append(SymbolBars.make(symbol, index, sessions, close, open=opening, high=high, low=low,
                                      volume=None if close_only else np.full(count, 1e6),
                                      split=split, dividend=dividend))
    return Bars.of(series, interval="13m" if minutes else "1d", origin=origin or Origin("sample"))


def make_result(bars=None, trades=3, cash=100_000.0, size=100, fee=1.0, rejected=0, warnings=(), **spec):
    """A run that buys and sells `trades` times, symbol after symbol, at the close of its bars."""
    bars = make_bars() if bars is None else bars
    rows = np.linspace(1, len(bars) - 2, 2 * trades).astype(int) if trades else np.empty(0, dtype=int)
    fills = []
    for at, row in enumerate(rows):
        column = (at // 2) % len(bars.symbols)
        held = sum(fill.size for fill in fills if fill.symbol == bars.symbols[column])
        fills.append(Fill(int(bars.index[row]), bars.session[row], bars.symbols[column],
                          float(-held if at % 2 else size), float(bars.raw_close[row, column]), fee, at))
    return _account(bars, fills, cash, rejected, warnings, spec)


def _account(bars, fills, cash, rejected, warnings, spec):
    held = positions(bars, fills)
    flow = np.zeros(len(bars))
    for fill in fills:
        flow[np.searchsorted(bars.index, fill.time)] -= fill.size * fill.price + fill.commission
    before = np.vstack([np.zeros(len(bars.symbols)), held[:-1]]) * bars.split
    paid = before * bars.dividend
    events = [CashEvent(int(bars.index[row]), bars.symbols[column], "dividend", float(paid[row, column]))
              for row, column in np.argwhere(paid)]
    at_hand = cash + np.cumsum(flow + paid.sum(axis=1))
    worth = held * np.nan_to_num(bars.last_close)
    orders = [OrderRecord(fill.order, fill.time, fill.symbol, fill.size, "Market", np.nan, "Completed", fill.size)
              for fill in fills]
    orders += [OrderRecord(10_000 + at, int(bars.index[at % len(bars)]), bars.symbols[0], 5000.0, "Market", np.nan,
                           "Margin", 0.0, "needs 512,000.00 at the last close, 100,000.00 is at hand")
               for at in range(rejected)]
    spec = RunSpec(**{"symbols": bars.symbols, "interval": bars.interval, "cash": cash, **spec})
    equity = at_hand + worth.sum(axis=1)
    result = RunResult(
        spec=spec, bars=bars, equity=equity, cash=at_hand, exposure=np.abs(worth).sum(axis=1) / equity,
        positions=held, benchmark=benchmark_equity(bars, spec.benchmark, cash), orders=orders, fills=fills,
        cash_events=events, trades=round_trips(bars, fills, events), timings={"run": 0.25, "total": 0.5},
        warnings=list(warnings), strategy_source="0" * 16, versions={"backtrader": "1.9.78.123"},
    )
    result.metrics.update(metrics.compute(result))
    return result


@pytest.fixture(scope="session", name="make_bars")
def _make_bars():
    return make_bars


@pytest.fixture(scope="session", name="make_result")
def _make_result():
    return make_result
