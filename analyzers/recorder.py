"""Recorder: what a Backtrader strategy's account did, bar by bar, turned into a RunResult at the end.

Reads any broker and any feeds through their public faces; imports core and the pure functions beside it.
"""

from typing import Any

import backtrader as bt
import numpy as np

from analyzers.benchmark import benchmark_equity
from analyzers.trades import positions, round_trips
from core.bars import Bars, Origin
from core.day_numbers import dates_of, moments_of
from core.result import CashEvent, Fill, OrderRecord, RunResult
from core.spec import RunSpec

_FIELDS = ("open", "high", "low", "close", "volume")
_UNITS = {bt.TimeFrame.Days: "d", bt.TimeFrame.Weeks: "w", bt.TimeFrame.Months: "M"}


class Recorder:
    """Collects one row per bar of a strategy; `result` may be asked for at any time after the first."""

    def __init__(self, strategy: bt.Strategy) -> None:
        self.strategy, self.broker, self.datas = strategy, strategy.broker, list(strategy.datas)
        self.symbols = _unique_names(self.datas)
        self.cash_at_start = float(self.broker.getvalue())
        self.moments: list[float] = []
        self.accounts: list[tuple[float, float]] = []
        self.prices: list[list[tuple[float, ...]]] = []
        self.orders: dict[int, Any] = {}
        self.bits: list[tuple[Any, Any]] = []
        self._seen = [(0, 0.0)] * len(self.datas)

    def bar(self) -> None:
        """Add the bar the strategy stands on; a second call at the same time replaces the first."""
        moment = float(self.strategy.datetime[0])
        row = [self._price(at, data) for at, data in enumerate(self.datas)]
        if self.moments and self.moments[-1] == moment:
            row = [old if np.isnan(new[3]) else new for new, old in zip(row, self.prices.pop(), strict=True)]
            del self.moments[-1], self.accounts[-1]
        self.moments.append(moment)
        self.prices.append(row)
        self.accounts.append((float(self.broker.getvalue()), float(self.broker.getcash())))

    def order(self, order: Any) -> None:
        """Take an order notification: its latest state, and the executions it brings."""
        self.orders[order.ref] = order
        self.bits += [(order, bit) for bit in order.executed.iterpending()]

    def _price(self, at: int, data: Any) -> tuple[float, ...]:
        now = (len(data), data.datetime[0]) if len(data) else (0, 0.0)
        if now == self._seen[at]:
            return (np.nan,) * 5
        self._seen[at] = now
        return tuple(float(getattr(data, name)[0]) for name in _FIELDS)

    # -- the result -----------------------------------------------------------------------------------

    def result(self, benchmark: str = "universe", risk_free: float = 0.0, calendar: str = "XNYS") -> RunResult:
        """The record as a RunResult, metrics left empty.

        Raises:
            UnknownName: the benchmark is no feed's name.
        """
        bars = self._bars(calendar)
        fills, events = self._fills(), self._cash_events()
        equity, cash = np.array(self.accounts, dtype=np.float64).reshape(-1, 2).T.copy()
        held = positions(bars, fills, whole=not getattr(self.broker.p, "fractional", False))
        gross = np.abs(np.where(held == 0, 0.0, held * bars.last_close)).sum(axis=1)
        spec = RunSpec(strategy=type(self.strategy).__name__, symbols=self.symbols, cash=self.cash_at_start,
                       interval=bars.interval, calendar=calendar, benchmark=benchmark, risk_free=risk_free,
                       source="cerebro")
        return RunResult(
            spec=spec, bars=bars, equity=equity, cash=cash, positions=held,
            exposure=np.divide(gross, equity, out=np.full(len(equity), np.nan), where=equity > 0),
            benchmark=benchmark_equity(bars, benchmark, self.cash_at_start),
            orders=self._orders(), fills=fills, cash_events=events, trades=round_trips(bars, fills, events),
        )

    def _bars(self, calendar: str) -> Bars:
        moments = np.array(self.moments)
        shape = (len(moments), len(self.datas))
        panel = np.array(self.prices, dtype=np.float64).reshape(*shape, 5)
        return Bars(
            symbols=self.symbols, index=moments_of(moments), session=dates_of(moments),
            **{f"raw_{name}": np.ascontiguousarray(panel[:, :, at]) for at, name in enumerate(_FIELDS)},
            dividend=np.zeros(shape), split=self._splits(moments),
            pay_date=np.full(shape, np.datetime64("NaT"), dtype="datetime64[D]"),
            close_only=np.isnan(panel[:, :, 0]).all(axis=0),
            tradable=np.array([bool(getattr(data, "tradable", True)) for data in self.datas]),
            interval=_interval(self.datas), calendar=calendar, origin=Origin("cerebro"),
        )

    def _splits(self, moments: np.ndarray) -> np.ndarray:
        split = np.ones((len(moments), len(self.datas)))
        for column, data in enumerate(self.datas):
            for action in getattr(data, "actions", None) or ():
                row = int(np.searchsorted(moments, action.moment, "left"))
                if row < len(moments):
                    split[row, column] *= action.split
        return split

    def _fills(self) -> list[Fill]:
        names = dict(zip(self.datas, self.symbols, strict=True))
        fills = [
            Fill(int(moments_of(bit.dt)), dates_of(bit.dt), names[order.data], bit.size, bit.price, bit.comm,
                 order.ref, str(order.info.get("intent", "")))
            for order, bit in self.bits
        ]
        return sorted(fills, key=lambda fill: fill.time)

    def _cash_events(self) -> list[CashEvent]:
        names = dict(zip(self.datas, self.symbols, strict=True))
        corporate = getattr(self.broker, "corporate", None)
        if corporate is None:
            return []
        events = [CashEvent(int(moments_of(each.moment)), names[each.data] if each.data is not None else "", each.kind, each.amount)
                  for each in corporate.booked]
        last = int(moments_of(self.moments[-1])) if self.moments else 0
        return events + [CashEvent(last, names[each.data], "dividend", each.amount)
                         for each in corporate.receivables]

    def _orders(self) -> list[OrderRecord]:
        names = dict(zip(self.datas, self.symbols, strict=True))
        return [
            OrderRecord(
                order.ref, int(moments_of(order.created.dt)), names[order.data], order.created.size,
                order.getordername(), _price(order),
                order.getstatusname(), order.executed.size, _reason(order), str(order.info.get("intent", "")))
            for order in self.orders.values()
        ]


def _price(order: Any) -> float:
    return np.nan if order.exectype == order.Market else float(order.created.price or np.nan)


def _reason(order: Any) -> str:
    standard = {order.Margin: "not enough cash", order.Rejected: "refused by the broker"}
    return str(order.info.get("reason", "") or standard.get(order.status, ""))


def _unique_names(datas: list[Any]) -> tuple[str, ...]:
    names: list[str] = []
    for at, data in enumerate(datas):
        name = str(data._name or f"data{at}")
        names.append(name if name not in names else f"{name}#{at}")
    return tuple(names)


def _interval(datas: list[Any]) -> str:
    frame, count = min((data._timeframe, data._compression) for data in datas)
    if frame == bt.TimeFrame.Years:
        return f"{12 * count}M"
    if frame in _UNITS:
        return f"{count}{_UNITS[frame]}"
    return f"{count if frame == bt.TimeFrame.Minutes else 1}m"
