"""`today`: what a strategy says on the last bar of the data, symbol by symbol, with its numbers. No orders are placed.

Imports like the other modules of engine.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.clock import Clock, SystemClock
from core.errors import BadSpec, NoBars, UsageError
from core.panels import carried_forward
from core.spec import RunSpec
from engine import resolve
from engine.assemble import need_history
from engine.build import build, lone_sizer
from engine.last_bar import play, told
from engine.loading import load
from feeds.coverage import complete_sessions
from feeds.load import source_named
from feeds.source import SETTLE_NS
from sizers.base import PortfolioSizer
from strategies.base import TargetStrategy

STANDING = {1: "HOLD", 0: "OUT", -1: "SHORT"}


@dataclass(frozen=True)
class Signal:
    """What the strategy says of one symbol.

    Attributes:
        symbol: its name.
        signal: "BUY" or "SELL" where the last bar changes what is wished for: from out to in, from in to out, or
            to or from short. Otherwise what stands: "HOLD", "OUT", "SHORT". For a plain strategy: the side of the
            order it created on the last bar (a stop that protects a position is none), else its position.
        decided: exchange date of the standing decision, or of a plain strategy's latest order; None = never.
        conviction: of the standing decision, 0 = out; NaN for a plain strategy, and where nothing was decided.
        weight, shares: what sizer and limits give an account that holds nothing but `spec.cash`, priced at the last
            raw close. NaN without a bar on the last session, without a portfolio sizer, and for plain strategies,
            whose `shares` are those held in the backtest up to the last bar.
        close: latest raw close. signal_close: the same as the strategy sees it, splits and dividends inside (the
            forward-adjusted close), to be read beside averages and ranges among the numbers.
        orders: a plain strategy's orders of the last bar, such as "buy 10 Market".
        numbers: the strategy's features, or a plain strategy's indicators, at the last bar.
    """

    symbol: str
    signal: str
    decided: np.datetime64 | None
    conviction: float
    weight: float
    shares: float
    close: float
    signal_close: float
    orders: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Signals:
    """The signals of one strategy on one day.

    Attributes:
        spec: what was asked for, with the symbols that have bars. bars: what it was decided on.
        rows: one a tradable symbol, in the order of the bars. warnings: sentences a reader must see.
        late: why these are not the signals of the latest session there should be; "" = they are.
    """

    spec: RunSpec
    bars: Bars
    rows: list[Signal]
    warnings: list[str]
    late: str = ""

    @property
    def session(self) -> np.datetime64:
        """Exchange date of the last bar."""
        return self.bars.session[-1]

    def summary(self) -> dict[str, Any]:
        """What `--json` prints, as plain values."""
        return {"strategy": self.spec.strategy, "session": str(self.session),
                "bar": str(np.datetime64(int(self.bars.index[-1]), "ns").astype("datetime64[s]")) + "Z", "source": self.bars.origin.source,
                "cash": self.spec.cash, "signals": [_plain(row) for row in self.rows], "warnings": self.warnings}


def today(spec: RunSpec, bars: Bars | None = None, store: Any = None, progress: Callable[..., Any] | None = None,
          clock: Clock | None = None) -> Signals:
    """The signals of a spec's strategy on the last bar.

    Args:
        spec: strategy, universe, sizer and account.
        bars: what to decide on, instead of what the spec's source delivers.
        store: a bar store for sources that need one. progress: called while data is fetched.
        clock: tells which session should be there; None = the system's.

    Raises:
        CerebrolabError: one of `core.errors`, for anything the user can put right.
    """
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    resolve.checked_params(strategy, spec.params)
    bars = load(spec, store, progress, clock) if bars is None else bars
    late = _late(spec, bars, clock or SystemClock())
    warnings = [*bars.origin.warnings, *([late] if late else []), *_untold(bars)]
    spec = resolve.of_bars(spec, bars)
    random.seed(spec.seed)
    np.random.seed(spec.seed)
    if issubclass(strategy, TargetStrategy):
        rows, notes = _of_decisions(build(spec, bars=bars), bars)
        return Signals(spec, bars, rows, warnings + notes, late)
    return Signals(spec, bars, _of_orders(spec, bars), warnings, late)


# -- target strategies ----------------------------------------------------------------------------------


def decided(spec: RunSpec, bars: Bars) -> np.ndarray:
    """(T, N) decisions of a target strategy on bars, as `TargetStrategy.decisions` has them; bars too short say nothing (NaN).

    Raises:
        UsageError: the strategy is a plain one, which says nothing but its orders. Otherwise as `today`.
    """
    strategy = resolve.strategy_class(spec.strategy)
    if not issubclass(strategy, TargetStrategy):
        raise UsageError(f"{spec.strategy} is a plain Backtrader strategy and has no signals: compare two backtests of it")
    spec = resolve.without_aliases(spec, strategy)
    resolve.checked_params(strategy, spec.params)
    cerebro = build(resolve.of_bars(spec, bars), bars=bars)
    kind, p = _chosen(cerebro)
    return np.asarray(kind.decisions(bars, p))


def _chosen(cerebro: bt.Cerebro) -> tuple[type[TargetStrategy], Any]:
    """The strategy and its parameters."""
    strategy, _, params = cerebro.strats[0][0]
    p = strategy.params()
    for name, value in params.items():
        setattr(p, name, value)
    return strategy, p


def _of_decisions(cerebro: bt.Cerebro, bars: Bars) -> tuple[list[Signal], list[str]]:
    strategy, p = _chosen(cerebro)
    signals = strategy.decisions(bars, p)
    standing = carried_forward(signals)
    now = np.sign(np.nan_to_num(standing[-1]))
    before = np.sign(np.nan_to_num(standing[-2])) if len(bars) > 1 else np.zeros(len(now))
    weights, shares, notes = _sized(cerebro, strategy, bars, standing[-1])
    features, signal_close = _features(strategy, bars, p), _signal_close(bars)
    rows = []
    for at in np.flatnonzero(bars.tradable).tolist():
        decided = np.flatnonzero(~np.isnan(signals[:, at]))
        word = STANDING[int(now[at])] if now[at] == before[at] else "BUY" if now[at] > before[at] else "SELL"
        rows.append(Signal(
            bars.symbols[at], word, bars.session[decided[-1]] if len(decided) else None, float(standing[-1, at]),
            float(weights[at]), float(shares[at]), float(bars.last_close[-1, at]), float(signal_close[at]),
            numbers={name: float(panel[-1, at]) for name, panel in features.items()}))
    if np.isnan(signals).all():
        notes += _too_short(strategy, bars, p)
    return rows, notes


def _too_short(strategy: type[TargetStrategy], bars: Bars, p: Any) -> list[str]:
    """A sentence where nothing is decided because the bars are too few."""
    try:
        need_history(strategy, p, bars)
    except NoBars as error:
        return [str(error)]
    return []


def _features(strategy: type[TargetStrategy], bars: Bars, p: Any) -> Mapping[str, np.ndarray]:
    features = strategy.features(bars, p)
    for name, panel in features.items():
        if np.shape(panel) != bars.shape:
            raise BadSpec(f"feature {name!r} of {strategy.__name__} has shape {np.shape(panel)}: "
                          f"(bars, symbols) is {bars.shape}")
    return features


def _sized(cerebro: bt.Cerebro, strategy: type[TargetStrategy], bars: Bars,
           standing: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(N,) weights and shares of an account that starts flat on the last bar, and what the sizer has to say."""
    nothing = np.full(len(standing), np.nan)
    kind, _, params = cerebro.sizers[None]
    if not issubclass(kind, PortfolioSizer):
        return nothing, nothing, [f"{kind.__name__} sizes orders one by one: no target weights"]
    sizer = lone_sizer(kind, params, strategy)
    there, cash = bars.traded[-1] & bars.tradable, float(cerebro.broker.startingcash)
    conviction = np.where(there, np.nan_to_num(standing), 0.0)
    shares = sizer.target_shares(conviction=conviction, decided=there, history=bars.upto(len(bars) - 1),
                                 held=np.zeros(len(standing)), value=cash, cash=cash)
    shares = np.where(there, shares, np.nan)
    return shares * bars.last_close[-1] / cash, shares, [note.text for note in sizer.notes]


# -- plain strategies -----------------------------------------------------------------------------------


def _of_orders(spec: RunSpec, bars: Bars) -> list[Signal]:
    standing, signal_close = play(spec, bars), _signal_close(bars)
    rows = []
    for at in np.flatnonzero(bars.tradable).tolist():
        found = standing[bars.symbols[at]]
        word = {1: "BUY", -1: "SELL", 0: STANDING[int(np.sign(found.position))]}[found.direction]
        decided = None if found.ordered is None else bars.session[np.searchsorted(bars.index, found.ordered)]
        rows.append(Signal(bars.symbols[at], word, decided, np.nan, np.nan, found.position,
                           float(bars.last_close[-1, at]), float(signal_close[at]), tuple(map(told, found.orders)), found.numbers))
    return rows


def _signal_close(bars: Bars) -> np.ndarray:
    return bars.last_close[-1] * bars.factor[-1]


# -- what a reader must know ----------------------------------------------------------------------------


def _late(spec: RunSpec, bars: Bars, clock: Clock) -> str:
    """A sentence where a network source has not delivered the last session there should be."""
    if spec.end or not source_named(spec.source, spec.calendar).stored:
        return ""
    complete = complete_sessions(get_calendar(bars.calendar), None, None, clock.now_ns() - SETTLE_NS)
    if not len(complete) or bars.session[-1] >= complete[-1]:
        return ""
    return f"the bars end on {bars.session[-1]}, the last complete session is {complete[-1]}: these are not the signals of today"


def _untold(bars: Bars) -> list[str]:
    """What the bars themselves say: invented ones, and symbols without a bar on the last session."""
    sentences = []
    if bars.origin.synthetic:
        sentences.append("synthetic bars: invented by a generator, no statement about any market")
    absent = np.flatnonzero(~bars.traded[-1])
    if len(absent):
        last = len(bars) - 1 - np.argmax(bars.traded[::-1, absent], axis=0)
        told_ = [f"{bars.symbols[at]} (last {bars.session[row]})" for at, row in zip(absent[:5], last[:5], strict=True)]
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        sentences.append(f"no bar on {bars.session[-1]}: {', '.join(told_)}{more}")
    return sentences


def _plain(row: Signal) -> dict[str, Any]:
    """A row as plain values; `numbers` stays a table of its own."""
    return {"symbol": row.symbol, "signal": row.signal, "decided": None if row.decided is None else str(row.decided),
            "conviction": row.conviction, "weight": row.weight, "shares": row.shares, "close": row.close,
            "signal_close": row.signal_close, "orders": list(row.orders), "numbers": dict(row.numbers)}
