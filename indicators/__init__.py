"""Indicators: array functions on (T, N) panels, memoised per panel by `on(bars)`; `indicators.faces` for Backtrader.

NaN marks a bar that is not there; windows run over a symbol's own bars, as in Cerebro. Imports core only.
"""

from indicators.averages import AVERAGES, ema, sma, wilder, wma
from indicators.bands import bollinger
from indicators.crossing import crossed, in_while_above
from indicators.oscillators import macd, rate_of_change, rsi
from indicators.panel import Indicators, on
from indicators.ranges import atr, true_range
from indicators.regression import momentum
from indicators.rolling import correlation, correlation_matrix, deviation, zscore

__all__ = [
    "AVERAGES", "Indicators", "atr", "bollinger", "correlation", "correlation_matrix", "crossed", "deviation", "ema",
    "in_while_above", "macd", "momentum", "on", "rate_of_change", "rsi", "sma", "true_range", "wilder", "wma", "zscore",
]
