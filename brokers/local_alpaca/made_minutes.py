"""Small made-up minute markets for tests of live trading: a few minutes of one or more New York sessions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.bars import Bars


def minute_frame(prices: Sequence[Any], start: str = "2024-03-01 09:30", volume: float = 1_000.0) -> pd.DataFrame:
    """Minute bars from closes, or (open, high, low, close) rows; `start` is the first bar's start, New York time.

    None leaves a minute out.
    """
    first = pd.Timestamp(start, tz="America/New_York").tz_convert("UTC")
    kept = [(at, row) for at, row in enumerate(prices) if row is not None]
    rows = np.array([row if np.ndim(row) else (row,) * 4 for _, row in kept], dtype=float)
    index = pd.DatetimeIndex([first + pd.Timedelta(minutes=at + 1) for at, _ in kept])
    return pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index).assign(volume=volume)


def minutes(start: str = "2024-03-01 09:30", **prices: Sequence[Any]) -> Bars:
    """Minute Bars by symbol, all from `start` on."""
    return Bars.from_frames({symbol: minute_frame(rows, start) for symbol, rows in prices.items()}, interval="1m")
