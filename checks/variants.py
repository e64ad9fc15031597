"""Other bars made from some bars: cut off, with another future, scaled, or beginning later.

Every variant is copied number by number and its derived panels are computed anew, so that nothing of the original
can be reached from it. Imports core only.
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from core.bars import Bars

PRICES = ("raw_open", "raw_high", "raw_low", "raw_close")
STEEPNESS = 3.0  # a mirrored future moves three times as far as the real one
FARTHEST = 3.0  # and at most this far, in logarithms
DIVIDEND = 0.002  # part of the close that a dividend toggled on the first bar of a mirrored future pays
_PER_SYMBOL = ("close_only", "tradable")
NO_DATE = np.datetime64("NaT", "D")


def rows(bars: Bars, chosen: slice) -> Bars:
    """The chosen rows, copied."""
    panels: dict[str, Any] = {each.name: getattr(bars, each.name)[chosen].copy() for each in fields(bars)
              if isinstance(getattr(bars, each.name), np.ndarray) and each.name not in _PER_SYMBOL}
    return replace(bars, **panels, **{name: getattr(bars, name).copy() for name in _PER_SYMBOL})


def cut(bars: Bars, row: int) -> Bars:
    """Rows 0 to `row`, included: all there is on that bar."""
    return rows(bars, slice(0, row + 1))


def mirrored(bars: Bars, row: int) -> Bars:
    """The bars with every move of prices and volumes after `row` turned upside down, and steeper.

    What rose falls and what fell rises, on each later bar, measured from `row`; splits and dividends after `row`
    are gone, but symbols without a dividend on the first bar after it have one there.
    """
    after = slice(row + 1, None)
    made = _writable(bars)
    anchor = _known(bars.last_close[row], bars.raw_close)
    start = _known((bars.last_close * bars.factor)[row], bars.close)
    swapped = {"raw_open": bars.open, "raw_high": bars.low, "raw_low": bars.high, "raw_close": bars.close}
    for name, adjusted in swapped.items():
        made[name][after] = anchor * _turned(adjusted[after] / start)
    volume = _known(np.where(bars.raw_volume[: row + 1] > 0, bars.raw_volume[: row + 1], np.nan)[-1], bars.raw_volume)
    later = bars.raw_volume[after]
    with np.errstate(divide="ignore"):
        made["raw_volume"][after] = volume * _turned(later / volume)
    _without_actions(made, after)
    if row + 1 < len(bars):
        toggled = np.where((bars.dividend[row + 1] == 0) & bars.traded[row + 1], anchor * DIVIDEND, 0.0)
        made["dividend"][row + 1] = toggled
        for name in PRICES:
            made[name][after] *= 1.0 - toggled / anchor
    return replace(bars, **made)


def shaken(bars: Bars, row: int, random: np.random.Generator) -> Bars:
    """The bars with a future of another kind after `row`: a wild walk, other volumes, splits, dividends, delistings."""
    after = slice(row + 1, None)
    made = _writable(bars)
    shape = bars.raw_close[after].shape
    anchor = _known(bars.last_close[row], bars.raw_close)
    walk = np.clip(np.cumsum(random.normal(0.0, 0.04, shape), axis=0), -FARTHEST, FARTHEST)
    for name in PRICES:
        made[name][after] = anchor * np.exp(walk) * (getattr(bars, name)[after] / bars.raw_close[after])
    made["raw_volume"][after] = bars.raw_volume[after] * np.exp(random.normal(0.0, 1.5, shape))
    _without_actions(made, after)
    traded = bars.traded[after]
    split = np.where((random.random(shape) < 0.02) & traded, 2.0, 1.0)
    made["split"][after] = split
    made["dividend"][after] = np.where((random.random(shape) < 0.05) & traded, anchor * np.exp(-FARTHEST) / 1e3, 0.0)
    halved = np.maximum(np.cumprod(split, axis=0), 1.0)
    for name in PRICES:
        made[name][after] /= halved
    _delist(made, after, traded, random)
    return replace(bars, **made)


def scaled(bars: Bars, columns: Any, factor: float) -> Bars:
    """The bars with prices and dividends of some columns times `factor`; a power of two rounds nothing."""
    made = _writable(bars)
    for name in (*PRICES, "dividend"):
        made[name][:, columns] *= factor
    return replace(bars, **made)


def _writable(bars: Bars) -> dict[str, Any]:
    names = (*PRICES, "raw_volume", "dividend", "split", "pay_date")
    return {name: getattr(bars, name).copy() for name in names}


def _turned(growth: np.ndarray) -> np.ndarray:
    """Growth upside down: steeper, but within `FARTHEST`; what was 0 becomes large."""
    return np.exp(np.clip(-STEEPNESS * np.log(growth), -FARTHEST, FARTHEST))


def _known(values: np.ndarray, panel: np.ndarray) -> np.ndarray:
    """(N,) values; where there is none yet, the largest of the column, or 1."""
    largest = np.nanmax(np.vstack([panel, np.full(panel.shape[1], 1e-12)]), axis=0)
    return np.where(np.isnan(values), np.where(largest > 1e-12, largest, 1.0), values)


def _without_actions(made: dict[str, np.ndarray], after: slice) -> None:
    made["dividend"][after], made["split"][after], made["pay_date"][after] = 0.0, 1.0, NO_DATE


def _delist(made: dict[str, np.ndarray], after: slice, traded: np.ndarray, random: np.random.Generator) -> None:
    """Take away a quarter of the symbols for good, and single bars of the others; never all bars of a row."""
    gone = (random.random(traded.shape[1]) < 0.25) | (random.random(traded.shape) < 0.03)
    gone &= (traded & ~gone).any(axis=1, keepdims=True)
    for name in (*PRICES, "raw_volume"):
        made[name][after][gone] = np.nan
    made["dividend"][after][gone], made["split"][after][gone] = 0.0, 1.0
