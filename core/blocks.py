"""Blocks: equal consecutive stretches of the sessions, by which the returns of a trial are remembered."""

import numpy as np

from core.errors import UsageError

BLOCKS = 64


def edges(sessions: int, blocks: int = BLOCKS) -> np.ndarray:
    """(B+1,) int64 borders of the blocks: block b is the sessions edges[b] to edges[b+1] (not included).

    Lengths differ by 1 at most; where `blocks` would leave fewer than 2 sessions in one, there are fewer blocks.

    Raises:
        UsageError: fewer than 1 block is asked for.
    """
    if blocks < 1:
        raise UsageError(f"the sessions are cut into 1 block or more, got {blocks}: raise blocks")
    count = max(1, min(blocks, sessions // 2))
    return np.arange(count + 1, dtype=np.int64) * sessions // count
