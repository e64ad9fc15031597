"""`on(bars)`: the indicators of one panel of bars, each computed once."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from core.bars import Bars
from core.errors import UnknownName
from indicators import averages, bands, oscillators, ranges, regression, rolling

MOST_BYTES = 2**30  # of the panels one set of bars remembers
Panels = tuple[np.ndarray, ...]
PRICES = ("open", "high", "low", "close", "raw_open", "raw_high", "raw_low", "raw_close", "raw_volume", "returns")


class Indicators:
    """Indicators of signal prices; every result is a read-only (T, N) panel, shared by all who ask.

    `of` names the panel: open, high, low, close (forward-adjusted signal prices), raw_open … raw_volume, or
    returns (rate of change of the close over one bar). What is in currency (true range, ATR, deviation, bands,
    MACD) is in forward-adjusted currency: divide by `bars.factor` before it meets raw prices or sizes a position.

    The results belong to the bars they were computed on (bars never change), so nothing is ever served for
    other data; beyond `MOST_BYTES` the oldest are forgotten. Values never depend on later rows: `bars.upto(row)` is served from the whole panel.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._known: dict[tuple[Any, ...], Panels] = {}
        self._lock = threading.Lock()

    def sma(self, period: int, of: str = "close", rows: np.ndarray | None = None) -> np.ndarray:
        """Simple moving average; see `indicators.averages.sma`. (D, N) where `rows` are given."""
        return self._one(averages.sma, of, period) if rows is None else self._on_rows(averages.sma, rows, of, period)

    def wma(self, period: int, of: str = "close") -> np.ndarray:
        """Linearly weighted moving average; see `indicators.averages.wma`."""
        return self._one(averages.wma, of, period)

    def ema(self, period: int, of: str = "close") -> np.ndarray:
        """Exponential moving average; see `indicators.averages.ema`."""
        return self._one(averages.ema, of, period)

    def averages(self, periods: tuple[int, ...] = averages.AVERAGES, of: str = "close") -> dict[int, np.ndarray]:
        """Simple moving averages by period: 7, 21, 50, 100 and 200 bars."""
        return {period: self.sma(period, of) for period in periods}

    def true_range(self) -> np.ndarray:
        """True range; see `indicators.ranges.true_range`."""
        return self._once(("true_range",), lambda own: own._of_prices(ranges.true_range))[0]

    def atr(self, period: int) -> np.ndarray:
        """Average true range; see `indicators.ranges.atr`. In raw currency: `atr / bars.factor`."""
        return self._once(("atr", period), lambda own: own._of_prices(ranges.atr, period))[0]

    def deviation(self, period: int, of: str = "close", ddof: int = 0) -> np.ndarray:
        """Rolling standard deviation; see `indicators.rolling.deviation`."""
        return self._one(rolling.deviation, of, period, ddof)

    def zscore(self, period: int, of: str = "close", ddof: int = 0) -> np.ndarray:
        """Deviations above the rolling mean; see `indicators.rolling.zscore`."""
        return self._one(rolling.zscore, of, period, ddof)

    def correlation(self, reference: str, period: int, of: str = "returns") -> np.ndarray:
        """Rolling correlation of every symbol with the symbol `reference`; see `indicators.rolling.correlation`."""
        column = self._bars.column(reference)

        def correlated(own: Indicators) -> Panels:
            panel = own._values(of)
            return (rolling.correlation(panel, panel[:, column], period),)

        return self._once((rolling.correlation, of, column, period), correlated)[0]

    def rsi(self, period: int = 14, of: str = "close") -> np.ndarray:
        """Relative strength index; see `indicators.oscillators.rsi`."""
        return self._one(oscillators.rsi, of, period)

    def macd(self, fast: int = 12, slow: int = 26, signal: int = 9, of: str = "close") -> Panels:
        """(macd, signal, histogram); see `indicators.oscillators.macd`."""
        return self._several(oscillators.macd, of, fast, slow, signal)

    def bollinger(self, period: int = 20, width: float = 2.0, of: str = "close") -> Panels:
        """(middle, upper, lower); see `indicators.bands.bollinger`."""
        return self._several(bands.bollinger, of, period, width)

    def rate_of_change(self, period: int, of: str = "close") -> np.ndarray:
        """Change over `period` bars as a part, 0.05 = 5%; see `indicators.oscillators.rate_of_change`."""
        return self._one(oscillators.rate_of_change, of, period)

    def momentum(self, period: int, of: str = "close", periods_per_year: float = 252.0,
                 rows: np.ndarray | None = None) -> np.ndarray:
        """Exponential-regression momentum; see `indicators.regression.momentum`. (D, N) where `rows` are given."""
        if rows is None:
            return self._one(regression.momentum, of, period, periods_per_year)
        return self._on_rows(regression.momentum, rows, of, period, periods_per_year)

    # -- computed once --------------------------------------------------------------------------------

    def _one(self, compute: Callable[..., np.ndarray], of: str, *args: Any) -> np.ndarray:
        return self._once((compute, of, *args), lambda own: (compute(own._values(of), *args),))[0]

    def _on_rows(self, compute: Callable[..., np.ndarray], rows: np.ndarray, of: str, *args: Any) -> np.ndarray:
        rows = np.asarray(rows, dtype=np.int64)
        key = (compute, of, *args, rows.tobytes())
        return self._once(key, lambda own: (compute(own._values(of), *args, rows=rows),))[0]

    def _several(self, compute: Callable[..., Panels], of: str, *args: Any) -> Panels:
        return self._once((compute, of, *args), lambda own: compute(own._values(of), *args))

    def _once(self, key: tuple[Any, ...], compute: Callable[["Indicators"], Panels]) -> Panels:
        known = self._known.get(key)
        return self._computed(key, compute) if known is None else known

    def _computed(self, key: tuple[Any, ...], compute: Callable[["Indicators"], Panels]) -> Panels:
        whole = self._bars.__dict__.get("_whole")
        if whole is None:
            panels = compute(self)
        else:
            panels = tuple(panel[: len(self._bars)] for panel in on(whole)._once(key, compute))
        for panel in panels:
            panel.flags.writeable = False
        with self._lock:
            self._known[key] = panels
            while len(self._known) > 1 and sum(panel.nbytes for each in self._known.values() for panel in each) > MOST_BYTES:
                del self._known[next(iter(self._known))]
        return panels

    def _values(self, of: str) -> np.ndarray:
        if of not in PRICES:
            raise UnknownName.of("panel", of, PRICES)
        return self.rate_of_change(1) if of == "returns" else getattr(self._bars, of)

    def _of_prices(self, compute: Callable[..., np.ndarray], *args: Any) -> Panels:
        return (compute(self._bars.high, self._bars.low, self._bars.close, *args),)


def on(bars: Bars) -> Indicators:
    """The indicators of `bars`; the same object on every call for the same bars."""
    known = bars.__dict__.get("_indicators")
    if known is None:
        known = bars.__dict__["_indicators"] = Indicators(bars)
    return known
