"""TargetStrategy: a Backtrader Strategy whose decisions are a pure function of the bars."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import backtrader as bt
import numpy as np
from backtrader import Order

import sizers
from core.bars import Bars
from core.errors import BadSpec, UnknownName
from core.feed_bars import FeedBars
from core.options import Exits, read_group
from core.panels import carried_forward
from core.spec import FILLS
from sizers.base import PortfolioSizer
from strategies.exits import Protection

ENGINE_PARAMS = ("exits", "signal_start", "fill")


@dataclass(frozen=True)
class Decision:
    """The shares one decision asks for: feed -> shares to hold, for every feed decided on."""

    row: int
    shares: dict[Any, float]

    def target(self, data: Any) -> float:
        """Shares to hold of a feed."""
        return self.shares[data]


class TargetStrategy(bt.Strategy):
    """Base of strategies that say what to hold, not how to get there.

    A subclass states `params = dict(...)` and the pure class method `signals`; it may state `check` (are the
    parameters possible?), `features` (panels for charts), `default_sizer` (a name in `sizers`) and `fill`.
    It runs in any Cerebro, with any feeds; without engine-supplied bars it reads the panel from its feeds.

    Params of the base (set by the engine, open to users too):
        exits: `core.options.Exits`, or a mapping of its fields.
        signal_start: first exchange date on which it may decide (ISO date).
        fill: "next_open" (market order at the next bar's open), "session_open" or "session_close" (the next
            session auction whose cut-off has not passed); None = the class attribute `fill`.
    """

    params = dict(exits=None, signal_start=None, fill=None)
    fill = "next_open"
    default_sizer = "EqualWeight"

    @classmethod
    def signals(cls, bars: Bars, p: Any) -> np.ndarray:
        """Decisions on every bar, from that bar and earlier ones only.

        Args:
            bars: the panel. p: the parameters, as attributes.

        Returns:
            (T, N) float64: NaN = no decision (keep the shares), 0 = out, > 0 = hold with this conviction,
            < 0 = short.
        """
        raise TypeError(f"{cls.__name__} has no signals method: a target strategy states one")

    @classmethod
    def check(cls, p: Any) -> None:
        """Raise `BadSpec` if the parameters contradict each other."""

    @classmethod
    def features(cls, bars: Bars, p: Any) -> dict[str, np.ndarray]:
        """Named (T, N) panels worth drawing beside the prices."""
        return {}

    # -- life in Cerebro ------------------------------------------------------------------------------

    def __init__(self) -> None:
        self.check(self.p)
        exits = self.p.exits or Exits()
        self._protection = Protection(self, read_group(Exits, exits) if isinstance(exits, Mapping) else exits)
        self._fill = self.p.fill or self.fill
        if self._fill not in FILLS:
            raise UnknownName.of("fill", str(self._fill), FILLS)
        self._sizer = getattr(sizers, self.default_sizer)()
        self._sizer.set(self, self.broker)
        self._columns = {data: at for at, data in enumerate(self.datas)}
        self._working: dict[Any, Order] = {}  # the latest order of each feed
        self._blocked: dict[Any, float] = {}  # targets that wait for the end of an order in their way
        self.decision: Decision | None = None

    def start(self) -> None:
        self._panel = FeedBars(self.datas)
        if self._panel.complete:
            self._decide(self._panel.bars)

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        row = self._panel.update(self.datetime[0])
        if not self._panel.complete:
            self._decide(self._panel.bars)
        if self._blocked:
            self._send_unblocked()
        if self._protection.active:
            self._leave_overdue()
        if self._decides[row]:
            self._rebalance(row)

    def _decide(self, bars: Bars) -> None:
        """Compute all decisions on `bars` and carry the convictions forward."""
        signals = np.asarray(self.signals(bars, self.p), dtype=np.float64)
        if signals.shape != bars.shape:
            raise BadSpec(f"{type(self).__name__}.signals gave shape {signals.shape}: "
                          f"(bars, symbols) is {bars.shape}")
        signals = before_start_removed(signals, bars, self.p.signal_start)
        idle = ~bars.tradable
        if idle.any() and not np.isnan(signals[:, idle]).all():
            symbol = bars.symbols[int(np.flatnonzero(idle & ~np.isnan(signals).all(axis=0))[0])]
            raise BadSpec(f"{type(self).__name__} decides on {symbol}, which is a reference symbol: never traded")
        self._signals = signals
        self._convictions = np.nan_to_num(carried_forward(signals), nan=0.0)
        self._decides = (~np.isnan(signals)).any(axis=1).tolist()

    # -- from decision to orders ----------------------------------------------------------------------

    def _rebalance(self, row: int) -> None:
        signal = self._signals[row]
        decided = ~np.isnan(signal)
        conviction = self._convictions[row].copy()
        for data in list(self._protection.barred):
            at = self._columns[data]
            if decided[at] and not self._protection.may_hold(data, signal[at]):
                conviction[at] = 0.0
        chosen = [data for at, data in enumerate(self.datas) if decided[at]]
        for data in chosen:
            self.stand_down(data)
        if isinstance(self._sizer, PortfolioSizer):
            shares = self._sizer_targets(row, conviction, decided)
        else:
            shares = self._foreign_targets(conviction)
        self.decision = Decision(row, {data: shares[self._columns[data]] for data in chosen})
        for data in self._in_order(chosen, conviction):
            self._send(data, self.decision.target(data))

    def stand_down(self, data: Any) -> None:
        """Take back what is still to be done of an earlier decision on a feed."""
        self._blocked.pop(data, None)
        working = self._working.get(data)
        if working is not None and working.alive():
            self.cancel(working)

    def _sizer_targets(self, row: int, conviction: np.ndarray, decided: np.ndarray) -> np.ndarray:
        held, reserved = self._held_and_reserved()
        return self._sizer.target_shares(
            conviction=conviction, decided=decided, history=self._panel.bars.upto(row), held=held,
            value=self.broker.getvalue(), cash=self.broker.getcash() - reserved)

    def _foreign_targets(self, conviction: np.ndarray) -> np.ndarray:
        """Shares when a plain Backtrader sizer sizes entries: it is asked once a position is opened."""
        self.decision = None
        shares = np.array([self.getposition(data).size for data in self.datas], dtype=np.float64)
        for at, data in enumerate(self.datas):
            side = np.sign(conviction[at])
            if side * shares[at] <= 0:
                shares[at] = side * abs(self.getsizing(data, isbuy=side > 0)) if side else 0.0
        return shares

    def _held_and_reserved(self) -> tuple[np.ndarray, float]:
        """Shares held once open orders have filled, and the cash those orders will take."""
        held = np.zeros(len(self.datas))
        reserved = 0.0
        for at, data in enumerate(self.datas):
            held[at] = self.getposition(data).size
            order = self._working.get(data)
            if order is not None and order.alive():
                held[at] += order.executed.remsize
                reserved += max(order.executed.remsize, 0.0) * data.close[0]
        return held, reserved

    def _in_order(self, chosen: list[Any], conviction: np.ndarray) -> list[Any]:
        """Sales first, in symbol order; then buys, strongest conviction first."""
        change = {data: self.decision.target(data) - self.getposition(data).size for data in chosen}
        sales = [data for data in chosen if change[data] < 0]
        buys = [data for data in chosen if change[data] > 0]
        return sales + sorted(buys, key=lambda data: -abs(conviction[self._columns[data]]))

    def _send(self, data: Any, target: float, intent: str = "") -> None:
        """Order the difference to `target` shares, once nothing protective stands in the way."""
        held = self.getposition(data).size
        if target == held:
            return
        working = self._working.get(data)
        if self._protection.cancel(data) or (working is not None and working.alive()):
            self._blocked[data] = target
            return
        intent = intent or ("exit" if not target else "resize" if held * target > 0 else "enter")
        terms: dict[str, Any] = {"intent": intent}
        if self._fill == "session_close":
            terms["exectype"] = Order.Close
        elif self._fill == "session_open":
            terms["auction"] = "open"
        decided = self.decision is not None and self.decision.shares.get(data) == target
        size = None if decided else abs(target - held)
        act = self.buy if target > held else self.sell
        order = act(data=data, size=size, **terms)
        if order is not None:
            self._working[data] = order

    def _send_unblocked(self) -> None:
        for data, target in list(self._blocked.items()):
            working = self._working.get(data)
            if working is not None and working.alive():
                self.cancel(working)
            else:
                del self._blocked[data]
                self._send(data, target)

    def _leave_overdue(self) -> None:
        for data in self._protection.overdue():
            working = self._working.get(data)
            if working is None or not working.alive():
                self._protection.barred[data] = 1 if self.getposition(data).size > 0 else -1
                self._send(data, 0.0, intent="time")

    def notify_order(self, order: Order) -> None:
        if not self._protection.active:
            return
        data = order.data
        if order.info.get("protective"):
            self._protection.review(data)
        elif order.status in (Order.Partial, Order.Completed, Order.Margin, Order.Rejected, Order.Canceled):
            self._protection.entered(data)


def before_start_removed(signals: np.ndarray, bars: Bars, start: str | None) -> np.ndarray:
    """A copy of the (T, N) signals with no decisions before the exchange date `start`."""
    if start is None:
        return signals
    signals = signals.copy()
    signals[bars.session < np.datetime64(start, "D")] = np.nan
    return signals
