"""RunResult: what one run leaves behind, as plain arrays and records."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from core.bars import Bars
from core.notes import Note
from core.spec import RunSpec


class Fill(NamedTuple):
    """One execution.

    Attributes:
        time: UTC nanoseconds of the bar it happened on. session: its exchange date.
        symbol: what was traded. size: shares, negative for a sale. price: per share.
        commission: account currency. order: reference of its order.
        intent: why: "enter", "exit", "resize", "stop", "trail", "profit", "time", or "" for a plain strategy.
    """

    time: int
    session: np.datetime64
    symbol: str
    size: float
    price: float
    commission: float
    order: int
    intent: str = ""


class OrderRecord(NamedTuple):
    """One order, as it ended.

    Attributes:
        order: reference. time: UTC ns of the bar it was created on. symbol, size: as asked for.
        kind: Backtrader's execution type ("Market", "Stop", …). price: limit or trigger; NaN for none.
        status: "Completed", "Partial", "Canceled", "Expired", "Margin", "Rejected", "Accepted" (still open).
        filled: shares executed. reason: why it was refused; "" when it was not. intent: as in Fill.
    """

    order: int
    time: int
    symbol: str
    size: float
    kind: str
    price: float
    status: str
    filled: float
    reason: str = ""
    intent: str = ""

    @property
    def refused(self) -> bool:
        """Whether the broker turned it down (for lack of cash, or by a rule)."""
        return self.status in ("Margin", "Rejected")


class CashEvent(NamedTuple):
    """Cash booked by a corporate action: kind "dividend" (at its pay date) or "cash in lieu"; or by holding: a kind of `core.carry`.

    Interest has the symbol "".
    A dividend that is still owed when the run ends is booked on the last bar: it is in the equity, not in the cash.
    """

    time: int
    symbol: str
    kind: str
    amount: float


class Trade(NamedTuple):
    """One round trip by average cost, from flat to flat (or to the last bar, when `open`).

    Attributes:
        symbol: what was traded. size: largest number of shares held (in shares of the exit), negative for a short.
        entry_time, exit_time: UTC ns. entry_session, exit_session: exchange dates.
        entry_price, exit_price: average prices; entry in shares of the exit (splits applied).
        pnl: account currency, after commission, without dividends; an open trade is valued at its last close.
        commission: account currency. dividends: received (or paid, for a short) while held.
        borrow: fees for borrowed shares, account currency, not negative; not in `pnl`.
        bars: the symbol's own bars from entry to exit. open: not closed at the end of the run.
    """

    symbol: str
    size: float
    entry_time: int
    exit_time: int
    entry_session: np.datetime64
    exit_session: np.datetime64
    entry_price: float
    exit_price: float
    pnl: float
    commission: float
    dividends: float
    bars: int
    open: bool = False
    borrow: float = 0.0


@dataclass(frozen=True, eq=False)
class RunResult:
    """Everything a report, the journal or a test needs.

    Attributes:
        spec: what was asked for. bars: what it ran on.
        equity: (T,) account value at each bar's close, dividends not yet paid included.
        cash: (T,) cash. exposure: (T,) sum of absolute position values / equity.
        positions: (T, N) shares held after each bar.
        benchmark: (T,) value of the benchmark, starting at `spec.cash`.
        orders, fills, cash_events, trades: in time order.
        notes: remarks on single decisions, such as an optimisation that failed, in time order.
        metrics: name -> number, see `analyzers.metrics`.
        timings: seconds by phase: "load", "run" ("sizing" is a part of it), "total".
        warnings: sentences a reader must see (stale data, symbols without bars, refused orders).
        strategy_source: text digest of the strategy's source.
        version: names and versions of the packages that decide the numbers.
    """

    spec: RunSpec
    bars: Bars
    equity: np.ndarray
    cash: np.ndarray
    exposure: np.ndarray
    positions: np.ndarray
    benchmark: np.ndarray
    orders: list[OrderRecord]
    fills: list[Fill]
    cash_events: list[CashEvent]
    trades: list[Trade]
    notes: list[Note] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    strategy_source: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def rejected(self) -> list[OrderRecord]:
        """The orders the broker refused, with their reasons."""
        return [order for order in self.orders if order.refused]

    @property
    def final_value(self) -> float:
        """Account value at the last bar."""
        return float(self.equity[-1])

    def summary(self) -> dict[str, Any]:
        """What `--json` prints: final value, counts, metrics and seconds, as plain numbers."""
        closed = [trade for trade in self.trades if not trade.open]
        return {
            "strategy": self.spec.strategy,
            "symbols": list(self.spec.symbols),
            "start": str(self.bars.session[0]),
            "end": str(self.bars.session[-1]),
            "final_value": self.final_value,
            **self.metrics,
            "trades": len(closed),
            "fills": len(self.fills),
            "rejected": len(self.rejected),
            "seconds": self.timings.get("total", 0.0),
        }
