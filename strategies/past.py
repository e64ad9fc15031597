"""What a run has executed before its present process began, as an engine tells a live strategy. Standard library only."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

DECIMALS = 9  # beyond them shares are only the noise of binary fractions


class Done(NamedTuple):
    """An execution of the run: when (UTC ns), signed shares, and what its order was for."""

    time_ns: int
    size: float
    intent: str


Past = Callable[[str], Sequence[Done]]  # symbol -> what the run has executed in it, oldest first; a broker's attribute `past`


def entered_ns(done: Sequence[Done], size: float) -> int | None:
    """When a position of `size` shares was opened, UTC ns; None where the executions do not end on its side."""
    held, entered = 0.0, None
    for each in done:
        before, held = held, round(held + each.size, DECIMALS)
        if held and before * held <= 0:
            entered = each.time_ns
    return entered if held * size > 0 else None
