"""Small made-up markets for the tests: seeded, valid, and easy to compute by hand."""

import numpy as np
import pandas as pd

from core.bars import Bars


def frame(prices, start="2020-01-02", volume=1_000_000.0, **columns) -> pd.DataFrame:
    """A daily frame from a list of closes, or of (open, high, low, close) rows, on business days."""
    rows = np.asarray(prices, dtype=float)
    if rows.ndim == 1:
        rows = np.repeat(rows[:, None], 4, axis=1)
    index = pd.bdate_range(start, periods=len(rows))
    made = pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index)
    return made.assign(volume=volume, **columns)


def walk(rows: int, seed: int = 1, start: str = "2000-01-03", drift: float = 0.0003, risk: float = 0.012) -> pd.DataFrame:
    """A daily random walk with gaps, highs and lows."""
    random = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(random.normal(drift, risk, rows)))
    opened = np.r_[50.0, close[:-1]] * np.exp(random.normal(0, risk / 3, rows))
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    reach = np.abs(random.normal(0, risk / 2, (2, rows)))
    prices = np.column_stack([opened, top * (1 + reach[0]), bottom * (1 - reach[1]), close])
    return frame(np.round(prices, 4), start).assign(volume=random.integers(1_000, 1_000_000, rows).astype(float))


def ragged(rows: int, symbols: int, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Several walks that list and delist at different times and miss bars."""
    random = np.random.default_rng(seed)
    market = {}
    for at in range(symbols):
        whole = walk(rows, seed * 1000 + at)
        first = int(random.integers(0, rows // 3)) if at else 0
        last = rows - (int(random.integers(0, rows // 4)) if at else 0)
        there = random.random(rows) > (0.1 if at else 0.0)
        market[f"S{at}"] = whole[(np.arange(rows) >= first) & (np.arange(rows) < last) & there]
    return market


def bars(**frames) -> Bars:
    """Bars from frames by symbol."""
    return Bars.from_frames(frames)
