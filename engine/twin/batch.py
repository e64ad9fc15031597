"""`play_many`: a batch of trials in one compiled call that never holds the GIL."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from engine.twin.book import ASKED, Account, Market, Plan
from engine.twin.measures import Window, measure
from engine.twin.play import walk


class Plans(NamedTuple):
    """The plans of m trials, one after the other.

    Attributes:
        borders: (m + 1,) int64 where each trial's rows begin and end in the other arrays.
        rows: (D,), decided, conviction, wished: (D, N), as in `Plan`.
    """

    borders: np.ndarray
    rows: np.ndarray
    decided: np.ndarray
    conviction: np.ndarray
    wished: np.ndarray

    def part(self, trial: int) -> Plan:
        """The plan of one trial."""
        rows = slice(self.borders[trial], self.borders[trial + 1])
        return Plan(self.rows[rows], self.decided[rows], self.conviction[rows], self.wished[rows])


@njit(cache=True, nogil=True, error_model="numpy")
def play_many(market: Market, plans: Plans, account: Account, window: Window, sums: np.ndarray, squares: np.ndarray,
              out: np.ndarray) -> np.ndarray:
    """Fill in measures `out` (m, K), and sums and squares (m, B) of session returns.

    Returns:
        (m,) bool: trials that asked for wishes on the way (see `walk`) and must be played one by one.
    """
    rows, asked = len(market.close), np.zeros(len(plans.borders) - 1, np.bool_)
    equity, cash, returns = np.empty(rows), np.empty(rows), np.empty(len(window.ends))
    for trial in range(len(plans.borders) - 1):
        part = slice(plans.borders[trial], plans.borders[trial + 1])
        plan = Plan(plans.rows[part], plans.decided[part], plans.conviction[part], plans.wished[part])
        book = walk(market, plan, account, equity, cash)
        asked[trial] = book.used[ASKED] >= 0
        if asked[trial]:
            continue
        measure(market, book, account.fractional, equity, window, returns, sums[trial], squares[trial], out[trial])
    return asked


def compiled() -> bool:
    """Whether the compiled twin is on the disk; else the first call takes about a minute."""
    function: Any = play_many
    return bool(function.signatures) or any(Path(function._cache.cache_path).glob("batch.play_many-*.nbi"))
