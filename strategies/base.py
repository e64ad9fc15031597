"""TargetStrategy: a Backtrader Strategy whose decisions are a pure function of the bars."""

from collections.abc import Mapping, Sequence
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
from core.sleeves import Sleeves
from core.space import Space
from sizers.base import PortfolioSizer
from strategies.desk import Desk, in_order
from strategies.exits import TIME, Protection
from strategies.resumed import adopt, is_past, missed_exits, recall

ENGINE_PARAMS = ("exits", "signal_start", "fill")
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


class TargetStrategy(bt.Strategy):
    """Base of strategies that say what to hold, not how to get there.

    A subclass states `params = dict(...)` and the pure class method `signals`; it may state `check` (are the
    parameters possible?), `features` (panels for charts), `warmup`, and any of the attributes below.
    It runs in any Cerebro, with any feeds; without engine-supplied bars it reads the panel from its feeds.

    Attributes:
        fill: when its orders fill, see the param of that name. exit_fill: the same for orders that leave a position whole;
            None = as `fill`. Where that comes to nothing, the position is left by a market order.
        default_sizer: a name in `sizers`, or a sizer class. sizer_params: its parameters.
        sleeves: name -> "SHARE: SYMBOLS", the parts of the account it divides by habit (`core.sleeves`); a part
            without a symbol in the universe goes to the others.
        aliases: other names of parameters, such as {"riskFactor": "sizer.risk"}.
        needs_index: it compares with a market index; the engine adds the source's to the reference symbols.
        path_dependent: its decisions depend on its own earlier ones, from `signal_start` on.
        space: what a sweep tries when nobody says otherwise, and the rules between parameters.
        timing: parameter -> every value that shifts the days it decides on, for measuring timing luck.

    Params of the base (set by the engine, open to users too):
        exits: `core.options.Exits`, or a mapping of its fields.
        signal_start: first exchange date on which it may decide (ISO date).
        fill: "next_open" (market order at the next bar's open), "session_open" or "session_close" (the next
            session's auction, if it is decided in time); None = the class attributes `fill` and `exit_fill`.
    """

    params = dict(exits=None, signal_start=None, fill=None)
    fill: str = "next_open"
    exit_fill: str | None = None
    default_sizer: str | type[PortfolioSizer] = "EqualWeight"
    sizer_params: Mapping[str, Any] = {}
    sleeves: Mapping[str, Any] = {}
    aliases: Mapping[str, str] = {}
    needs_index = False
    path_dependent = False
    space = Space()
    timing: Mapping[str, Sequence[Any]] = {}
    unheard = False  # nobody listens to what becomes of its orders before they fill

    @classmethod
    def signals(cls, bars: Bars, p: Any) -> np.ndarray:
        """Decisions on every bar, from that bar and earlier ones only.

        Args:
            bars: the panel. p: the parameters, as attributes.

        Returns:
            (T, N) float64: NaN = no decision (keep the shares), 0 = out, > 0 = hold with this conviction,
            < 0 = short.
        """
        raise BadSpec(f"{cls.__name__} has no signals method: a target strategy states one")

    @classmethod
    def decisions(cls, bars: Bars, p: Any) -> np.ndarray:
        """The `signals` from the param `signal_start` on.

        Raises:
            BadSpec: they have another shape than the bars, decide on a reference symbol, or cannot do with bars of this length.
        """
        cls.check_bars(bars.interval, p)
        signals = np.asarray(cls.signals(bars, p), dtype=np.float64)
        if signals.shape != bars.shape:
            raise BadSpec(f"{cls.__name__}.signals gave shape {signals.shape}: (bars, symbols) is {bars.shape}")
        decided = ~np.isnan(signals).all(axis=0) & ~bars.tradable
        if decided.any():
            symbol = bars.symbols[int(np.flatnonzero(decided)[0])]
            raise BadSpec(f"{cls.__name__} decides on {symbol}, which is a reference symbol: never traded")
        return np.where(may_decide(bars, p)[:, None], signals, np.nan)

    @classmethod
    def check(cls, p: Any) -> None:
        """Raise `BadSpec` if the parameters contradict each other."""

    @classmethod
    def check_bars(cls, interval: str, p: Any) -> None:
        """Raise `BadSpec` if it cannot decide on bars of this length ("1m", "1d")."""

    @classmethod
    def fills(cls, chosen: str | None) -> tuple[str, str]:
        """When orders fill that enter or resize a position, and those that leave it; `chosen` is a user's word for both."""
        return chosen or cls.fill, chosen or cls.exit_fill or cls.fill

    @classmethod
    def features(cls, bars: Bars, p: Any) -> dict[str, np.ndarray]:
        """Named (T, N) panels worth drawing beside the prices: the numbers behind the decisions."""
        return {}

    @classmethod
    def warmup(cls, p: Any) -> int | None:
        """Own bars of each symbol after which decisions no longer depend on where the bars began.

        None = not stated.
        """
        return None

    # -- life in Cerebro ------------------------------------------------------------------------------

    def __init__(self, **given: Any) -> None:
        sizer_params = self._take_aliases(given)
        self.check(self.p)
        exits = self.p.exits or Exits()
        self._desk = Desk(self, *self.fills(self.p.fill))
        self._protection = Protection(self, read_group(Exits, exits) if isinstance(exits, Mapping) else exits)
        self._sizer = self._own_sizer({**self.sizer_params, **sizer_params})
        self._sizer.set(self, self.broker)
        if not isinstance(self.sleeves, Sleeves):
            self.sleeves = Sleeves.read(self.sleeves, flexible=True)
        self._columns = {data: at for at, data in enumerate(self.datas)}
        self.decision: Decision | None = None

    def _take_aliases(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Set the params meant by `given`, which Backtrader does not know, and return those of the sizer."""
        for_sizer = {}
        for name, value in given.items():
            meant = self.aliases.get(name, name)
            if meant.startswith("sizer."):
                for_sizer[meant.removeprefix("sizer.")] = value
            elif meant == name:
                raise UnknownName.of(f"parameter of {type(self).__name__}", name,
                                     [*self.params._getkeys(), *self.aliases])
            else:
                setattr(self.p, meant, value)
        return for_sizer

    def _own_sizer(self, params: Mapping[str, Any]) -> bt.Sizer:
        kind = self.default_sizer
        if isinstance(kind, str):
            if kind not in sizers.__all__:
                raise UnknownName.of(f"default_sizer of {type(self).__name__}", kind, sizers.__all__)
            kind = getattr(sizers, kind)
        return kind(**params)

    def start(self) -> None:
        self.check_bars(_interval(self.datas[0]), self.p)
        self._panel = FeedBars(self.datas)
        self._within_day = self.datas[0]._timeframe < bt.TimeFrame.Days
        if self._panel.complete:
            self._decide(self._panel.bars)
        self._growing = list(zip(self._minperiods, self.datas, strict=True))
        self._live = [data for data in self.datas if data.islive()]
        self._desk.live = self._resumes = bool(self._live)
        own = type(self).notify_order is TargetStrategy.notify_order and not self._protection.active
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
            return
        row = self._panel.update(self.datetime[0])
        if not self._panel.complete:
            self._decide(self._panel.bars)
        if self._resumes and self._protection.active:
            recall(self, self._protection, self._panel.bars.index[:row], self._signals[:row])
        self._desk.just_opened = self._within_day and self._begins(row)
        self._desk.send_blocked(self._send)
        self._desk.look_at_exits()
        if self._protection.active:
            self._leave_overdue()
        if self._decides[row]:
            self._rebalance(row)
        if self._resumes:
            self._resume(row)
        self._desk.repeat_exits(self._send)
        if self._live:
            self.protect()

    def _decide(self, bars: Bars) -> None:
        """Compute all decisions on `bars` and carry the convictions forward."""
        signals = self._signals = self.decisions(bars, self.p)
        self._convictions = np.nan_to_num(carried_forward(signals), nan=0.0)
        self._decides = (~np.isnan(signals)).any(axis=1).tolist()

    # -- from decision to orders ----------------------------------------------------------------------

    def _rebalance(self, row: int) -> None:
        decided = ~np.isnan(self._signals[row])
        conviction = self._allowed(self._convictions[row], self._signals[row])
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

    def _resume(self, row: int) -> None:
        """What an earlier run holds although its latest decision was to be out is left; that run has ended before it was."""
        self._resumes = False
        for data in missed_exits(self, self._signals[: row + 1], self._within_day):
            if not (self._desk.busy(data) or self._desk.blocks(data)):
                self._desk.must_leave(data)

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
                self._protection.review(order.data)
                if self._live and order.status in _WITHDRAWN and not (self._desk.blocks(order.data) or self._desk.leaves(order.data)):
                    self._protection.renew(order.data)
            elif order.status in _MOVED and not self._desk.superseded(order) and not (order.alive() and order.info.get("execution")):
                self._protection.entered(order.data, order.executed.dt or 0.0)
        if self._live:
            self._desk.send_blocked(self._send)


def _interval(data: Any) -> str:
    """The length of a feed's bars, in the words of a spec, as far as it matters within the day."""
    return f"{data._compression}{'m' if data._timeframe <= bt.TimeFrame.Minutes else 'd'}"


def may_decide(bars: Bars, p: Any) -> np.ndarray:
    """(T,) bool: rows from the param `signal_start` on; where the state of a path-dependent strategy begins."""
    start = getattr(p, "signal_start", None)
    return np.ones(len(bars), bool) if start is None else bars.session >= np.datetime64(start, "D")
