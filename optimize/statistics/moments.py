"""Block moments: what a sweep keeps of every trial's session returns, and the Sharpe ratios that follow from them.

The sessions are cut into B consecutive blocks; per block only count, sum and sum of squares remain, so that a million
trials fit in memory and any merging of blocks has an exact Sharpe ratio. Imports core only.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from core.blocks import BLOCKS, edges
from core.errors import UsageError

NO_SPREAD = 1e-11  # variance below this part of the mean square is rounding


class Moments(NamedTuple):
    """Moments of M trials in B blocks.

    Attributes:
        count: (B,) sessions in each block. sum: (M, B) sums of simple session returns. square: (M, B) sums of squares.
    """

    count: np.ndarray  # type: ignore[assignment]
    sum: np.ndarray
    square: np.ndarray


def moments_of(returns: np.ndarray, blocks: int = BLOCKS) -> Moments:
    """Moments of (M, S) or (S,) simple session returns; a trial with a NaN has NaN moments and counts for nothing."""
    table = np.atleast_2d(np.asarray(returns, dtype=np.float64))
    border = edges(table.shape[1], blocks)
    shape = len(table), len(border) - 1
    total, square = np.empty(shape), np.empty(shape)
    for block, (first, last) in enumerate(pairwise(border)):
        part = table[:, first:last]
        total[:, block] = part.sum(axis=1)
        square[:, block] = np.einsum("ms,ms->m", part, part)
    return Moments(np.diff(border).astype(np.float64), total, square)


def merged(moments: Moments, groups: int) -> Moments:
    """The moments of `groups` runs of consecutive blocks, as equal in number as can be; all B where there are fewer."""
    first = group_edges(len(moments.count), groups)[:-1]
    return Moments(*(np.add.reduceat(each, first, axis=-1) for each in moments))


def group_edges(blocks: int, groups: int) -> np.ndarray:
    """(G+1,) borders, in blocks, of the groups of `merged`; G is `groups`, or `blocks` where that is fewer."""
    if groups < 1:
        raise UsageError(f"blocks are merged into 1 group or more, got {groups}: raise groups")
    return _parts(blocks, min(groups, blocks))


def sharpe(count: np.ndarray, total: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Per-session Sharpe ratio (ddof=1, no risk-free rate) from count, sum and sum of squares, broadcast together.

    NaN without spread or with fewer than 2 sessions, as in analyzers.metrics.sharpe.
    """
    count, total, square = np.broadcast_arrays(count, total, square)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = square - total * total / count
        ratio = total / count / np.sqrt(spread / (count - 1))
    return np.where((count > 1) & (spread > NO_SPREAD * square), ratio, np.nan)


def whole_sharpe(moments: Moments) -> np.ndarray:
    """(M,) per-session Sharpe ratio of each trial over all sessions."""
    return sharpe(moments.count.sum(), moments.sum.sum(axis=1), moments.square.sum(axis=1))


def _parts(length: int, parts: int) -> np.ndarray:
    return np.arange(parts + 1) * length // parts
