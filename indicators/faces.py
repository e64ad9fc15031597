"""The indicators as Backtrader indicators: `from indicators import faces`, then `faces.SMA(self.data, period=50)`.

Each gives the numbers of its array function in every mode of Cerebro, bit by bit: with `runonce` from whole lines,
else bar by bar. The names are those of `bt.ind` where the rule is the same. Imports core and Backtrader only.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.errors import BadSpec
from indicators import averages, bands, oscillators, ranges, regression, rolling
from indicators.face import Face
from indicators.own_bars import window_length

__all__ = [
    "ATR", "EMA", "MACD", "RSI", "SMA", "WMA", "Bollinger", "Correlation", "Deviation", "RateOfChange",
    "RegressionMomentum", "TrueRange", "ZScore",
]


class SMA(Face):
    """Simple moving average; see `indicators.sma`."""

    lines = ("sma",)
    params = dict(period=30)
    plotinfo = dict(subplot=False)

    def __init__(self) -> None:
        self.remember(window_length(self.p.period))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return averages.sma(values, self.p.period)


class WMA(Face):
    """Linearly weighted moving average; see `indicators.wma`."""

    lines = ("wma",)
    params = dict(period=30)
    plotinfo = dict(subplot=False)

    def __init__(self) -> None:
        self.remember(window_length(self.p.period))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return averages.wma(values, self.p.period)


class EMA(Face):
    """Exponential moving average; see `indicators.ema`."""

    lines = ("ema",)
    params = dict(period=30)
    plotinfo = dict(subplot=False)

    def __init__(self) -> None:
        self.remember(1, first=window_length(self.p.period))
        self._average = self.smoothing(self.p.period, averages.ema_weight(self.p.period))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return averages.ema(values, self.p.period)

    def step(self, values: np.ndarray) -> Sequence[float]:
        return (self._average(values[-1, 0]),)


class TrueRange(Face):
    """True range of a feed; see `indicators.true_range`."""

    lines = ("tr",)

    def __init__(self) -> None:
        self.remember(2, inputs=_high_low_close(self.data))

    def compute(self, high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
        return ranges.true_range(high, low, close)


class ATR(Face):
    """Average true range of a feed; see `indicators.atr`."""

    lines = ("atr",)
    params = dict(period=14)

    def __init__(self) -> None:
        period = window_length(self.p.period)
        self.remember(2, first=period + 1, inputs=_high_low_close(self.data))
        self._average = self.smoothing(period, averages.wilder_weight(period))

    def compute(self, high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
        return ranges.atr(high, low, close, self.p.period)

    def step(self, high: np.ndarray, low: np.ndarray, close: np.ndarray) -> Sequence[float]:
        return (self._average(ranges.true_range(high, low, close)[-1, 0]),)


class Deviation(Face):
    """Rolling standard deviation; see `indicators.deviation`."""

    lines = ("deviation",)
    params = dict(period=20, ddof=0)

    def __init__(self) -> None:
        self.remember(rolling.sample_length(self.p.period, self.p.ddof))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return rolling.deviation(values, self.p.period, self.p.ddof)


class ZScore(Face):
    """Deviations above the rolling mean; see `indicators.zscore`."""

    lines = ("zscore",)
    params = dict(period=20, ddof=0)
    plotinfo = dict(plothlines=[0.0])

    def __init__(self) -> None:
        self.remember(rolling.sample_length(self.p.period, self.p.ddof))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return rolling.zscore(values, self.p.period, self.p.ddof)


class RSI(Face):
    """Relative strength index; see `indicators.rsi`."""

    lines = ("rsi",)
    params = dict(period=14)
    plotinfo = dict(plotyhlines=[30.0, 70.0])

    def __init__(self) -> None:
        period = window_length(self.p.period)
        self.remember(2, first=period + 1)
        self._rises, self._falls = (self.smoothing(period, averages.wilder_weight(period)) for _ in range(2))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return oscillators.rsi(values, self.p.period)

    def step(self, values: np.ndarray) -> Sequence[float]:
        rise, fall = (part[-1, 0] for part in oscillators.rises_and_falls(values))
        return (oscillators.strength(np.float64(self._rises(rise)), np.float64(self._falls(fall))),)


class MACD(Face):
    """Moving average convergence and divergence; see `indicators.macd`."""

    lines = ("macd", "signal", "histogram")
    params = dict(fast=12, slow=26, signal=9)
    plotinfo = dict(plothlines=[0.0])
    plotlines = dict(signal=dict(ls="--"), histogram=dict(_method="bar", alpha=0.5, width=1.0))

    def __init__(self) -> None:
        fast, slow, signal = (window_length(period) for period in (self.p.fast, self.p.slow, self.p.signal))
        self.remember(1, first=max(fast, slow) + signal - 1)
        self._fast, self._slow, self._signal = (self.smoothing(period, averages.ema_weight(period))
                                                for period in (fast, slow, signal))

    def compute(self, values: np.ndarray) -> tuple[np.ndarray, ...]:
        return oscillators.macd(values, self.p.fast, self.p.slow, self.p.signal)

    def step(self, values: np.ndarray) -> Sequence[float]:
        line = self._fast(values[-1, 0]) - self._slow(values[-1, 0])
        trigger = self._signal(line)
        return line, trigger, line - trigger


class Bollinger(Face):
    """Bollinger bands; see `indicators.bollinger`."""

    lines = ("middle", "upper", "lower")
    params = dict(period=20, width=2.0)
    plotinfo = dict(subplot=False)
    plotlines = dict(middle=dict(ls="--"), upper=dict(_samecolor=True), lower=dict(_samecolor=True))

    def __init__(self) -> None:
        self.remember(window_length(self.p.period))

    def compute(self, values: np.ndarray) -> tuple[np.ndarray, ...]:
        return bands.bollinger(values, self.p.period, self.p.width)


class RateOfChange(Face):
    """Change over some bars, 0.05 = 5%; see `indicators.rate_of_change`."""

    lines = ("roc",)
    params = dict(period=12)
    plotinfo = dict(plothlines=[0.0])

    def __init__(self) -> None:
        self.remember(window_length(self.p.period) + 1)

    def compute(self, values: np.ndarray) -> np.ndarray:
        return oscillators.rate_of_change(values, self.p.period)


class RegressionMomentum(Face):
    """Exponential-regression momentum; see `indicators.momentum`."""

    lines = ("momentum",)
    params = dict(period=90, periods_per_year=252.0)
    plotinfo = dict(plothlines=[0.0])

    def __init__(self) -> None:
        self.remember(window_length(self.p.period, least=2))

    def compute(self, values: np.ndarray) -> np.ndarray:
        return regression.momentum(values, self.p.period, self.p.periods_per_year)


class Correlation(Face):
    """Rolling correlation of two feeds, or of lines upon them, over the bars they have in common by time.

    See `indicators.correlation`. `faces.Correlation(RateOfChange(a, period=1), RateOfChange(b, period=1))`
    correlates returns.
    """

    _mindatas = 2
    lines = ("correlation",)
    params = dict(period=60)
    plotinfo = dict(plothlines=[0.0])

    def __init__(self) -> None:
        self.remember(window_length(self.p.period, least=2), inputs=(self.data0.lines[0], self.data1.lines[0]))
        self._feeds = _feed(self.data0), _feed(self.data1)

    def compute(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return rolling.correlation(first, second, self.p.period)

    def _columns(self, length: int) -> list[np.ndarray]:
        ours, theirs = (np.frombuffer(feed.lines.datetime.array)[: feed.buflen()] for feed in self._feeds)
        first, second = (np.frombuffer(line.array) for line in self._inputs)
        at = np.searchsorted(theirs, ours)
        together = np.append(theirs, np.inf)[at] == ours
        return [first[:length], np.where(together, np.append(second[: len(theirs)], np.nan)[at], np.nan)]

    def next(self) -> None:
        if len(self) > self._delivered or self._together():  # else the second feed has moved on alone
            super().next()

    def _row(self) -> list[float]:
        first, second = (line[0] for line in self._inputs) if self._together() else (np.nan, np.nan)
        return [first, np.nan if np.isnan(first) else second]

    def _together(self) -> bool:
        ours, theirs = self._feeds
        return len(theirs) > 0 and theirs.datetime[0] == ours.datetime[0]


def _high_low_close(data: Any) -> tuple[Any, ...]:
    try:
        return data.high, data.low, data.close
    except AttributeError:
        raise BadSpec(f"{type(data).__name__} has no high, low and close: a range takes a feed, not a line") from None


def _feed(data: Any) -> Any:
    """The feed that a line or an indicator runs on."""
    while not hasattr(data.lines, "datetime"):
        data = data._clock if hasattr(data, "_clock") else data._owner
    return data
