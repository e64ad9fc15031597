"""Oscillators on (T, N) panels: relative strength, convergence of averages, rate of change."""

import numpy as np

from indicators.averages import ema, wilder
from indicators.own_bars import over_own_bars, window_length


def rsi(values: np.ndarray, period: int = 14) -> np.ndarray:
    """Relative strength index (Wilder, New Concepts in Technical Trading Systems, 1978).

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        period: bars of Wilder's smoothing of rises and falls, at least 1.

    Returns:
        (T, N) float64 from 0 to 100; NaN on a column's first `period` bars and where there is no bar. 100 when
        nothing fell, 50 when nothing moved at all.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    period = window_length(period)
    rises, falls = rises_and_falls(values)
    return strength(wilder(rises, period), wilder(falls, period))


def rises_and_falls(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each bar rose and how far it fell since the one before, (T, N) each, >= 0; NaN on the first bar."""
    changes = over_own_bars(_changes, values)
    return np.maximum(changes, 0.0), np.maximum(-changes, 0.0)


def strength(rises: np.ndarray, falls: np.ndarray) -> np.ndarray:
    """Relative strength index of average rises and falls, both >= 0 or NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        index = 100.0 - 100.0 / (1.0 + rises / falls)
    return np.where((rises == 0) & (falls == 0), 50.0, index)


def macd(values: np.ndarray, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[np.ndarray, np.ndarray,
                                                                                       np.ndarray]:
    """Moving average convergence and divergence (Appel, 1970s).

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        fast, slow: bars of the exponential averages whose difference is taken.
        signal: bars of the exponential average of that difference.

    Returns:
        (macd, signal, histogram = macd - signal), (T, N) float64 each; NaN until their averages exist.

    Raises:
        BadSpec: a period is not a positive whole number.
    """
    line = ema(values, fast) - ema(values, slow)
    trigger = ema(line, signal)
    return line, trigger, line - trigger


def rate_of_change(values: np.ndarray, period: int) -> np.ndarray:
    """Change since `period` bars ago, as a part of the value then: 0.05 = 5%.

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        period: number of the symbol's own bars, at least 1.

    Returns:
        (T, N) float64; NaN on a column's first `period` bars, where there is no bar, and where the value then is 0.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    period = window_length(period)
    return over_own_bars(lambda dense: _relative_change(dense, period), values)


def _changes(values: np.ndarray) -> np.ndarray:
    changes = np.full(values.shape, np.nan)
    changes[1:] = values[1:] - values[:-1]
    return changes


def _relative_change(values: np.ndarray, period: int) -> np.ndarray:
    change = np.full(values.shape, np.nan)
    before = np.where(values[:-period] == 0, np.nan, values[:-period])
    change[period:] = (values[period:] - before) / before
    return change
