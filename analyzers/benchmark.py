"""What doing nothing would have earned: buy-and-hold of one symbol or of the whole universe. Imports core only."""

import numpy as np

from core.bars import Bars
from core.errors import UnknownName

UNIVERSE = "universe"


def benchmark_equity(bars: Bars, name: str, cash: float) -> np.ndarray:
    """(T,) value at each bar's close of `cash` put into a benchmark at its first close and left there.

    Dividends are reinvested (forward-adjusted closes); the money waits in cash until a symbol lists.

    Args:
        name: a symbol of the bars, or "universe": each tradable symbol gets the same part of the cash.
        cash: starting value, account currency.

    Raises:
        UnknownName: `name` is neither.
    """
    if name == UNIVERSE:
        columns = np.flatnonzero(bars.tradable)
    elif name in bars.symbols:
        columns = np.array([bars.column(name)])
    else:
        raise UnknownName.of("benchmark", name, [UNIVERSE, *bars.symbols])
    if not len(columns):
        return np.full(len(bars), float(cash))
    return cash * _growth(bars, columns).mean(axis=1)


def _growth(bars: Bars, columns: np.ndarray) -> np.ndarray:
    """(T, C) forward-adjusted close as a multiple of the first one, last known, 1 before the listing."""
    close = bars.last_close[:, columns] * bars.factor[:, columns]
    listed = ~np.isnan(close)
    first = np.take_along_axis(close, listed.argmax(axis=0)[None, :], axis=0)
    return np.where(listed, close / first, 1.0)
