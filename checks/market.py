"""The bars a check uses when none are named: synthetic, with all that trips a strategy. Imports core and feeds.

They hold splits, dividends, missing bars, symbols that list late, one that is delisted, and the market index.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from core.bars import Bars
from feeds.load import load_bars
from feeds.synthetic import INDEX

SOURCE = "synthetic:seed=3,symbols=30"
START, END = "2015-01-02", "2017-09-01"
TARGET_SYMBOLS = tuple(f"SYN{number:03d}" for number in (1, 2, 3, 4, 7, 8, 12, 13))
PLAIN_SYMBOLS = TARGET_SYMBOLS[:4]
MISSING = 0.004  # part of the bars that are missing
PRICES = ("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume")


def market(target: bool) -> Bars:
    """The default bars: 672 sessions of 8 symbols and an index, or of 4 symbols for plain strategies.

    The second symbol lists after 40 sessions, and a later one after 300; the last is delisted after 560.
    """
    symbols = TARGET_SYMBOLS if target else PLAIN_SYMBOLS
    bars = load_bars(source=SOURCE, symbols=symbols, reference=(INDEX,) if target else (), start=START, end=END)
    there = bars.traded.copy()
    there[:40, 1] = False
    if target:
        there[:300, 5] = False
        there[560:, 7] = False
    there[np.random.default_rng(11).random(there.shape) < MISSING] = False
    there[:, 0] = bars.traded[:, 0]
    panels: dict[str, Any] = {name: np.where(there, getattr(bars, name), np.nan) for name in PRICES}
    panels["dividend"], panels["split"] = np.where(there, bars.dividend, 0.0), np.where(there, bars.split, 1.0)
    return replace(bars, **panels)
