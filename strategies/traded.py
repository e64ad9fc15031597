"""Traded: the life of a target strategy in Cerebro, from decisions to orders. Imports core, sizers and the modules beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt
import numpy as np
from backtrader import Order

from core.bars import Bars
from core.feed_bars import FeedBars
from core.panels import carried_forward
from sizers.base import PortfolioSizer
from strategies.desk import Desk, in_order
from strategies.exits import TIME, Protection
from strategies.resumed import adopt, is_before_open, is_past, missed_exits, recall
from strategies.steered import Earlier, Steered

_MOVED = (Order.Partial, Order.Completed, Order.Margin, Order.Rejected, Order.Canceled, Order.Expired)
_WITHDRAWN = (Order.Canceled, Order.Expired)


@dataclass(frozen=True)
class Decision:
    """The shares one decision asks for: feed -> shares to hold, for every feed decided on."""

    row: int
    shares: dict[Any, float]

    def target(self, data: Any) -> float:
        """Shares to hold of a feed."""
        return self.shares[data]


class Traded(bt.Strategy, Steered):
    """A strategy that has `decisions`, sends the orders they ask for, and keeps positions protected.

    Attributes:
        decision: the latest; None before the first, and where a plain Backtrader sizer sizes.
        unheard: nobody listens to what becomes of its orders before they fill.
    """

    unheard = False
    decision: Decision | None
    _index = np.empty(0, np.int64)  # of the rows decided on
    _desk: Desk
    _protection: Protection
    _sizer: bt.Sizer
    _columns: dict[Any, int]

    def start(self) -> None:
        self.check_bars(_interval(self.datas[0]), self.p)
        self._panel = FeedBars(self.datas, frees=type(self).next is Traded.next and not self._lineiterators[bt.LineIterator.IndType])
        self._within_day = self.datas[0]._timeframe < bt.TimeFrame.Days
        self._earlier = Earlier()
        if self._panel.complete:
            self._decide(self._panel.bars)
        self._growing = list(zip(self._minperiods, self.datas, strict=True))
        self._live = [data for data in self.datas if data.islive()]
        self._desk.live = self._resumes = self._is_behind = bool(self._live)
        own = type(self).notify_order is Traded.notify_order and not self._protection.active
        self.unheard = own and not (self.analyzers or self.observers or self._slave_analyzers)

    def _getminperstatus(self) -> int:
        """As Backtrader's own, but a feed that has bars enough is not asked again."""
        self._growing = [(period, data) for period, data in self._growing if len(data) <= period]
        self._minperstatus = max((period - len(data) for period, data in self._growing), default=-1)
        return self._minperstatus

    def clear(self) -> None:
        """Forget the bar's notifications; Backtrader keeps a copy of every order's every state, unread."""
        self._orderspending, self._tradespending = [], []

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        if any(is_past(data) for data in self._live):
            self._panel.grow()
            self._is_behind = True
            return
        row = self._panel.update(self.datetime[0])
        asked: Sequence[Any] = ()
        if not self._panel.complete:
            asked = self._look()
            self._decide(self._panel.bars)
        if self._resumes and self._protection.active:
            recall(self, self._protection, self._panel.bars.index[:row], self._signals[:row])
        self._resumes = False
        self._desk.just_opened = self._within_day and self._begins(row)
        self._desk.send_blocked(self._send)
        self._desk.look_at_exits()
        if self._protection.active:
            self._leave_overdue()
        if self._decides[row] or asked:
            self._rebalance(row, self._standing(row) if asked else self._signals[row])
        if asked:
            self._answer(asked, row)
        if self._is_behind:
            self._catch_up(row)
        self._desk.repeat_exits(self._send)
        if self._live:
            self.protect()

    def said(self, bar_ns: int) -> dict[str, float]:
        """What it has decided on a bar (UTC ns), as it went: symbol -> conviction of every symbol decided on."""
        row = int(np.searchsorted(self._index, bar_ns))
        if row == len(self._index) or self._index[row] != bar_ns:
            return {}
        return {self.datas[at]._name: float(self._signals[row, at]) for at in np.flatnonzero(np.isfinite(self._signals[row])).tolist()}

    def _decide(self, bars: Bars) -> None:
        """Compute all decisions on `bars` and carry the convictions forward."""
        self._index = bars.index
        signals = self._signals = self._earlier.joined(bars.index, self.decisions(bars, self.p))
        self._convictions = np.nan_to_num(carried_forward(signals), nan=0.0)
        self._decides = (~np.isnan(signals)).any(axis=1).tolist()

    # -- from decision to orders ----------------------------------------------------------------------

    def _rebalance(self, row: int, signal: np.ndarray) -> None:
        """Order what the decisions of a row ask for; (N,) NaN where there is none."""
        decided = ~np.isnan(signal)
        conviction = self._allowed(self._convictions[row], signal)
        chosen = np.flatnonzero(decided).tolist()
        self._desk.take_back({self.datas[at] for at in chosen}, {self.datas[at] for at in chosen if not conviction[at]})
        position = np.array([self.broker.getposition(data).size for data in self.datas], dtype=np.float64)
        if isinstance(self._sizer, PortfolioSizer):
            shares = self._sizer_targets(row, conviction, decided, position)
        else:
            shares = self._foreign_targets(conviction, position)
        targets = shares.tolist()
        self.decision = Decision(row, {self.datas[at]: targets[at] for at in chosen})
        changed = in_order(np.where(decided, shares - position, 0.0), conviction)
        withdrawn = [at for at in chosen if self._live and at not in changed and self._desk.busy(self.datas[at])]
        for at in [*changed, *withdrawn]:
            self._send(self.datas[at], targets[at])

    def _allowed(self, convictions: np.ndarray, signal: np.ndarray) -> np.ndarray:
        """Convictions of the row, 0 where a protective exit keeps the strategy out."""
        if not self._protection.barred:
            return convictions
        convictions = convictions.copy()
        for data in list(self._protection.barred):
            at = self._columns[data]
            if not np.isnan(signal[at]) and not self._protection.may_hold(data, signal[at]):
                convictions[at] = 0.0
        return convictions

    def _sizer_targets(self, row: int, conviction: np.ndarray, decided: np.ndarray, position: np.ndarray) -> np.ndarray:
        held, reserved = position.copy(), 0.0  # once open orders have filled, and the cash they will take
        for data, shares in self._desk.outstanding():
            held[self._columns[data]] += shares
            reserved += max(shares, 0.0) * data.close[0]
        return self._sizer.target_shares(
            conviction=conviction, decided=decided, history=self._panel.bars.upto(row), held=held,
            value=self.broker.getvalue(), cash=self.broker.getcash() - reserved)

    def _foreign_targets(self, conviction: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Shares when a plain Backtrader sizer sizes entries: it is asked once a position is opened."""
        self.decision = None
        shares = position.copy()
        for at, data in enumerate(self.datas):
            side = np.sign(conviction[at])
            if side * shares[at] <= 0:
                shares[at] = side * abs(self.getsizing(data, isbuy=side > 0)) if side else 0.0
        return shares

    def _send(self, data: Any, target: float, intent: str = "") -> None:
        """Order the difference to `target` shares, once nothing protective stands in the way."""
        held = self.getposition(data).size
        if not target and self._desk.exits(data):
            return
        if target == held:
            if self._desk.busy(data):  # it is being withdrawn, and may be filled instead
                self._desk.block(data, target)
            return
        if self._desk.must_wait(data, target) or self._protection.cancel(data) or self._desk.busy(data):
            self._desk.block(data, target)
            return
        decided = self.decision is not None and self.decision.shares.get(data) == target
        self._desk.send(data, held, target, intent, size=None if decided else abs(target - held))

    def _leave_overdue(self) -> None:
        for data in self._protection.overdue():
            if not self._desk.busy(data):
                self._protection.barred[data] = 1 if self.getposition(data).size > 0 else -1
                self._send(data, 0.0, intent=TIME)

    def _begins(self, row: int) -> bool:
        """Whether a row is its session's first."""
        session = self._panel.bars.session
        return row == 0 or bool(session[row] != session[row - 1])

    def _catch_up(self, row: int) -> None:
        """What is held although the latest decision was to be out is left; the run was not there, or had no bars, when it was made."""
        self._is_behind = False
        for data in self._missed_exits(row):
            self._desk.must_leave(data)

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        """As `_catch_up`, as soon as nothing of the past is left to be read: the opening auction comes before the next bar."""
        waits = status == data.LIVE and self._is_behind and self._desk.leaves_at_open and len(self) > 0
        if not waits or any(is_past(each) for each in self._live):
            return
        row = self._panel.update(self.datetime[0])
        if is_before_open(self._live, self._panel.bars.calendar):
            self._recall_steering()
            self._decide(self._panel.bars)
            for each in self._missed_exits(row):
                self._send(each, 0.0)

    def _missed_exits(self, row: int) -> list[Any]:
        missed = missed_exits(self, self._signals[: row + 1], self._within_day)
        return [data for data in missed if not (self._desk.busy(data) or self._desk.blocks(data))]

    def stand_down(self, data: Any) -> None:
        """Take back what is still to be done of an earlier decision on a feed."""
        self._desk.take_back({data})

    # -- the end of a live run ------------------------------------------------------------------------

    def wind_down(self, protects: bool) -> None:
        """Take back what is still to be done of every decision; positions stay protected only if it `protects` them."""
        self._desk.take_back(set(self.datas))
        self._protection.work(protects)

    def protect(self) -> None:
        """Place the protective orders that positions lack, where no other order of theirs is open."""
        self._protection.keep(lambda data: not (self._desk.busy(data) or self._desk.blocks(data)))

    def unprotected(self) -> list[Any]:
        """Feeds whose position lacks one of the protective orders that the exits ask for."""
        return self._protection.lacking()

    def notify_order(self, order: Order) -> None:
        if "adopted" in order.info and "intent" not in order.info:
            adopt(order, self.broker, self._desk, self._protection)
        if self._protection.active:
            if order.info.get("protective"):
                by_itself = bool(order.info.get("reason"))  # as a day order at the close
                lost = order.status in _WITHDRAWN and (bool(self._live) or by_itself)
                self._protection.review(order.data)
                if lost and not (self._desk.blocks(order.data) or self._desk.leaves(order.data)):
                    self._protection.renew(order.data)
            elif order.status in _MOVED and not self._desk.superseded(order) and not (order.alive() and order.info.get("execution")):
                self._protection.entered(order.data, order.executed.dt or 0.0)
        if self._live:
            self._desk.send_blocked(self._send)


def _interval(data: Any) -> str:
    """The length of a feed's bars, in the words of a spec, as far as it matters within the day."""
    return f"{data._compression}{'m' if data._timeframe <= bt.TimeFrame.Minutes else 'd'}"
