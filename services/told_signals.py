"""Signals that somebody gives, and a panel of bars that says just what they say: a price, and an average true range.

May import what lies below services.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import sizers
from core.bars import Bars
from core.calendars import get_calendar
from core.clock import SystemClock
from core.errors import BadSpec, UnknownName
from core.series import SymbolBars
from core.spec import RunSpec
from engine import resolve
from engine.build import sizer_of
from feeds.load import source_named
from feeds.sectors import sectors_of
from indicators import on

WORDS = ("BUY", "SELL", "HOLD", "SHORT")
TELLING = (sizers.AtrRisk, sizers.EqualWeight, sizers.FixedFraction, sizers.ByConfidence, sizers.TargetWeight)  # price and range are enough for them
MOST = 1e12  # account currency


@dataclass(frozen=True)
class ToldSignal:
    """What somebody says of one symbol.

    Attributes:
        signal: "BUY" (to be held at its target), "SELL" (not to be held), "SHORT", or "HOLD" (with a score: held at its target;
            without one: as it is). risk_unit: average true range over price. score: conviction, above 0 to be held. price: per share.
    """

    symbol: str
    signal: str
    risk_unit: float | None = None
    score: float | None = None
    price: float | None = None

    @property
    def conviction(self) -> float:
        """As a strategy's `signals` has it; NaN = nothing is decided."""
        score = abs(self.score) if self.score else 0.0
        return {"BUY": score or 1.0, "SELL": 0.0, "SHORT": -(score or 1.0), "HOLD": score or math.nan}[self.signal]

    def check(self, place: str) -> "ToldSignal":
        """The signal itself.

        Raises:
            UnknownName, BadSpec: something in it is not possible; the message begins with `place`.
        """
        if not self.symbol.strip():
            raise BadSpec(f"{place}.symbol is empty: name one")
        if self.signal not in WORDS:
            raise UnknownName(f"{place}.signal is {self.signal!r:.40}: write {', '.join(WORDS[:-1])} or {WORDS[-1]}")
        _within(f"{place}.risk_unit", self.risk_unit, 0.0, 1.0, "the average true range over the price, above 0 and below 1")
        _within(f"{place}.current_price", self.price, 0.0, MOST, "an amount above 0")
        _within(f"{place}.momentum_score", self.score, -MOST, MOST, "a number")
        if self.signal in ("BUY", "HOLD") and self.score is not None and (self.score < 0 or (self.signal == "BUY" and self.score == 0)):
            raise BadSpec(f"{place}.momentum_score is {self.score:g}: a {self.signal} has one above 0, or none")
        return self


def _within(name: str, value: float | None, low: float, high: float, what: str) -> None:
    if value is not None and not low < value < high:
        raise BadSpec(f"{name} is {value:g}: it must be {what}")


def panel_of(signals: Sequence[ToldSignal], spec: RunSpec, found: Callable[[tuple[str, ...]], Bars]) -> Bars:
    """Bars up to the latest session on which the symbols have the prices and ranges of their signals.

    Args:
        found: bars of symbols, for what the signals do not say.

    Raises:
        BadSpec: no signal, or a symbol twice; or the sizer of the spec looks at more than prices and ranges, and a signal gives them.
        CerebrolabError: as `found`.
    """
    symbols = tuple(each.symbol for each in signals)
    twice = [symbol for symbol, count in Counter(symbols).items() if count > 1]
    if not symbols or twice:
        raise BadSpec(f"signals name {twice[0]} twice: name it once" if twice else "signals: none were given")
    strategy: Any = resolve.strategy_class(spec.strategy)
    kind, params = sizer_of(resolve.without_aliases(spec, strategy), strategy)
    telling = kind is not None and issubclass(kind, TELLING)
    ranged = kind is not None and issubclass(kind, sizers.AtrRisk)
    period = int(params.get("period", 20))
    lacking = tuple(each.symbol for each in signals if each.price is None or (ranged and each.risk_unit is None and each.conviction > 0))
    if not telling:
        told = next((each for each in signals if each.risk_unit is not None or each.price is not None), None)
        if told is not None:
            raise BadSpec(f"signals: {kind.__name__ if kind else 'no sizer'} sizes by past returns, not by the risk_unit and current_price given "
                          f"for {told.symbol}: leave them out")
        return _ordered(found(symbols), symbols)
    known = found(lacking) if lacking else None
    series = [_series(_completed(each, known, period), spec.calendar, period + 2) for each in signals]
    sectors = sectors_of(symbols, source_named(spec.source, spec.calendar), spec.sectors) if spec.sectors else None
    return Bars.of(series, calendar=spec.calendar, sectors=sectors)


def _ordered(bars: Bars, symbols: Sequence[str]) -> Bars:
    absent = [symbol for symbol in symbols if symbol not in bars.symbols]
    if absent:
        raise UnknownName.of("symbol", absent[0], bars.symbols)
    return bars


def _completed(signal: ToldSignal, known: Bars | None, period: int) -> ToldSignal:
    """With what it does not say from bars: the last close, and the average true range over it."""
    if known is None or (signal.price is not None and signal.risk_unit is not None) or signal.symbol not in known.symbols:
        return signal
    at = known.column(signal.symbol)
    unit = float(on(known).atr(period)[-1, at] / known.close[-1, at])
    return replace(signal, price=signal.price or float(known.last_close[-1, at]),
                   risk_unit=signal.risk_unit if signal.risk_unit is not None else unit if math.isfinite(unit) else None)


def _series(signal: ToldSignal, calendar: str, rows: int) -> SymbolBars:
    """Bars that close at the price every day, and swing by the risk unit around it."""
    hours = get_calendar(calendar)
    closes = hours.close_of(hours.sessions)
    last = int(np.searchsorted(closes, SystemClock().now_ns(), side="right"))
    session, index = hours.sessions[last - rows : last], closes[last - rows : last]
    price, swing = np.full(rows, signal.price), (signal.price or 0.0) * (signal.risk_unit or 0.0) / 2
    return SymbolBars.make(signal.symbol, index, session, price, open=price, high=price + swing, low=price - swing, volume=np.full(rows, 0.0))
