"""Indicators: array functions on (T, N) panels, memoised per panel by `on(bars)`.

NaN marks a bar that is not there; windows run over a symbol's own bars, as in Cerebro. Imports core only.
"""

from indicators.averages import sma
from indicators.crossing import crossed
from indicators.panel import Indicators, on

__all__ = ["Indicators", "crossed", "on", "sma"]
