"""`on(bars)`: the indicators of one panel of bars, each computed once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.bars import Bars
from indicators.averages import sma


class Indicators:
    """Indicators of signal prices; every result is a read-only (T, N) panel, shared by all who ask.

    The results belong to the bars they were computed on (bars never change), so nothing is ever served for
    other data.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._known: dict[tuple[Any, ...], np.ndarray] = {}

    def sma(self, period: int, of: str = "close") -> np.ndarray:
        """Simple moving average over `period` bars of a price panel; see `indicators.averages.sma`."""
        return self._once(("sma", period, of), lambda: sma(getattr(self._bars, of), period))

    def _once(self, key: tuple[Any, ...], compute: Callable[[], np.ndarray]) -> np.ndarray:
        if key not in self._known:
            panel = compute()
            panel.flags.writeable = False
            self._known[key] = panel
        return self._known[key]


def on(bars: Bars) -> Indicators:
    """The indicators of `bars`; the same object on every call for the same bars."""
    known = bars.__dict__.get("_indicators")
    if known is None:
        known = bars.__dict__["_indicators"] = Indicators(bars)
    return known
