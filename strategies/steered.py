"""A strategy that is steered while it runs live: other parameters from a bar on, or to its targets at once. Imports core and Backtrader.

An engine gives the broker an attribute `steering`, see `Steering`; without one a strategy runs as it was begun.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import backtrader as bt
import numpy as np

from core.bars import Bars


class Steering(Protocol):
    """Who tells a live strategy what is asked of it."""

    def recall(self, strategy: Any) -> None:
        """Have it decide as the run's earlier processes had learnt to; before its first decision, more often changes nothing."""

    def look(self, strategy: Any, bars: Bars) -> Sequence[Any]:
        """See what is asked by now: once for each bar, before it decides on it, the last of those there are.

        Returns:
            What asks it to trade to its targets at once.
        """

    def rebalanced(self, asked: Sequence[Any], strategy: Any, bar_ns: int) -> None:
        """It has traded to its targets on a bar (UTC ns), as was asked."""


class Earlier:
    """Decisions from before the parameters changed, which stay what they were."""

    def __init__(self) -> None:
        self._index, self._signals, self._until = np.empty(0, np.int64), np.empty((0, 0)), 0

    def keep(self, index: np.ndarray, signals: np.ndarray, until_ns: int) -> None:
        """Remember the decisions (T, N) on the bars (T,) before a moment, UTC ns."""
        before = index < until_ns
        self._index, self._signals, self._until = index[before], signals[before], until_ns

    def joined(self, index: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """(T, N) those remembered, and from the change on the given ones; NaN on earlier bars that were not known then."""
        if not self._until:
            return signals
        joined = np.where((index >= self._until)[:, None], signals, np.nan)
        rows = np.flatnonzero(np.isin(index, self._index))
        joined[rows] = self._signals[np.searchsorted(self._index, index[rows])]
        return joined


class Steered:
    """The part of `strategies.traded.Traded` that others steer."""

    broker: Any
    p: Any
    _panel: Any
    _live: list[Any]
    _earlier: Earlier
    _signals: np.ndarray
    _convictions: np.ndarray

    @property
    def _steering(self) -> Steering | None:
        return getattr(self.broker, "steering", None) if self._live else None

    def _recall_steering(self) -> None:
        if self._steering is not None:
            self._steering.recall(self)

    def _look(self) -> Sequence[Any]:
        """What asks to trade to the targets now; other parameters that were asked for are in force from here on."""
        self._recall_steering()
        return () if self._steering is None else self._steering.look(self, self._panel.bars)

    def _answer(self, asked: Sequence[Any], row: int) -> None:
        if self._steering is not None:
            self._steering.rebalanced(asked, self, int(self._panel.bars.index[row]))

    def change(self, params: Mapping[str, Any], sizer: bt.Sizer | None, since_ns: int) -> None:
        """Decide by other parameters, and size with another sizer, from a bar on (UTC ns); what was decided before stays.

        Args:
            params: those that are to be set, checked. sizer: None = as before.
        """
        bars = self._panel.bars
        self._earlier.keep(bars.index, self._earlier.joined(bars.index, self.decisions(bars, self.p)), since_ns)
        for name, value in params.items():
            setattr(self.p, name, value)
        if sizer is not None:
            self.setsizer(sizer)

    def _standing(self, row: int) -> np.ndarray:
        """(N,) the latest decision on every symbol that has traded in the row's session; NaN on the others."""
        bars = self._panel.bars
        today = np.flatnonzero(bars.session[: row + 1] == bars.session[row])
        known = ~np.isnan(self._signals[: row + 1]).all(axis=0)
        return np.where(bars.traded[today].any(axis=0) & known, self._convictions[row], np.nan)
